"""Plugins: how they are found, what they offer, how their parameters are checked. Imports no plugin."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from powertrain.boundary import export
from powertrain.plugins.backends import BackendError, Call, Graph, Node, Value
from powertrain.plugins.bases import Backend, Data, Loss, RandomTransform, Schedule, Transform
from powertrain.plugins.declared import Declared, FieldError
from powertrain.plugins.kernels import Case, CLibrary, Cuda, Kernel, Numba
from powertrain.plugins.learning import (
    Callback,
    End,
    Environment,
    Evaluate,
    Event,
    Request,
    Save,
    SetScalar,
    Start,
    Stop,
    Strategy,
)
from powertrain.plugins.measure import Metric
from powertrain.plugins.params import NoParams, Range, param
from powertrain.plugins.protocols import GROUPS, Inputs
from powertrain.plugins.registry import Plugin, PluginError, Registry, registry
from powertrain.plugins.run import Batch, Environments, Held, LossFunction, Part, Rows, Run, Step, Stream
from powertrain.plugins.tasks import Task

if TYPE_CHECKING:
    from powertrain.optim.optimizer import Optimizer as Optimizer
    from powertrain.plugins.model import Model as Model

# Bases that need the engine's modules, which listing plugins does not.
_LAZY = {"Model": "powertrain.plugins.model", "Optimizer": "powertrain.optim.optimizer"}

__all__ = [
    "GROUPS",
    "Backend",
    "BackendError",
    "Batch",
    "CLibrary",
    "Call",
    "Callback",
    "Case",
    "Cuda",
    "Data",
    "Declared",
    "End",
    "Environment",
    "Environments",
    "Evaluate",
    "Event",
    "FieldError",
    "Graph",
    "Held",
    "Inputs",
    "Kernel",
    "Loss",
    "LossFunction",
    "Metric",
    "Model",
    "NoParams",
    "Node",
    "Numba",
    "Optimizer",
    "Part",
    "Plugin",
    "PluginError",
    "RandomTransform",
    "Range",
    "Registry",
    "Request",
    "Rows",
    "Run",
    "Save",
    "Schedule",
    "SetScalar",
    "Start",
    "Step",
    "Stop",
    "Strategy",
    "Stream",
    "Task",
    "Transform",
    "Value",
    "param",
    "registry",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'powertrain.plugins' has no attribute {name!r}")


export(globals())
