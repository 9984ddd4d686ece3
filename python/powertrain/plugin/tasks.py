"""Tasks: what a target is, and what follows from it. Classification, regression, language and control are the engine's
own (builtin/tasks.py); a plugin adds others, such as segmentation or ranking, in the group `task`."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from powertrain.errors.methods import missing, optional
from powertrain.io.named import resolve
from powertrain.plugin.declared import OfParams

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.plugin.baseline import Baseline
    from powertrain.plugin.section import Section
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.typing import Array, State


class Task(OfParams, declares=True):
    """What a target is. A data set names its task, `DataModule("streets", "segmentation", ...)`, or gives the class.

    The fields are defaults that a recipe may override, and how examples are treated.

    Example
        >>> class Shares(pt.plugin.Task):
        ...     loss, metrics = "bce", ("mae",)
        ...     def answer(self, dataset, output):
        ...         return {"share": round(float(1 / (1 + np.exp(-output[0]))), 2)}
        >>> Shares().answer(None, np.array([0.0]))
        {'share': 0.5}
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

    @optional
    def answer(self, dataset: DataModule, output: Array) -> State:
        """What `powertrain predict` says of one example; left out, the label and the probabilities of a task of
        classes, or the numbers."""
        raise missing(self, "answer")


# The engine's own. No distribution is read for them, since any data have one; `plugins list` finds them by their entry
# points.
OWN: dict[str, str] = {
    "classification": "powertrain.builtin.tasks:Classification",
    "language": "powertrain.builtin.tasks:Language",
    "regression": "powertrain.builtin.tasks:Regression",
    "control": "powertrain.builtin.tasks:Control",
}


@functools.cache
def task_of(name: str) -> Task:
    """The task of a name; a PluginError where nobody offers it."""
    from powertrain.plugin.registry import registry

    plugin: Any = resolve(OWN[name]) if name in OWN else registry().load("task", name)
    task: Task = plugin.build(plugin.Params())
    return task
