"""Times of the instructions of a compiled step, over several of its runs."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from powertrain import _core
from powertrain.cli.profile.roofline import Roofline


@dataclass(frozen=True)
class Line:
    """An instruction, or several of one op: what it took and what it did."""

    name: str
    seconds: float
    flops: float
    nbytes: float
    count: int
    least: float  # seconds on the roofline, or as it is if a cache made it faster
    note: str = ""  # of an instruction: which kernel, how it is cut and packed, and why not otherwise

    @property
    def gflops(self) -> float:
        return self.flops / self.seconds * 1e-9 if self.seconds else 0.0

    @property
    def gbytes(self) -> float:
        return self.nbytes / self.seconds * 1e-9 if self.seconds else 0.0


@dataclass
class Profile:
    """A step's instructions with the seconds of each run of each, and the seconds of whole undisturbed steps."""

    name: str
    program: dict[str, Any]
    roofline: Roofline
    runs: list[list[float]]
    steps: list[float]
    moved: float | None = None  # share of rows whose processor is another than in the shared instruction before
    lost: int = 0  # shared instructions in undisturbed steps whose threads were busy elsewhere

    @property
    def step_seconds(self) -> float:
        return statistics.median(self.steps)

    def lines(self) -> list[Line]:
        """One for each instruction in order, with the median of its times."""
        medians = [statistics.median(times) for times in zip(*self.runs, strict=True)]
        return [
            Line(
                entry["name"],
                seconds,
                entry["flops"],
                entry["bytes"],
                1,
                min(seconds, self._least(entry)),
                entry["note"],
            )
            for entry, seconds in zip(self.program["instructions"], medians, strict=True)
        ]

    def ops(self) -> list[Line]:
        """Instructions of one op together, the longest first; `matmul -> add+relu` counts as matmul."""
        groups: dict[str, list[Line]] = {}
        for line in self.lines():
            groups.setdefault(line.name.split(" ")[0], []).append(line)
        return sorted((_sum(name, lines) for name, lines in groups.items()), key=lambda line: -line.seconds)

    def total(self) -> Line:
        return _sum("all instructions", self.lines())

    def _least(self, entry: dict[str, Any]) -> float:
        threads = min(self.roofline.threads, entry["chunks"]) if entry["parallel"] else 1
        return self.roofline.least_seconds(entry["flops"], entry["bytes"], threads)


def _sum(name: str, lines: Iterable[Line]) -> Line:
    lines = list(lines)
    return Line(
        name,
        sum(line.seconds for line in lines),
        sum(line.flops for line in lines),
        sum(line.nbytes for line in lines),
        sum(line.count for line in lines),
        sum(line.least for line in lines),
    )


SAMPLES = 1024


def moved_share(places: Iterable[Sequence[int]]) -> float | None:
    """Which share of the rows changes its processor from one shared instruction to the next; None if nobody knows.

    A chunk is taken for the part of the rows that it is of its instruction's chunks. Rows that stay find their numbers
    in the cache of the processor that wrote them.
    """
    moved = compared = 0
    before: list[int] | None = None
    for chunks in places:
        if not chunks or min(chunks) < 0:
            continue
        now = [chunks[(2 * at + 1) * len(chunks) // (2 * SAMPLES)] for at in range(SAMPLES)]
        if before is not None:
            moved += sum(one != other for one, other in zip(now, before, strict=True))
            compared += SAMPLES
        before = now
    return moved / compared if compared else None


def types_of(arrays: Iterable[Any]) -> list[tuple[tuple[int, ...], str]]:
    """Shapes and dtypes; others are another program."""
    return [(tuple(array.shape), str(array.dtype)) for array in arrays]


class Recorder:
    """Runs a compiled step in turns as it is and instruction by instruction; every run really trains.

    answers   whether the caller needs what the step gives: then what was timed by instruction, which gives nothing, is
              followed by a run that does
    """

    def __init__(self, compiled: Any, warm_up: int = 3, answers: bool = False) -> None:
        self.compiled = compiled
        self.warm_up = warm_up
        self.answers = answers
        self.runs: list[list[float]] = []
        self.steps: list[float] = []
        self.places: list[list[list[int]]] = []
        self.lost = 0
        self._calls = 0
        self._types: Any = None

    def run(self, arrays: Sequence[Any]) -> Any:
        """One step on these inputs, and what it gives. Other shapes are another program: what was recorded of the last
        one is dropped."""
        self._calls += 1
        types = types_of(arrays)
        if types != self._types:
            self.runs, self.steps, self.places, self.lost = [], [], [], 0
        elif self._calls > self.warm_up and self._calls % 2:
            if self._calls % 4 == 3 and self.runs:
                self.places.append(self.compiled.places(*arrays))
            else:
                self.runs.append(self.compiled.profile(*arrays))
            return self.compiled(*arrays) if self.answers else None
        lost = _core.lost_instructions()
        start = time.perf_counter()
        made = self.compiled(*arrays)
        if self._calls > self.warm_up and types == self._types:
            self.steps.append(time.perf_counter() - start)
            self.lost += _core.lost_instructions() - lost
        self._types = types
        return made

    def profile(self, name: str, roofline: Roofline) -> Profile:
        moved = moved_share(chunks for step in self.places for chunks in step)
        return Profile(name, self.compiled.programs[0], roofline, self.runs, self.steps, moved, self.lost)
