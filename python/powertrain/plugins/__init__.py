"""Plugins: how they are found, what they offer, how their parameters are checked. Imports no plugin."""

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
    DataPlugin,
    Inputs,
    LossPlugin,
    MetricPlugin,
    ModelPlugin,
    OptimizerPlugin,
    SchedulePlugin,
    TransformPlugin,
)
from powertrain.plugins.registry import Plugin, PluginError, Registry, registry

__all__ = [
    "GROUPS",
    "Callback",
    "DataPlugin",
    "Env",
    "Evaluate",
    "Event",
    "Inputs",
    "LossPlugin",
    "MetricPlugin",
    "ModelPlugin",
    "NoParams",
    "OptimizerPlugin",
    "Plugin",
    "PluginError",
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
    "param",
    "registry",
]
