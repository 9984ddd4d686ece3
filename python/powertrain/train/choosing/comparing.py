"""Candidates compared fold by fold within a limit of time, and the simplest of those that are as good as the best.

All candidates are measured on one fold before any is on the next. So at any moment they can be compared on the same
rows: a comparison that the clock ends is a smaller one, not an unfair one.
"""

from __future__ import annotations

import math
import signal
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from powertrain.data import DataModule
from powertrain.train.choosing.trial import OUT_OF_TIME, Trial, tried
from powertrain.train.display.display import duration

# From so many rows on a first look at a share of them says how long a candidate will take.
LOOKED_AT, LOOK = 8_000, 1 / 8
# Of the time that is left: what a trial of the first fold may take, so that others can be tried after it.
MOST_OF_TIME = 0.5
# Folds from which a standard error is worth something; slow candidates are given up for them.
LEAST_FOLDS = 3
# The quantile of Student's t distribution for an interval of 95 %, by degrees of freedom from 1 on.
T_975 = (12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


class Candidate(Protocol):
    """A recipe without its data. The lower the `rank`, the simpler it is; its time grows with rows ** `growth`."""

    @property
    def name(self) -> str: ...
    @property
    def words(self) -> str: ...
    @property
    def rank(self) -> int: ...
    @property
    def tables(self) -> Mapping[str, Any]: ...
    @property
    def growth(self) -> float: ...
    @property
    def left_out(self) -> str: ...


class Question(Protocol):
    """What is compared on what. `dataset` gives the data of a trial, whose part test is the fold."""

    rows: int
    folds: int
    metric: str

    @property
    def candidates(self) -> Sequence[Any]: ...
    def dataset(self, candidate: Any, fold: int, share: float = 1.0) -> DataModule: ...


class Teller(Protocol):
    """Who is told how far it is."""

    def moving(self, text: str) -> None: ...
    def line(self, text: str) -> None: ...


@dataclass
class Measured:
    """A candidate with its values on the folds that all have seen, or why it has none."""

    candidate: Candidate
    values: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    out: str = ""
    expected: float = 0.0  # seconds of its next trial, where they are known

    @property
    def mean(self) -> float:
        return float(np.mean(self.values)) if self.values else math.nan

    @property
    def error(self) -> float:
        """The standard error of the mean over the folds; NaN of a single one."""
        count = len(self.values)
        return float(np.std(self.values, ddof=1)) / math.sqrt(count) if count > 1 else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        half = T_975[min(len(self.values) - 1, len(T_975)) - 1] * self.error if len(self.values) > 1 else math.nan
        return self.mean - half, self.mean + half


@dataclass
class Comparison:
    """What was measured on how many `folds`, what the clock cut off, and the signal that ended it, if one did."""

    measured: list[Measured]
    folds: int = 0
    cut: list[str] = field(default_factory=list)  # empty: the answer is the same on any machine
    signal: int = 0

    @property
    def compared(self) -> list[Measured]:
        return [one for one in self.measured if not one.out and one.values]


def compare(question: Question, deadline: float, teller: Teller, lower_is_better: bool) -> Comparison:
    """Measure every candidate on fold after fold, until the deadline (of time.monotonic) or a signal."""
    made = Comparison([Measured(one, out=one.left_out) for one in question.candidates])
    try:
        if question.rows >= LOOKED_AT:
            _look(question, made, deadline, teller)
        _folds(question, made, deadline, teller, lower_is_better)
    except KeyboardInterrupt as error:
        made.signal = error.args[0] if error.args else signal.SIGINT
    if made.folds < question.folds and (made.signal or made.compared):
        why = "it was stopped" if made.signal else "out of time"
        made.cut.append(f"{question.folds - made.folds} of {question.folds} folds ({why})")
    return made


def _folds(question: Question, made: Comparison, deadline: float, teller: Teller, lower_is_better: bool) -> None:
    while made.folds < question.folds and not made.signal:
        running = [one for one in made.measured if not one.out]
        if not running or (made.folds and not _time_for(made, running, deadline, lower_is_better)):
            return
        if not _fold(question, made, deadline, teller):
            return


def _look(question: Question, made: Comparison, deadline: float, teller: Teller) -> None:
    """One trial of each on a share of the rows, for its time alone."""
    for one in made.measured:
        if one.out or made.signal:
            continue
        teller.moving(f"first look, at an eighth of the rows: {one.candidate.name}")
        data, ends = question.dataset(one.candidate, 0, LOOK), _ends(made, deadline)
        trial = tried(one.candidate.tables, data, question.metric, ends)
        made.signal = trial.signal
        one.out = trial.problem
        one.expected = trial.seconds / LOOK**one.candidate.growth
        _note(made, one)


def _fold(question: Question, made: Comparison, deadline: float, teller: Teller) -> bool:
    """One fold of all candidates. Whether it is complete; an incomplete one counts for none."""
    trials: list[tuple[Measured, Trial]] = []
    for one in made.measured:
        if one.out:
            continue
        left = deadline - time.monotonic()
        if made.folds == 0 and one.expected > left:
            took = f"a fold would take about {duration(one.expected)}" if one.expected else "none was left"
            one.out = f"{OUT_OF_TIME}: {took}"
            _note(made, one)
            continue
        teller.moving(f"fold {made.folds + 1} of {question.folds}: {one.candidate.name}")
        data, ends = question.dataset(one.candidate, made.folds), _ends(made, deadline)
        trial = tried(one.candidate.tables, data, question.metric, ends)
        if trial.signal:
            made.signal = trial.signal
            return False
        if trial.problem == OUT_OF_TIME and made.folds:
            return False
        one.out = trial.problem
        _note(made, one)
        if not trial.problem:
            trials.append((one, trial))
    for one, trial in trials:
        one.values.append(trial.value)
        one.seconds.append(trial.seconds)
        one.expected = float(np.mean(one.seconds))
    made.folds += bool(trials)
    return bool(trials)


def _ends(made: Comparison, deadline: float) -> float:
    """When a trial has to end."""
    now = time.monotonic()
    return deadline if made.folds else now + MOST_OF_TIME * (deadline - now)


def _note(made: Comparison, one: Measured) -> None:
    if one.out.startswith(OUT_OF_TIME):
        made.cut.append(f"{one.candidate.name} ({OUT_OF_TIME})")


def _time_for(made: Comparison, running: list[Measured], deadline: float, lower_is_better: bool) -> bool:
    """Whether another fold fits into the time. For the first folds slow candidates are given up, but never the best so
    far, and none where that is not enough: what all have on fewer folds says more."""
    left = deadline - time.monotonic()
    needed = sum(one.expected for one in running)
    folds = max(1, LEAST_FOLDS - made.folds)
    best = _ordered(running, lower_is_better)[0]
    given_up: list[Measured] = []
    if made.folds < LEAST_FOLDS:
        for one in sorted(running, key=lambda one: -one.expected):
            if needed * folds > left and one is not best:
                given_up.append(one)
                needed -= one.expected
    if needed * folds > left:
        return sum(one.expected for one in running) <= left
    for one in given_up:
        one.out = f"{OUT_OF_TIME} after {made.folds} of the folds, at {duration(one.expected)} each"
        _note(made, one)
    return True


def _ordered(found: Sequence[Measured], lower_is_better: bool) -> list[Measured]:
    """The best first; of equal ones the simplest."""
    sign = 1 if lower_is_better else -1
    return sorted(found, key=lambda one: (sign * one.mean, one.candidate.rank))


@dataclass(frozen=True)
class Choice:
    """The candidate that is suggested, the best one, and why it is that one, in sentences."""

    chosen: Measured
    best: Measured
    why: tuple[str, ...]


def choose(made: Comparison, metric: str, lower_is_better: bool) -> Choice:
    """The simplest candidate whose mean is within one standard error of the best one's (Breiman et al. 1984)."""
    ordered = _ordered(made.compared, lower_is_better)
    best = ordered[0]
    margin = 0.0 if math.isnan(best.error) else best.error
    near = [one for one in ordered if abs(one.mean - best.mean) <= margin]
    chosen = min(near, key=lambda one: (one.candidate.rank, ordered.index(one)))
    return Choice(chosen, best, tuple(_why(made, chosen, best, metric)))


def _why(made: Comparison, chosen: Measured, best: Measured, metric: str) -> list[str]:
    said = []
    name, other = chosen.candidate.name, best.candidate.name
    if chosen is best:
        said.append(f"{name} has the best {metric} ({best.mean:.4g}).")
        simpler = [one for one in made.compared if one.candidate.rank < best.candidate.rank]
        if simpler and not math.isnan(best.error):
            said.append(f"No simpler one is within one standard error ({best.error:.2g}) of it.")
    else:
        said.append(f"{other} has the best {metric} ({best.mean:.4g}).")
        said.append(
            f"{name} ({chosen.mean:.4g}) is within one standard error ({best.error:.2g}) of it, and is simpler."
        )
        ratio = float(np.mean(best.seconds)) / max(float(np.mean(chosen.seconds)), 1e-9)
        if ratio >= 2:
            said.append(f"It trains {ratio:.2g} times as fast.")
    if math.isnan(best.error):
        said.append("It was measured on one fold only, so it is unknown how much of the difference is chance.")
    if chosen.candidate.rank == 0:
        said.append("So none of the models is clearly better than a constant answer: look for better columns.")
    return said
