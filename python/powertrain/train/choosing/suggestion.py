"""The answer of `powertrain suggest`: a recipe that stands on the disk, a page that says why, the same as a table."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from powertrain import Error
from powertrain.io.console import one_line
from powertrain.plugin import registry
from powertrain.plugin.params import params_of
from powertrain.plugin.section import Section
from powertrain.recipe.reader import SECTIONS
from powertrain.recipe.toml import document
from powertrain.train.choosing.comparing import Choice, Comparison, Question, Teller, choose, compare
from powertrain.train.choosing.growth import Watched, watch_growth

# What is kept of the time for the sizes, where these are asked for.
SHARE_OF_SIZES = 0.3
# Metrics whose best value is 1; of those of which less is better it is 0.
OF_ONE = (
    "accuracy", "auc", "average-precision", "balanced-accuracy", "explained-variance", "f1", "f1_macro", "f1_micro",
    "f1_weighted", "kappa", "mcc", "pearson", "precision", "precision_macro", "precision_micro", "precision_weighted",
    "r2", "recall", "recall_macro", "recall_micro", "recall_weighted", "spearman", "top-k-accuracy",
)  # fmt: skip


class SuggestError(Error):  # type: ignore[misc, unused-ignore]
    """A question that has no answer."""


class Asked(Question, Protocol):
    """A question that knows how to write the recipe of a candidate, and what it saw of the data."""

    name: str
    task: str
    test_rows: int

    def lines(self) -> list[tuple[str, str]]: ...
    def sections(self) -> Sequence[Section]: ...
    def tables(self, candidate: Any, folder: Path, given: Mapping[str, Any]) -> dict[str, Any]: ...


@dataclass(frozen=True)
class Settings:
    """How long, whether by size too, and what a label costs."""

    minutes: float = 5.0
    sizes: bool = False
    cost: float | None = None
    seed: int = 0


@dataclass(frozen=True)
class Suggestion:
    """What was found. Without a `choice` a signal came before the first fold was measured."""

    asked: Asked
    comparison: Comparison
    choice: Choice | None
    watched: Watched | None
    best: float  # value of the metric
    lower_is_better: bool
    seconds: float
    cost: float | None

    @property
    def signal(self) -> int:
        return self.comparison.signal or (self.watched.signal if self.watched else 0)


def measure_of(name: str, task: str) -> tuple[bool, float]:
    """Whether less of a metric is better, and its best value; refused where it does not suit the task."""
    plugin: Any = registry().load("metric", name)
    metric = plugin.build(params_of(plugin)())
    if metric.tasks and task not in metric.tasks:
        raise SuggestError(
            f"[suggest --metric] received {name}, which measures {' and '.join(metric.tasks)}; expected a metric of "
            f"{task}; leave it out, or see powertrain plugins"
        )
    if not metric.lower_is_better and name not in OF_ONE:
        raise SuggestError(
            f"[suggest --metric] received {name}, whose best value is not known here; expected one of "
            f"{', '.join(OF_ONE)}, or one of which less is better; choose one of these"
        )
    return metric.lower_is_better, 0.0 if metric.lower_is_better else 1.0


def suggest(asked: Asked, settings: Settings, teller: Teller) -> Suggestion:
    """Compare the candidates, choose one, and train that one on fewer rows where `sizes` asks for it."""
    lower, best = measure_of(asked.metric, asked.task)
    began = time.monotonic()
    deadline = began + 60 * settings.minutes
    kept = SHARE_OF_SIZES * 60 * settings.minutes if settings.sizes else 0.0
    comparison = compare(asked, deadline - kept, teller, lower)
    choice, watched = None, None
    if comparison.compared:
        choice = choose(comparison, asked.metric, lower)
        if settings.sizes and not comparison.signal:
            watched = watch_growth(asked, choice.chosen, comparison.folds, best, deadline, teller, settings.seed)
    elif not comparison.signal:
        reasons = "; ".join(f"{one.candidate.name}: {one.out}" for one in comparison.measured)
        raise SuggestError(
            f"[suggest] no candidate could be measured ({reasons}); expected one at least; allow more --minutes, or "
            "install what is missing"
        )
    seconds = time.monotonic() - began
    return Suggestion(asked, comparison, choice, watched, best, lower, seconds, settings.cost)


def recipe_text(found: Suggestion, path: Path, given: Mapping[str, Any]) -> str:
    """The recipe as a text, with a comment that says where it comes from."""
    assert found.choice is not None
    chosen, asked = found.choice.chosen, found.asked
    folds = f"{found.comparison.folds} fold{'s' if found.comparison.folds > 1 else ''}"
    head = [
        f"{chosen.candidate.words}: {asked.metric} {chosen.mean:.4g}{_between(chosen.interval)} in {folds} of "
        f"{asked.rows:,} rows, by powertrain suggest.",
        *found.choice.why,
        f"The test part ({asked.test_rows:,} rows) was not looked at: train measures it, once.",
    ]
    comments = "".join(f"# {one_line(line)}\n" for line in head)
    tables = asked.tables(chosen.candidate, path.parent, given)
    return comments + document({name: tables[name] for name in SECTIONS if name in tables})


def _between(interval: tuple[float, float]) -> str:
    return "" if math.isnan(interval[0]) else f" ({interval[0]:.4g} to {interval[1]:.4g})"
