"""How the error falls with the number of training rows, and what more rows would bring.

The error of n rows is taken to be a n^-b + c: a power law that ends at c (Cortes et al. 1994; Viering and Loog 2022
review how well it holds). Sizes count by their number of rows, as in Figueroa et al. 2012: the errors of few rows vary
most, and it is those of many that are continued.
"""

from __future__ import annotations

import dataclasses
import math
import time
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataModule
from powertrain.train.choosing.comparing import Measured, Question, Teller
from powertrain.train.choosing.trial import tried

SHARES = (1 / 8, 1 / 4, 1 / 2)  # and all, which are known from the comparison
MOST_FOLDS = 5
LEAST_FOLDS = 2
TIMES = (2, 4)  # as many rows as there are, for which the curve is continued
EXPONENTS = np.geomspace(0.02, 2.0, 120)
RESAMPLES = 1_000
CONFIDENCE = 0.95

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PowerLaw:
    """a n^-b + c, with a and c not negative."""

    a: float
    b: float
    c: float

    def __call__(self, rows: float | Floats) -> Floats:
        return np.asarray(self.a * np.asarray(rows, np.float64) ** -self.b + self.c)

    def rows_for(self, error: float) -> float:
        """The rows at which the error is so small; infinite where it never is."""
        if error <= self.c or self.a <= 0:
            return math.inf
        return float((self.a / (error - self.c)) ** (1 / self.b))


def fit_power_law(rows: Floats, errors: Floats) -> PowerLaw:
    """Least squares, weighted by the rows. For each exponent a and c follow from two equations; the exponent of the
    least sum is taken.

    Example
        >>> sizes = np.array([100.0, 200.0, 400.0, 800.0])
        >>> law = fit_power_law(sizes, 2 * sizes**-0.5 + 0.1)
        >>> round(law.c, 2), round(float(law(1600.0)), 3)
        (0.1, 0.15)
    """
    weights = rows / rows.sum()
    scale = float(rows.max())
    features = (rows / scale) ** -EXPONENTS[:, None]
    mean_f, mean_e = features @ weights, float(errors @ weights)
    apart = features - mean_f[:, None]
    variance = (apart**2) @ weights
    slope = np.divide((apart * (errors - mean_e)) @ weights, variance, out=np.zeros_like(variance), where=variance > 0)
    slope = np.maximum(slope, 0)
    end = mean_e - slope * mean_f
    # Where the end would be below zero it is zero, and the slope follows from that alone.
    below = end < 0
    alone = np.maximum((features * errors) @ weights / ((features**2) @ weights), 0)
    slope, end = np.where(below, alone, slope), np.where(below, 0.0, end)
    sums = (slope[:, None] * features + end[:, None] - errors) ** 2 @ weights
    at = int(sums.argmin())
    exponent = float(EXPONENTS[at])
    return PowerLaw(float(slope[at]) * scale**exponent, exponent, max(float(end[at]), 0.0))


@dataclass(frozen=True)
class Ahead:
    """What so many rows are expected to bring: the error with an interval of 95 %."""

    rows: int
    error: float
    low: float
    high: float


@dataclass(frozen=True)
class Growth:
    """Errors by number of rows, the law through them, and what it says of more rows."""

    rows: Floats  # [sizes, folds]
    errors: Floats  # [sizes, folds]
    now: int  # rows that there are to learn from
    law: PowerLaw
    laws: tuple[PowerLaw, ...]  # through the errors of folds drawn again and again
    ahead: tuple[Ahead, ...]

    def at(self, rows: float) -> tuple[float, float, float]:
        """The error of so many rows, with its interval."""
        made = np.array([float(law(rows)) for law in self.laws])
        low, high = np.quantile(made, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
        return float(self.law(rows)), float(low), float(high)


def grown(rows: Floats, errors: Floats, now: int, seed: int = 0) -> Growth:
    """The law through errors [sizes, folds], continued from the rows that there are `now`. Its interval comes from laws
    through the errors of folds that are drawn with replacement."""
    draw = np.random.Generator(np.random.Philox(key=seed))
    folds = errors.shape[1]
    drawn = [draw.integers(0, folds, folds) for _ in range(RESAMPLES)]
    laws = [fit_power_law(rows[:, some].ravel(), errors[:, some].ravel()) for some in drawn]
    law = fit_power_law(rows.ravel(), errors.ravel())
    made = Growth(rows, errors, now, law, tuple(laws), ())
    return dataclasses.replace(made, ahead=tuple(Ahead(times * now, *made.at(times * now)) for times in TIMES))


@dataclass(frozen=True)
class Watched:
    """What came of training on fewer rows: how the error grows, or why that is not known."""

    growth: Growth | None = None
    problem: str = ""
    signal: int = 0


def watch_growth(
    question: Question, chosen: Measured, folds: int, best: float, deadline: float, teller: Teller, seed: int
) -> Watched:
    """Train the chosen candidate on shares of the training rows of some folds; those of all rows are known already. The
    error is how far the metric is from its `best` value."""
    taken = min(folds, MOST_FOLDS)
    if taken < LEAST_FOLDS:
        return Watched(problem="the comparison had one fold alone; allow more --minutes")
    columns: list[list[tuple[float, float]]] = []  # rows and error, by fold and size
    for fold in range(taken):
        if time.monotonic() + sum(SHARES) * chosen.expected > deadline:
            break
        column: list[tuple[float, float]] = []
        for share in SHARES:
            teller.moving(f"{chosen.candidate.name} on {share:.3g} of the rows, fold {fold + 1} of {taken}")
            data = question.dataset(chosen.candidate, fold, share)
            trial = tried(chosen.candidate.tables, data, question.metric, deadline)
            if trial.signal:
                return Watched(problem="it was stopped", signal=trial.signal)
            if trial.problem:
                return Watched(problem=f"with {len(data.train):,} rows: {trial.problem}")
            column.append((_learned(data), abs(best - trial.value)))
        whole = question.dataset(chosen.candidate, fold)
        column.append((_learned(whole), abs(best - chosen.values[fold])))
        columns.append(column)
    if len(columns) < LEAST_FOLDS:
        return Watched(problem=f"no time was left for {LEAST_FOLDS} folds; allow more --minutes")
    rows, errors = np.array(columns, np.float64).T
    return Watched(grown(rows, errors, question.rows, seed))


def _learned(data: DataModule) -> int:
    """Rows that cost a label: to stop by is to learn from, too."""
    return sum(len(part) for name, part in data.splits.items() if name != "test")
