"""Plugins: how they are found, what they offer, how their parameters are checked. Imports no plugin."""

from powertrain.boundary import export
from powertrain.plugins.backends import BackendError, Call, Graph, Node, Value
from powertrain.plugins.kernels import Case, CLibrary, Cuda, Kernel, Numba
from powertrain.plugins.learning import (
    Callback,
    Env,
    Evaluate,
    Event,
    Request,
    Run,
    Save,
    SetScalar,
    Step,
    Stop,
    Strategy,
)
from powertrain.plugins.params import NoParams, Range, param
from powertrain.plugins.protocols import (
    GROUPS,
    BackendPlugin,
    DataPlugin,
    Inputs,
    LossPlugin,
    MetricPlugin,
    ModelPlugin,
    OptimizerPlugin,
    RandomTransformPlugin,
    SchedulePlugin,
    TransformPlugin,
)
from powertrain.plugins.registry import Plugin, PluginError, Registry, registry

__all__ = [
    "GROUPS",
    "BackendError",
    "BackendPlugin",
    "CLibrary",
    "Call",
    "Callback",
    "Case",
    "Cuda",
    "DataPlugin",
    "Env",
    "Evaluate",
    "Event",
    "Graph",
    "Inputs",
    "Kernel",
    "LossPlugin",
    "MetricPlugin",
    "ModelPlugin",
    "NoParams",
    "Node",
    "Numba",
    "OptimizerPlugin",
    "Plugin",
    "PluginError",
    "RandomTransformPlugin",
    "Range",
    "Registry",
    "Request",
    "Run",
    "Save",
    "SchedulePlugin",
    "SetScalar",
    "Step",
    "Stop",
    "Strategy",
    "TransformPlugin",
    "Value",
    "param",
    "registry",
]

export(globals())
