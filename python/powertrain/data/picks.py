"""Picks of batches in a row, of which each becomes an object only when somebody asks for it."""

from __future__ import annotations

import bisect
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from powertrain.data.order import Cursor, Order, Parts, Pick, Place

# They are made by the thousand: their own constructors, which are functions of Python, take three times as long.
_pick: Callable[[Iterable[Any]], Pick] = functools.partial(tuple.__new__, Pick)
_cursor: Callable[[Iterable[int]], Cursor] = functools.partial(tuple.__new__, Cursor)


class Turn(NamedTuple):
    """Batches that are asked for together: no block has some of two turns."""

    number: int
    left: int  # batches, from here on


_NO_TURN = Turn(0, 0)


class Picks:
    """Picks of one size, each behind the other.

    A block of small batches needs their rows, and the last cursor: to make an object of each pick, and to free it on
    another core, takes longer than some steps.
    """

    __slots__ = ("_begin", "_step", "_weights", "end", "epoch", "parts", "rows", "turn")

    def __init__(
        self, rows: NDArray[np.int64], begin: int, step: int, end: Cursor, epoch: int, parts: Parts,
        weights: NDArray[np.float32] | None = None,
    ) -> None:  # fmt: skip
        """`rows` [picks, size], `weights` alike (None: all ones). The first begins at the position `begin` of an epoch,
        each further one `step` later, and behind the last one is `end`."""
        self.rows, self._weights = rows, weights
        self._begin, self._step, self.end, self.epoch, self.parts = begin, step, end, epoch, parts
        self.turn = _NO_TURN

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def size(self) -> int:
        return self.rows.shape[1]

    @property
    def full(self) -> bool:
        """Whether there is no padding."""
        return self._weights is None

    @property
    def weights(self) -> NDArray[np.float32]:
        return np.ones(self.rows.shape, np.float32) if self._weights is None else self._weights

    def cursor(self, at: int) -> Cursor:
        """Behind the pick `at`."""
        if at == len(self.rows) - 1:
            return self.end
        return Cursor(self.epoch, self._begin + (at + 1) * self._step)

    def split(self, count: int) -> tuple[Picks, Picks]:
        """The first `count` picks, and the others: there are such."""
        weights = (None, None) if self._weights is None else (self._weights[:count], self._weights[count:])
        begin, middle = self._begin, self.cursor(count - 1)
        first = Picks(self.rows[:count], begin, self._step, middle, self.epoch, self.parts, weights[0])
        begin += count * self._step
        others = Picks(self.rows[count:], begin, self._step, self.end, self.epoch, self.parts, weights[1])
        first.turn = self.turn
        others.turn = self.turn._replace(left=self.turn.left - count)
        return first, others

    def of(self, rows: NDArray[np.int64], turn: Turn) -> Picks:
        """The same of a larger data set, of which this one's are `rows`, in some turn."""
        weights = self._weights
        made = Picks(rows.take(self.rows), self._begin, self._step, self.end, self.epoch, self.parts, weights)
        made.turn = turn
        return made

    def __iter__(self) -> Iterator[Pick]:
        places = range(self._begin + self._step, self._begin + len(self.rows) * self._step, self._step)
        cursors = itertools.chain(map(_cursor, zip(itertools.repeat(self.epoch), places)), (self.end,))
        same = [itertools.repeat(one) for one in (self.epoch, (), self.parts)]
        return map(_pick, zip(self.rows, self.weights, cursors, *same))  # noqa: B905 - some have no end


class OnePick(Picks):
    """A pick that an order has made as such."""

    __slots__ = ("_pick",)

    def __init__(self, pick: Pick) -> None:
        super().__init__(pick.indices[None], 0, 0, pick.cursor, pick.epoch, pick.parts, pick.weight[None])
        self._pick = pick

    def __iter__(self) -> Iterator[Pick]:
        return iter((self._pick,))


class JoinedPicks:
    """Picks of any sizes, each behind the other."""

    __slots__ = ("_ends", "runs")

    def __init__(self, runs: Sequence[Picks]) -> None:
        self.runs = runs
        self._ends = list(itertools.accumulate(map(len, runs)))

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    def __iter__(self) -> Iterator[Pick]:
        return itertools.chain.from_iterable(self.runs)

    def behind(self, at: int) -> Place:
        """Where the pick `at` ends."""
        number = bisect.bisect_right(self._ends, at)
        run = self.runs[number]
        return Place(run.cursor(at - self._ends[number] + len(run)), run.parts)


class PickQueue:
    """Picks of an order, of which any number is taken at a time."""

    def __init__(self, runs: Iterator[Picks]) -> None:
        self._runs = runs
        self._rest: Picks | None = None
        self.ended = False

    def take(self, most: int) -> tuple[JoinedPicks, Exception | None]:
        """So many, or fewer at the end, before a turn that would be cut, or before an error: that comes with them."""
        taken: list[Picks] = []
        error = None
        while most > 0:
            try:
                run = next(self._runs) if self._rest is None else self._rest
            except StopIteration:
                self.ended = True
                break
            except Exception as raised:
                error, self.ended = raised, True
                break
            if taken and run.turn.left > most and run.turn.number != taken[-1].turn.number:
                self._rest = run
                break
            run, self._rest = (run, None) if len(run) <= most else run.split(most)
            taken.append(run)
            most -= len(run)
        return JoinedPicks(taken), error


def picks_of(order: Order, cursor: Cursor, parts: Parts) -> Iterator[Picks]:
    """What an order picks from a cursor to the end of its epoch."""
    runs = getattr(order, "runs", None)
    return map(OnePick, order.picks(cursor, parts)) if runs is None else runs(cursor, parts)
