"""What a plugin of each group offers. A plugin is found by its entry point and is a class or a function;
its parameters are a frozen dataclass `Params` (see params.py), or a function's keyword-only arguments.

    group      what the engine calls                                   gives
    model      Plugin.build(params, inputs: Inputs)                    a nn.Module
    loss       plugin(output, target, **params)                        one value per example (a Tensor)
    data       Plugin.load(params, base: Path)                         a DataModule
    transform  Plugin.fit(params, x: ndarray) / plugin(x) on batches   a Transform
               Plugin.build(params, inputs), where it is random        a RandomTransform
    env        Plugin(params)                                          an Env (learning.py)
    strategy   Plugin(params)                                          a Strategy (learning.py)
    optimizer  Plugin.build(params, module, **settings)                an Optimizer
    schedule   plugin(step, total, **params)                           the factor on the rate (a Tensor)
    metric     Plugin(params)                                          a Metric
    callback   Plugin(params)                                          a Callback (learning.py)
    recipe     the path of a TOML file inside a package                text
    kernel     a powertrain.plugins.Kernel, called like an op               Tensors
    backend    Plugin(params)                                          runs traced programs (BackendPlugin)
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from powertrain.data import DataModule
    from powertrain.data.transforms import RandomTransform, Transform
    from powertrain.metrics.metric import Metric
    from powertrain.nn import Module
    from powertrain.optim.optimizer import Optimizer
    from powertrain.plugins.backends import Graph

GROUPS = (
    "model",
    "loss",
    "data",
    "transform",
    "env",
    "strategy",
    "optimizer",
    "schedule",
    "metric",
    "callback",
    "kernel",
    "recipe",
    "backend",
)


def called(group: str, plugin: Any) -> str:
    """The class method by which the engine makes what a plugin is; empty where it calls the plugin itself."""
    fitted = "build" if getattr(plugin, "random", False) else "fit"
    return {"model": "build", "data": "load", "transform": fitted, "optimizer": "build"}.get(group, "")


# What the engine hands to a plugin, or to its class method; the parameters of a function come as keywords.
HANDED = {
    "model": ("params", "inputs"),
    "loss": ("output", "target"),
    "data": ("params", "base"),
    "transform": ("params", "x"),
    "optimizer": ("params", "module"),
    "schedule": ("step", "total"),
    **dict.fromkeys(("strategy", "env", "metric", "callback", "backend"), ("params",)),
}
SETTINGS = ("schedule", "clip", "accumulate", "name")  # that an optimizer's build gets as keywords


def unfit(group: str, plugin: Any) -> str:
    """What a plugin takes and what it is given, where that cannot be; nothing where it can, or nobody knows."""
    method = called(group, plugin)
    try:
        signature = inspect.signature(getattr(plugin, method) if method else plugin)
    except (TypeError, ValueError):
        return ""
    given = HANDED.get(group, ())
    known = {one.name: None for one in signature.parameters.values() if one.kind is one.KEYWORD_ONLY}
    settings = dict.fromkeys(SETTINGS) if group == "optimizer" else {}
    try:
        signature.bind(*given, **{**known, **settings})
    except TypeError:
        stars: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
        takes = ", ".join(stars.get(one.kind, "") + one.name for one in signature.parameters.values())
        wanted = ", ".join([*given, *(["**settings"] if settings else [])])
        return f"{method or 'it'} takes ({takes}); expected ({wanted})"
    return ""


Task = Literal["classification", "regression", "language", "control"]


@dataclass(frozen=True)
class Inputs:
    """What the data tells a model: so shapes and class counts never stand in a recipe.

    `shape` is that of one example after the transforms, without the batch axis; `outputs` the number of classes, of
    regression targets, or the vocabulary; `labels` the names of the classes or the characters of the vocabulary;
    `vocabulary` the number of tokens, where x is tokens.
    """

    task: Task
    shape: tuple[int, ...]
    outputs: int
    dtype: str = "float32"
    labels: tuple[str, ...] = ()
    context: int | None = None
    vocabulary: int | None = None


class ModelPlugin(Protocol):
    """A model. A module may name what trains it when the recipe does not: class attributes `strategy` and `loss`.

    One that another library fits derives from `powertrain.models.HostModel` (`host = True`)."""

    Params: ClassVar[type]

    @classmethod
    def build(cls, params: Any, inputs: Inputs) -> Module: ...


class LossPlugin(Protocol):
    """A loss: one value per example, or per token; the engine divides once by the total weight."""

    def __call__(self, output: Any, target: Any, /) -> Any: ...


class DataPlugin(Protocol):
    """A data set. `base` is the folder of the recipe, from which relative paths are taken.

    One whose parameters have a field `split` gets the recipe's data.split, and gives the parts itself."""

    Params: ClassVar[type]

    @classmethod
    def load(cls, params: Any, base: Path) -> DataModule: ...


class TransformPlugin(Protocol):
    """A transform, fitted on the training part alone."""

    Params: ClassVar[type]

    @classmethod
    def fit(cls, params: Any, x: NDArray[Any]) -> Transform: ...


class RandomTransformPlugin(Protocol):
    """A random change of training batches, in the group `transform` too; it says `random = True` and learns nothing."""

    Params: ClassVar[type]
    random: ClassVar[bool]

    @classmethod
    def build(cls, params: Any, inputs: Inputs) -> RandomTransform: ...


class OptimizerPlugin(Protocol):
    """An optimizer. `settings` are the engine's (schedule, clip, name...); hand them on to `Optimizer`."""

    Params: ClassVar[type]

    @classmethod
    def build(cls, params: Any, module: Any, **settings: Any) -> Optimizer: ...


class SchedulePlugin(Protocol):
    """The factor on the rate at an update, from 0 on; `step` is a tensor, `total` the updates of the whole run."""

    def __call__(self, step: Any, total: int, /) -> Any: ...


class MetricPlugin(Protocol):
    """A mergeable measure, made with its parameters; what it gives is a `powertrain.metrics.metric.Metric`."""

    Params: ClassVar[type]

    def __call__(self, params: Any, /) -> Metric: ...


class BackendPlugin(Protocol):
    """A backend: runs traced programs in place of the engine's kernels. It is made with its parameters.

    Arrays are its own, of any type that has `shape` and `dtype`; the engine keeps them, in slots too, and hands the
    same ones back. None of them may change after it was given. It may also have

        version    version(): what its numbers depend on, in words, which run.lock records
    """

    Params: ClassVar[type]
    ops: Collection[str]  # that it has a rule for; others become what they are composed of, before it sees them
    dtypes: Collection[str]  # that its arrays have, by name

    def available(self) -> str | None:
        """Why it cannot run here, `what is missing; what is expected; how to get it`; None if it can."""

    def place(self, array: NDArray[Any], dtype: str) -> Any:
        """An array of its own with the same elements; of bfloat16, `array` has the bits as uint16."""

    def fetch(self, array: Any) -> NDArray[Any]:
        """The elements of one of its arrays; of bfloat16, the bits as uint16."""

    def compile(self, graph: Graph) -> Callable[[Sequence[Any]], Sequence[Any]]:
        """A function from arrays for `graph.inputs` to arrays for `graph.outputs`, of the types that the graph says."""
