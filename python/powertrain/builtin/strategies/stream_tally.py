"""What a stream has shown so far: each answer was given before its target was known. In bounded memory."""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np

from powertrain.builtin.strategies.views import StrategyError
from powertrain.plugin import Section

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.figure import Figure

MOST_POINTS = 256  # of a curve; a longer stream has longer steps between them
LATE = 100  # examples from which on a class that was never seen is worth a word
MOST_DRIFTS = 1000  # whose places are kept, the last ones; all are counted


@dataclasses.dataclass
class Sums:
    """Numbers that grow with the stream."""

    seen: float = 0.0  # examples that were tested
    errors: float = 0.0  # wrong answers, or absolute errors
    squares: float = 0.0
    no_change: float = 0.0  # errors of who says the last target again
    simple: float = 0.0  # of who says the most frequent class so far, or the mean so far
    last: float = math.nan  # target
    total: float = 0.0  # of targets
    gaps: float = 0.0  # examples that were left out, for a number that is not finite or a class that there is not
    unlabelled: float = 0.0
    found: float = 0.0  # drifts
    raised_until: float = 0.0  # the example after which the rate is the usual one again
    step: float = 16.0  # examples of a point of the curve


class Tally:
    """Counts answers and targets in their order; of `classes`, or of numbers where that is 0."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self.sums = Sums()
        self.confusion = np.zeros((classes, classes))
        self._came = [0.0] * classes  # how often each class came: its row of the confusion
        self.first = np.full(classes, math.nan)  # the example at which a class came first
        self.curve: list[list[float]] = []  # examples, errors, errors of who says the last target again
        self.drifts: list[tuple[float, float]] = []  # the example, and what the detector measured

    def see(self, answer: float, target: float) -> float:
        """Take in one answer; its error."""
        sums = self.sums
        simple = self._simple()
        if self.classes:
            error = float(answer != target)
            unchanged, usual = float(sums.last != target), float(simple != target)
            if np.isnan(self.first[int(target)]):
                self.first[int(target)] = sums.seen
            self.confusion[int(target), int(answer)] += 1
            self._came[int(target)] += 1
        else:
            error, unchanged, usual = abs(answer - target), abs(sums.last - target), abs(simple - target)
        if math.isnan(sums.last):  # who says the last target again has none yet
            unchanged = usual = error
        sums.errors += error
        sums.squares += error * error
        sums.no_change += unchanged
        sums.simple += usual
        sums.seen += 1
        sums.total += target
        sums.last = target
        self._draw_on(error, unchanged)
        return error

    def _simple(self) -> float:
        if self.classes:
            return float(self._came.index(max(self._came)))
        return self.sums.total / self.sums.seen if self.sums.seen else math.nan

    def _draw_on(self, error: float, unchanged: float) -> None:
        if not self.curve or self.curve[-1][0] >= self.sums.step:
            if len(self.curve) == MOST_POINTS:  # half as many points, each of twice as many examples
                pairs = zip(self.curve[::2], self.curve[1::2], strict=True)
                self.curve = [[a + b for a, b in zip(*pair, strict=True)] for pair in pairs]
                self.sums.step *= 2
            self.curve.append([0.0, 0.0, 0.0])
        for at, value in enumerate((1.0, error, unchanged)):
            self.curve[-1][at] += value

    def drift(self, estimate: float) -> None:
        """Note that a detector has found a drift at the last example."""
        self.sums.found += 1
        self.drifts = [*self.drifts, (self.sums.seen, estimate)][-MOST_DRIFTS:]

    def scores(self) -> dict[str, float]:
        """The measures of the whole stream by name."""
        sums = self.sums
        if not sums.seen:
            return {}
        mean, unchanged = sums.errors / sums.seen, sums.no_change / sums.seen
        if not self.classes:
            named = {"prequential_mae": mean, "prequential_rmse": math.sqrt(sums.squares / sums.seen)}
            return {**named, "no_change_mae": unchanged, "drifts": sums.found}
        chance = float(self.confusion.sum(axis=0) @ self.confusion.sum(axis=1)) / sums.seen**2
        return {
            "prequential_accuracy": 1 - mean,
            "prequential_kappa": _above(1 - mean, chance),
            "prequential_kappa_temporal": _above(1 - mean, 1 - unchanged),
            "no_change_accuracy": 1 - unchanged,
            "drifts": sums.found,
        }

    # As bytes of a checkpoint: numbers in one row, with their counts before what has no fixed size.

    def dump(self) -> bytes:
        numbers = [
            *dataclasses.astuple(self.sums), *self.confusion.ravel(), *self.first,
            len(self.curve), *(one for point in self.curve for one in point),
            len(self.drifts), *(one for drift in self.drifts for one in drift),
        ]  # fmt: skip
        return np.array(numbers, dtype="<f8").tobytes()

    @classmethod
    def load(cls, data: bytes, classes: int) -> Tally:
        made, fixed = cls(classes), len(dataclasses.fields(Sums))
        numbers = np.frombuffer(data, dtype="<f8").tolist() if len(data) % 8 == 0 else []
        sizes = _sizes(numbers, fixed + classes * classes + classes)
        if sizes is None:
            raise StrategyError(
                f"[prequential] the checkpoint has {len(numbers):,} numbers that are not a tally of {classes} classes; "
                "expected what this strategy wrote; begin a new run"
            )
        points, drifts = sizes
        made.sums = Sums(*numbers[:fixed])
        at = fixed + classes * classes
        made.confusion = np.array(numbers[fixed:at]).reshape(classes, classes)
        made._came = made.confusion.sum(axis=1).tolist()
        made.first = np.array(numbers[at : at + classes])
        at += classes + 1
        made.curve = [numbers[at + 3 * point : at + 3 * point + 3] for point in range(points)]
        at += 3 * points + 1
        made.drifts = [(numbers[at + 2 * one], numbers[at + 2 * one + 1]) for one in range(drifts)]
        return made

    def section(self, labels: Sequence[str], names: Mapping[str, str]) -> Section:
        """The page of the report. `names` has what measured drifts, and what was done about them."""
        sums, measure = self.sums, "accuracy" if self.classes else "mean absolute error"
        means = [value / max(sums.seen, 1.0) for value in (sums.errors, sums.no_change, sums.simple)]
        said = [f"{1 - mean if self.classes else mean:.4g}" for mean in means]
        usual = "the most frequent class so far" if self.classes else "the mean so far"
        rows = (("", measure), ("the model", said[0]), ("the last target again", said[1]), (usual, said[2]))
        lines = [
            f"{int(sums.seen):,} examples: each was answered before the model learned from it.",
            f"{int(sums.gaps):,} were left out for what they hold, {int(sums.unlabelled):,} had no label.",
            f"{names['detector']}: {int(sums.found):,} drifts; reaction: {names['react']}.",
        ]
        if sums.found:
            shown = ", ".join(f"{int(at):,}" for at, _ in self.drifts[:20])
            lines.append(f"Drifts after example {shown}{', ...' if len(self.drifts) > 20 else ''}.")
        absent = [labels[at] if labels else str(at) for at in np.flatnonzero(np.isnan(self.first)).tolist()]
        if absent:
            lines.append(f"Never seen: class {', '.join(absent[:10])}{', ...' if len(absent) > 10 else ''}.")
        late = [
            (labels[at] if labels else str(at), f"{int(one) + 1:,}") for at, one in enumerate(self.first) if one >= LATE
        ]
        if late:
            lines.append("First seen: " + ", ".join(f"class {name} at example {at}" for name, at in late[:10]) + ".")
        return Section("Prequential", tuple(lines), rows, self._draw)

    def _draw(self, figure: Figure) -> None:
        axes = figure.add_subplot()
        points = np.array(self.curve)
        ends = np.cumsum(points[:, 0])
        for column, label, colour in ((1, "the model", "C0"), (2, "the last target again", "C7")):
            mean = points[:, column] / points[:, 0]
            axes.plot(ends, 1 - mean if self.classes else mean, label=label, color=colour, linewidth=1)
        for at, _ in self.drifts:
            axes.axvline(at, color="C3", linewidth=0.5, alpha=0.5)
        axes.set_xlabel("examples" + (" (red: drifts)" if self.drifts else ""))
        axes.set_ylabel("accuracy" if self.classes else "mean absolute error")
        axes.grid(alpha=0.3)
        axes.legend(loc="best")


def _above(share: float, chance: float) -> float:
    """How much of what `chance` leaves is right."""
    return (share - chance) / (1 - chance) if chance < 1 else 0.0


def _sizes(numbers: Sequence[float], at: int) -> tuple[int, int] | None:
    """How many points and drifts stand in the numbers of a tally; None where they are none."""
    found = []
    for width, most in ((3, MOST_POINTS), (2, MOST_DRIFTS)):
        if at >= len(numbers) or numbers[at] not in range(most + 1):
            return None
        found.append(int(numbers[at]))
        at += 1 + width * found[-1]
    return (found[0], found[1]) if at == len(numbers) else None
