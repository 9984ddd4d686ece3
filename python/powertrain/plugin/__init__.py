"""Plugins: how they are found, what they offer, how their parameters are checked. Imports no plugin."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from powertrain.errors.boundary import export
from powertrain.errors.hints import attributes
from powertrain.plugin.backends import (
    BackendError,
    Call,
    Graph,
    Node,
    PooledAxis,
    Recorded,
    Value,
    op,
    random_uniform,
    record,
)
from powertrain.plugin.baseline import Baseline
from powertrain.plugin.bases import Backend, Data, Loss, RandomTransform, Transform
from powertrain.plugin.declared import Declared, FieldError
from powertrain.plugin.environment import Box, Environment, Environments, Played, TracedEnvironment
from powertrain.plugin.exporter import Exported, Exporter, ExportError, Program, Trained
from powertrain.plugin.histogram import Histogram
from powertrain.plugin.kernels import Case, CLibrary, Cuda, Kernel, Numba
from powertrain.plugin.learning import (
    Callback,
    End,
    Evaluate,
    Event,
    Pause,
    Request,
    Save,
    SetScalar,
    Start,
    Stop,
    Strategy,
)
from powertrain.plugin.metric import Metric
from powertrain.plugin.params import NoParams, Range, param
from powertrain.plugin.protocols import GROUPS, Inputs
from powertrain.plugin.registry import Plugin, PluginError, Registry, registry
from powertrain.plugin.run import Batch, Held, LossFunction, Part, Rows, Run, Step, Stream
from powertrain.plugin.schedule import Schedule
from powertrain.plugin.section import Section, bin_edges, columns_section, pictures_section, points_section
from powertrain.plugin.tasks import Task
from powertrain.plugin.transport import LostWorkerError, MessageTransport, RunOverError, Transport, WorkerError

if TYPE_CHECKING:
    from powertrain.optim.optimizer import Optimizer as Optimizer
    from powertrain.plugin.contrast import nt_xent as nt_xent
    from powertrain.plugin.host_model import HostModel as HostModel
    from powertrain.plugin.language_strategy import LanguageStrategy as LanguageStrategy
    from powertrain.plugin.model import Model as Model
    from powertrain.plugin.model_inputs import ModelError as ModelError
    from powertrain.plugin.model_inputs import as_floats as as_floats
    from powertrain.plugin.model_inputs import as_images as as_images
    from powertrain.plugin.model_inputs import as_rows as as_rows
    from powertrain.plugin.model_inputs import check_task as check_task
    from powertrain.plugin.model_inputs import features as features
    from powertrain.plugin.model_inputs import image_shape as image_shape
    from powertrain.plugin.semi_supervised import SemiSupervised as SemiSupervised
    from powertrain.plugin.semi_supervised import SlowCopy as SlowCopy

# What needs the engine's modules, which listing plugins does not.
_MODEL_INPUTS = ("ModelError", "as_floats", "as_images", "as_rows", "check_task", "features", "image_shape")
_LAZY = {
    "HostModel": "powertrain.plugin.host_model",
    "LanguageStrategy": "powertrain.plugin.language_strategy",
    "Model": "powertrain.plugin.model",
    "Optimizer": "powertrain.optim.optimizer",
    "SemiSupervised": "powertrain.plugin.semi_supervised",
    "SlowCopy": "powertrain.plugin.semi_supervised",
    "nt_xent": "powertrain.plugin.contrast",
    **dict.fromkeys(_MODEL_INPUTS, "powertrain.plugin.model_inputs"),
}

__all__ = [
    "GROUPS",
    "Backend",
    "BackendError",
    "Baseline",
    "Batch",
    "Box",
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
    "ExportError",
    "Exported",
    "Exporter",
    "FieldError",
    "Graph",
    "Held",
    "Histogram",
    "HostModel",
    "Inputs",
    "Kernel",
    "LanguageStrategy",
    "Loss",
    "LossFunction",
    "LostWorkerError",
    "MessageTransport",
    "Metric",
    "Model",
    "ModelError",
    "NoParams",
    "Node",
    "Numba",
    "Optimizer",
    "Part",
    "Pause",
    "Played",
    "Plugin",
    "PluginError",
    "PooledAxis",
    "Program",
    "RandomTransform",
    "Range",
    "Recorded",
    "Registry",
    "Request",
    "Rows",
    "Run",
    "RunOverError",
    "Save",
    "Schedule",
    "Section",
    "SemiSupervised",
    "SetScalar",
    "SlowCopy",
    "Start",
    "Step",
    "Stop",
    "Strategy",
    "Stream",
    "Task",
    "TracedEnvironment",
    "Trained",
    "Transform",
    "Transport",
    "Value",
    "WorkerError",
    "as_floats",
    "as_images",
    "as_rows",
    "bin_edges",
    "check_task",
    "columns_section",
    "features",
    "image_shape",
    "nt_xent",
    "op",
    "param",
    "pictures_section",
    "points_section",
    "random_uniform",
    "record",
    "registry",
]  # fmt: skip


export(globals())
_missing, __dir__ = attributes(__name__, __all__)


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    return _missing(name)
