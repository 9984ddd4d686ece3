"""Backends: who runs a traced program in place of the engine's kernels. See docs/plugins/backend.md."""

from powertrain.plugin.backends.adapter import Adapter, BackendError, adapter_of
from powertrain.plugin.backends.graph import Call, Graph, Node, Value
from powertrain.plugin.backends.pooling import PooledAxis
from powertrain.plugin.backends.random_bits import random_uniform
from powertrain.plugin.backends.recording import Recorded, op, record

__all__ = [
    "Adapter", "BackendError", "Call", "Graph", "Node", "PooledAxis", "Recorded", "Value", "adapter_of", "op",
    "random_uniform", "record",
]  # fmt: skip
