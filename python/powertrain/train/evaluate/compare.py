"""`powertrain compare`: runs beside each other, and whether the difference of two on the same examples is chance."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from powertrain.data.identity import identities
from powertrain.io.console import aligned, one_line
from powertrain.monitor.labels import class_name, predictions, scored
from powertrain.monitor.paired import PairedDifference, paired_difference
from powertrain.random.default import drawing_from
from powertrain.train.display.display import number
from powertrain.train.evaluate.reference import class_names
from powertrain.train.folder.run_folder import RunError
from powertrain.train.folder.summaries import differing, texts

if TYPE_CHECKING:
    from powertrain.data import Source
    from powertrain.train.run.train_run import TrainRun

MOST_LETTERS = 28  # of a value in a table
Rows = NDArray[np.int64]


class Ended(NamedTuple):
    """A run that is open with its data, and its results; none where it has not ended."""

    run: TrainRun
    results: Mapping[str, Any]


@dataclass(frozen=True)
class Difference:
    """How much better a run is than the first one, on examples that both were judged on: above 0 it is better.

    measure   "accuracy", or "mean squared error", whose difference has the sign turned
    found     the mean difference with its interval; None where `why_not` says what is missing
    """

    run: str
    measure: str = ""
    found: PairedDifference | None = None
    why_not: str = ""

    def line(self, first: str) -> str:
        """In words."""
        if self.found is None:
            return f"{self.run} and {first} have no interval: {self.why_not}"
        found = self.found
        verdict = "is better than" if found.low > 0 else "is worse than" if found.high < 0 else "may be as good as"
        apart, low, high = found.difference, found.low, found.high
        if self.measure != "accuracy":  # in words an error has its own sign
            apart, low, high = -apart, -high, -low
        return (
            f"{self.run} {verdict} {first}: {self.measure} {apart:+.4g}, {found.confidence:.0%} interval {low:+.4g} to "
            f"{high:+.4g}, p {found.p:.2g}, {found.examples:,} examples"
        )


@dataclass(frozen=True)
class Comparison:
    """Runs beside each other.

    part          the part that they were judged on
    runs          their folders
    values        rows of a table: what was measured, with one value for each run, None where it was not
    settings      the keys of the recipes that differ, with the values of each run
    differences   of each further run from the first one
    """

    part: str
    runs: tuple[str, ...]
    values: dict[str, tuple[float | None, ...]]
    settings: dict[str, tuple[str, ...]]
    differences: tuple[Difference, ...]

    def __str__(self) -> str:
        rows = [(self.part, *self.runs)]
        rows += [(name, *map(_number, row)) for name, row in self.values.items()]
        rows += [("", *("" for _ in self.runs))] * bool(self.settings)
        rows += [(name, *(_short(one) for one in row)) for name, row in self.settings.items()]
        return "\n".join([*aligned(rows), "", *(one.line(self.runs[0]) for one in self.differences)])

    def table(self) -> dict[str, Any]:
        """The same for JSON."""
        return dataclasses.asdict(self)


def compare(runs: Sequence[Ended], *, confidence: float = 0.95, seed: int = 0) -> Comparison:
    """Compare finished runs: what they reached, what of their recipes differs, and each with the first, by example."""
    if len(runs) < 2:
        raise RunError(f"[compare] received {len(runs)} run; expected two or more; name another one")
    if not 0 < confidence < 1:
        raise RunError(f"[compare] received confidence={confidence}; expected a share between 0 and 1; 0.95 is usual")
    parts = [_part(one) for one in runs]
    if len(set(parts)) > 1:
        raise RunError(
            f"[compare] the runs were evaluated on different parts: {', '.join(parts)}; expected one part; train them "
            "with the same parts"
        )
    names = _names(runs)
    judged = [_judged(one, parts[0]) for one in runs]
    differences = [
        _difference(name, judged[0], one, confidence, seed) for name, one in zip(names[1:], judged[1:], strict=True)
    ]
    return Comparison(parts[0], names, _values(runs, parts[0]), _settings(runs), tuple(differences))


def _part(one: Ended) -> str:
    if not one.results:
        raise RunError(
            f"[compare] {one.run.folder.path} has no results yet; expected a finished run; train it to its end first"
        )
    return one_line(one.results["part"])


def _names(runs: Sequence[Ended]) -> tuple[str, ...]:
    """The names of the folders, or their paths where two have the same name."""
    paths = [one.run.folder.path for one in runs]
    alike = len({path.name for path in paths}) < len(paths)
    return tuple(one_line(path if alike else path.name) for path in paths)


def _values(runs: Sequence[Ended], part: str) -> dict[str, tuple[float | None, ...]]:
    found = []
    for one in runs:
        parameters = one.run.table.parameters
        row = {**one.results[part], **({"parameters": parameters} if parameters else {})}
        row |= {"steps": int(one.results["steps"]), "seconds": float(one.results["seconds"])}
        found.append({**row, "watt hours": float(one.results["energy"]["watt_hours"])})
    return {
        name: tuple(row.get(name) for row in found) for name in dict.fromkeys(name for row in found for name in row)
    }


def _settings(runs: Sequence[Ended]) -> dict[str, tuple[str, ...]]:
    settings = [texts(one.run.recipe.tables) for one in runs]
    return {one_line(key): tuple(one.get(key, "") for one in settings) for key in differing(settings)}


def _number(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,}" if isinstance(value, int) else number(value, 4)


def _short(text: str) -> str:
    text = one_line(text)
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 3]}..."


@dataclass(frozen=True)
class _Judged:
    """What a run was asked and answered on its judged part: the score and the target of each example."""

    scores: NDArray[np.float64]
    truth: list[Any]
    classes: bool
    source: Source


def _judged(one: Ended, part: str) -> _Judged | None:
    """None of a run that has no answer to each example."""
    run = one.run
    if part not in run.dataset.splits or run.evaluations.evaluator is None:
        return None
    with drawing_from(run.generator):
        found = run.evaluations.evaluator(part, keep=True)
    if found.outputs is None or found.truth is None:
        return None
    labels = class_names(run)
    truth = [class_name(one, labels) for one in found.truth]
    scores = scored(
        list(zip(predictions(found.outputs, labels, found.decision.threshold), truth, strict=True)), labels is not None
    )
    return _Judged(scores, truth, labels is not None, run.dataset.splits[part])


def _difference(name: str, first: _Judged | None, second: _Judged | None, confidence: float, seed: int) -> Difference:
    if first is None or second is None:
        return Difference(name, why_not="one of the two does not answer each example")
    if first.classes != second.classes:
        return Difference(name, why_not="one predicts classes and the other numbers")
    rows = _same_examples(first, second)
    if rows is None:
        return Difference(name, why_not="they were judged on other examples")
    sign = 1 if first.classes else -1
    before, after = (sign * one.scores[at] for one, at in zip((first, second), rows, strict=True))
    found = paired_difference(before, after, confidence=confidence, seed=seed)
    return Difference(name, "accuracy" if first.classes else "mean squared error", found)


def _same_examples(first: _Judged, second: _Judged) -> tuple[Rows, Rows] | None:
    """The rows of both parts that are the same examples: all where the targets agree one by one, else those that are
    found in both by what they hold. So neither run has learned from any of them."""
    if len(first.truth) == len(second.truth) and all(map(np.array_equal, first.truth, second.truth)):
        every = np.arange(len(first.truth))
        return every, every
    ids = [identities(one.source) for one in (first, second)]
    if ids[0] is None or ids[1] is None:
        return None
    _, rows, others = np.intersect1d(ids[0], ids[1], return_indices=True)
    return (rows, others) if len(rows) > 1 else None
