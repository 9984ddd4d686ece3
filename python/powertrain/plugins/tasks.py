"""Tasks: what a target is, and what follows from it. Classification, regression, language and control are the engine's
own; a plugin adds others, such as segmentation or ranking, in the group `task`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.plugins.declared import OfParams

if TYPE_CHECKING:
    from powertrain.data import DataModule, Section
    from powertrain.train.baseline import Baseline
    from powertrain.train.evaluate import Evaluation


class Task(OfParams, declares=True):
    """What a target is. A data set names its task, `DataModule("streets", "segmentation", ...)`, or gives the class.

    The fields are defaults that a recipe may override, and how examples are treated.
    """

    loss: ClassVar[str] = ""  # the usual loss, by name; where there is none, a recipe has to name one
    metrics: ClassVar[tuple[str, ...]] = ()  # the usual metrics, by name
    headline: ClassVar[str] = "loss"  # the measure that people look at first
    classes: ClassVar[bool] = False  # a target is one class number: confusion matrix, class scores, stratified splits
    tokens: ClassVar[bool] = False  # examples are windows of one text: drawn at random, counted in tokens
    plays: ClassVar[bool] = False  # it has an environment in place of examples
    kept: ClassVar[bool] = True  # `sections` and the report see outputs and targets of each judged example

    def check(self, dataset: DataModule) -> None:
        """Raise where the targets do not have the form of the task."""

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        """What simple predictors reach on a part: what a model must beat."""
        return ()

    def sections(self, dataset: DataModule, judged: Evaluation) -> Sequence[Section]:
        """Pages of the report on the judged part: `judged.outputs`, `judged.truth`, `judged.losses`."""
        return ()

    def answer(self, dataset: DataModule, output: NDArray[Any]) -> dict[str, Any]:
        """What `powertrain predict` says of one example."""
        return {"value": np.asarray(output, dtype=np.float64).ravel().tolist()}


class Classification(Task):
    """One class number for each example."""

    loss = "cross-entropy"
    metrics = ("accuracy",)
    headline = "accuracy"
    classes = True

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        from powertrain.train.baseline import of_rows

        return of_rows(dataset, part)

    def answer(self, dataset: DataModule, output: NDArray[Any]) -> dict[str, Any]:
        weights = np.exp(output.astype(np.float64) - output.max())
        best = int(weights.argmax())
        label = dataset.labels[best] if dataset.labels else str(best)
        return {"label": label, "probability": round(float(weights[best] / weights.sum()), 4)}


class Regression(Task):
    """Numbers for each example."""

    loss = "mse"
    metrics = ("mse", "mae", "r2")
    headline = "mse"

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        from powertrain.train.baseline import of_rows

        return of_rows(dataset, part)

    def sections(self, dataset: DataModule, judged: Evaluation) -> Sequence[Section]:
        from powertrain.train.report import answers

        return answers(judged)


class Language(Task):
    """The next token at each position of a window."""

    loss = "cross-entropy"
    metrics = ("perplexity", "accuracy")
    headline = "perplexity"
    tokens = True
    kept = False

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        from powertrain.train.baseline import of_tokens

        return of_tokens(dataset, part)


class Control(Task):
    """Actions in an environment."""

    headline = "return"
    plays = True
    kept = False


# No distribution is read for them, since any data have one. `plugins list` finds them by their entry points.
OWN: dict[str, type[Task]] = {
    "classification": Classification,
    "language": Language,
    "regression": Regression,
    "control": Control,
}


@functools.cache
def task_of(name: str) -> Task:
    """The task of a name; a PluginError where nobody offers it."""
    from powertrain.plugins.registry import registry

    plugin: type[Task] = OWN.get(name) or registry().load("task", name)
    return plugin.build(plugin.Params())
