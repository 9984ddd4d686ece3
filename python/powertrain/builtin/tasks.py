"""The engine's own tasks: classification, regression, language and control."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from powertrain.plugin.tasks import Task
from powertrain.train.evaluate.baseline import of_rows, of_tokens
from powertrain.train.report.judged import answers

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.plugin.baseline import Baseline
    from powertrain.plugin.section import Section
    from powertrain.train.evaluate.evaluation import Evaluation


class Classification(Task):
    """One class number for each example."""

    loss = "cross-entropy"
    metrics = ("accuracy",)
    headline = "accuracy"
    classes = True

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        return of_rows(dataset, part)


class Regression(Task):
    """Numbers for each example."""

    loss = "mse"
    metrics = ("mse", "mae", "r2")
    headline = "mae"

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        return of_rows(dataset, part)

    def sections(self, dataset: DataModule, judged: Evaluation) -> Sequence[Section]:
        return answers(judged, "" if dataset.target is None else dataset.target.unit)


class Language(Task):
    """The next token at each position of a window."""

    loss = "cross-entropy"
    metrics = ("perplexity", "accuracy")
    headline = "perplexity"
    tokens = True
    kept = False

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        return of_tokens(dataset, part)


class Control(Task):
    """Actions in an environment."""

    headline = "return"
    plays = True
    kept = False
