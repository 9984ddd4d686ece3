"""ADWIN: a window that grows while its mean stays the same, and loses its oldest part where the mean has moved.

The window is not kept. Buckets are: the newest hold one value each, older ones 2, 4, 8, ..., at most `max_buckets` of
each size. So a window of n values takes about max_buckets * log2(n) pairs of numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeAlias

import numpy as np

from powertrain.monitor.detectors import Detector, Floats, Level
from powertrain.plugin.params import param

Bucket: TypeAlias = tuple[float, float]  # the sum of its values, and the sum of their squared deviations
_MOST_ROWS = 64  # 2^64 values are more than any stream has


@dataclass(eq=False)
class ADWIN(Detector):
    """Adaptive windowing: a drift is where two parts of the window differ by more than chance explains.

    Source    Bifet & Gavalda 2007; numbers as in river's ADWIN
    Example
        >>> detector = pt.monitor.ADWIN()
        >>> [at for at, value in enumerate([0.2] * 500 + [0.8] * 500) if detector.update(value) == "drift"]
        [543]
    """

    NAME: ClassVar[str] = "adwin"

    delta: float = param(0.002, above=0, below=1, doc="chance of a false alarm; smaller raises fewer")
    clock: int = param(32, low=1, doc="values between two looks at the window")
    max_buckets: int = param(5, low=1, high=1024, doc="buckets of one size")
    min_window_length: int = param(5, low=1, doc="values that each of the two parts has at least")
    grace_period: int = param(10, low=0, doc="values before the first look")

    def _begin(self) -> None:
        self.width = 0.0  # values in the window
        self._total = self._squares = 0.0
        self._rows: list[list[Bucket]] = [[]]  # of buckets of 1, 2, 4, ... values, the oldest of each first

    @property
    def estimate(self) -> float:
        return self._total / self.width if self.width else 0.0

    @property
    def buckets(self) -> int:
        """Buckets that it holds now: what its memory is."""
        return sum(len(row) for row in self._rows)

    def _take(self, value: float) -> Level:
        self._insert(value)
        if self.seen % self.clock or self.width <= self.grace_period:
            return ""
        level: Level = ""
        while self._differs():
            self._drop_oldest()
            level = "drift"
        return level

    def _insert(self, value: float) -> None:
        before = self.width
        self.width += 1.0
        if before:
            apart = value - self._total / before
            self._squares += before * apart * apart / self.width
        self._total += value
        self._rows[0].append((value, 0.0))
        self._compress()

    def _compress(self) -> None:
        """Join the two oldest buckets of a size of which there are too many; that may make too many of the next."""
        for depth, row in enumerate(self._rows):
            if len(row) <= self.max_buckets:
                return
            if depth + 1 == len(self._rows):
                self._rows.append([])
            (first, first_squares), (second, second_squares) = row[:2]
            del row[:2]
            size = 2.0**depth
            apart = first / size - second / size
            between = size * size * apart * apart / (size + size)
            self._rows[depth + 1].append((first + second, first_squares + second_squares + between))

    def _oldest_first(self) -> Iterator[tuple[float, float]]:
        """Size and sum of each bucket but the newest, after which there is nothing to compare with."""
        for depth in range(len(self._rows) - 1, -1, -1):
            row = self._rows[depth]
            for total, _ in row if depth else row[:-1]:
                yield 2.0**depth, total

    def _differs(self) -> bool:
        """Whether some cut parts the window into two of different means."""
        least, strictness = self.min_window_length, math.log(2 * math.log(self.width) / self.delta)
        spread = max(0.0, self._squares / self.width)  # rounding may leave a little below 0
        old, old_total, new, new_total = 0.0, 0.0, self.width, self._total
        for size, total in self._oldest_first():
            old, old_total, new, new_total = old + size, old_total + total, new - size, new_total - total
            if old < least or new < least:
                continue
            weight = 1.0 / (old - least + 1) + 1.0 / (new - least + 1)
            limit = math.sqrt(2 * weight * spread * strictness) + 2 / 3 * strictness * weight
            if abs(old_total / old - new_total / new) > limit:
                return True
        return False

    def _drop_oldest(self) -> None:
        size = 2.0 ** (len(self._rows) - 1)
        total, squares = self._rows[-1].pop(0)
        self.width -= size
        self._total -= total
        apart = total / size - self._total / self.width
        self._squares -= squares + size * self.width * apart * apart / (size + self.width)
        while len(self._rows) > 1 and not self._rows[-1]:
            self._rows.pop()

    # As numbers: those of the window, and for each row how many buckets it has, then their pairs.

    def state(self) -> Floats:
        rows = [number for row in self._rows for number in (len(row), *(part for bucket in row for part in bucket))]
        return np.concatenate([super().state(), [self.width, self._total, self._squares, *rows]])

    def _fits(self, values: Sequence[float]) -> bool:
        rows = self._parsed(values)
        return rows is not None and math.isclose(sum(2.0**at * len(row) for at, row in enumerate(rows)), values[0])

    def _parsed(self, values: Sequence[float]) -> list[list[Bucket]] | None:
        rows: list[list[Bucket]] = []
        at = 3
        while at < len(values):
            count = values[at]
            if len(rows) == _MOST_ROWS or count not in range(self.max_buckets + 1) or at + 1 + 2 * count > len(values):
                return None
            end = at + 1 + 2 * int(count)
            rows.append(list(zip(values[at + 1 : end : 2], values[at + 2 : end : 2], strict=True)))
            at = end
        return rows if rows and (rows[-1] or len(rows) == 1) else None  # an older size is there to hold something

    def _restore(self, values: Sequence[float]) -> None:
        self.width, self._total, self._squares = values[:3]
        self._rows = self._parsed(values) or [[]]
