"""What a plugin of each group offers. A plugin is found by its entry point and is a class or a function;
its parameters are a frozen dataclass `Params` (see params.py), or a function's keyword-only arguments.

    group      what the engine calls                                   gives
    model      Plugin.build(params, inputs: Inputs)                    a nn.Module
    loss       plugin(output, target, **params)                        one value per example (a Tensor)
    data       Plugin.load(params, base: Path)                         a Dataset
    transform  Plugin.fit(params, x: ndarray) / plugin(x) on batches   a Transform
    strategy   Plugin(params)                                          a Strategy (train/protocols.py)
    optimizer  Plugin.build(params, module)                            an Optimizer
    schedule   plugin(step, total, **params)                           the factor on the rate (a Tensor)
    metric     Plugin(params)                                          a Metric
    callback   Plugin(params)                                          a Callback (train/protocols.py)
    recipe     the path of a TOML file inside a package                text
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

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
Task = Literal["classification", "regression", "language"]


@dataclass(frozen=True)
class Inputs:
    """What the data tells a model: so shapes and class counts never stand in a recipe.

    `shape` is that of one example after the transforms, without the batch axis; `outputs` the number of classes, of
    regression targets, or the vocabulary; `labels` the names of the classes or the characters of the vocabulary.
    """

    task: Task
    shape: tuple[int, ...]
    outputs: int
    dtype: str = "float32"
    labels: tuple[str, ...] = ()
    context: int | None = None


@runtime_checkable
class ModelPlugin(Protocol):
    """A model: `strategy` and `loss` name what trains it when the recipe does not."""

    strategy: str
    loss: str

    @classmethod
    def build(cls, params: Any, inputs: Inputs) -> Any: ...
