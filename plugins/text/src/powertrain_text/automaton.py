"""Automata over bytes: a language built from parts, and the states that texts of it go through.

`Builder` makes an automaton with free choices: places, and edges that take a range of bytes or none. `Automaton` makes
of it the one without choices, a state at a time as texts come to it: a state is the set of places that a text may have
come to.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

FAR = 2**30  # bytes to the end, where none is reached
DEAD = -1
MOST_STATES = 20_000
MOST_HELD = 500_000  # places of all states together, which take about 50 bytes each
MOST_WORK = 2_000_000  # steps of making states, about two seconds

# From a place to the place where the part begins, the place where it ends.
Part: TypeAlias = Callable[["Builder", int], int]


class TooLargeError(Exception):
    """An automaton that would pass its bound."""


class Builder:
    """Places and edges; the bound is on places, and on the edges that follow from them."""

    def __init__(self, most: int) -> None:
        self._most = most
        self.bytes: list[list[tuple[int, int, int]]] = []  # from each place: lowest byte, highest byte, where to
        self.free: list[list[int]] = []  # from each place: where to without a byte

    def place(self) -> int:
        """A new one."""
        if len(self.free) >= self._most:
            raise TooLargeError
        self.bytes.append([])
        self.free.append([])
        return len(self.free) - 1

    def take(self, begin: int, low: int, high: int, end: int | None = None) -> int:
        """An edge for one byte of a range; gives where it ends."""
        end = self.place() if end is None else end
        self.bytes[begin].append((low, high, end))
        return end

    def join(self, begin: int, end: int) -> None:
        """An edge that takes no byte."""
        self.free[begin].append(end)


def literal(text: bytes) -> Part:
    """These bytes."""

    def build(builder: Builder, at: int) -> int:
        for byte in text:
            at = builder.take(at, byte, byte)
        return at

    return build


def ranges(*parts: tuple[int, int]) -> Part:
    """One byte of several ranges."""

    def build(builder: Builder, at: int) -> int:
        end = builder.place()
        for low, high in parts:
            builder.take(at, low, high, end)
        return end

    return build


def sequence(*parts: Part) -> Part:
    """Parts one after the other."""

    def build(builder: Builder, at: int) -> int:
        for part in parts:
            at = part(builder, at)
        return at

    return build


def choice(parts: Sequence[Part]) -> Part:
    """One of several parts."""

    def build(builder: Builder, at: int) -> int:
        end = builder.place()
        for part in parts:
            begin = builder.place()  # of its own, so that a part that repeats leads back to none of the others
            builder.join(at, begin)
            builder.join(part(builder, begin), end)
        return end

    return build


def repeat(part: Part, least: int, most: int | None) -> Part:
    """A part so many times; without `most` as often as one likes."""

    def build(builder: Builder, at: int) -> int:
        for _ in range(least):
            at = part(builder, at)
        if most is None:
            begin = builder.place()
            builder.join(at, begin)
            builder.join(part(builder, begin), begin)
            return begin
        end = builder.place()
        builder.join(at, end)
        for _ in range(most - least):
            at = part(builder, at)
            builder.join(at, end)
        return end

    return build


class Automaton:
    """The states of the texts of a language. State 0 is the beginning."""

    def __init__(self, part: Part, most_places: int) -> None:
        builder = Builder(most_places)
        begin = builder.place()
        self._end = part(builder, begin)
        self._bytes, self._free = builder.bytes, builder.free
        self._to_end = self._distances()
        self._sets: list[frozenset[int]] = []
        self._numbers: dict[frozenset[int], int] = {}
        self._rows = np.full((64, 256), DEAD, np.int32)
        self._known = np.zeros(64, np.bool_)
        self._left = np.full(64, FAR, np.int32)
        self._held = self._work = 0
        self._number(self._closed({begin}))

    def distances(self, states: NDArray[np.int32]) -> NDArray[np.int32]:
        """The fewest bytes from states to the end of a text; FAR from a dead one."""
        return np.where(states < 0, FAR, self._left[states])

    def complete(self, state: int) -> bool:
        """Whether a text may end there."""
        return bool(self._left[state] == 0)

    def closed(self, state: int) -> bool:
        """Whether it must."""
        return bool((self._row(state) == DEAD).all())

    def step(self, states: NDArray[np.int32], taken: NDArray[np.uint8]) -> NDArray[np.int32]:
        """Where states that are alive go by one byte each."""
        for state in np.unique(states):
            self._row(int(state))
        return self._rows[states, taken]

    def _row(self, state: int) -> NDArray[np.int32]:
        if not self._known[state]:
            edges = [edge for place in self._sets[state] for edge in self._bytes[place]]
            # Between two borders every byte does the same.
            borders = sorted({0, 256, *(low for low, _, _ in edges), *(high + 1 for _, high, _ in edges)})
            spans: list[set[int]] = [set() for _ in borders]
            for low, high, to in edges:
                first, last = bisect_left(borders, low), bisect_right(borders, high)
                self._spend(last - first)
                for span in spans[first:last]:
                    span.add(to)
            row = np.full(256, DEAD, np.int32)
            for (low, end), places in zip(pairwise(borders), spans, strict=False):
                if places:
                    row[low:end] = self._number(self._closed(places))
            self._rows[state] = row
            self._known[state] = True
        found: NDArray[np.int32] = self._rows[state]
        return found

    def _closed(self, places: set[int]) -> frozenset[int]:
        """With all places that no byte is needed to."""
        waiting = list(places)
        while waiting:
            others = self._free[waiting.pop()]
            self._spend(1 + len(others))
            for other in others:
                if other not in places:
                    places.add(other)
                    waiting.append(other)
        return frozenset(places)

    def _spend(self, steps: int) -> None:
        self._work += steps
        if self._work > MOST_WORK:
            raise TooLargeError

    def _number(self, places: frozenset[int]) -> int:
        found = self._numbers.get(places)
        if found is None:
            self._held += len(places)
            if len(self._sets) >= MOST_STATES or self._held > MOST_HELD:
                raise TooLargeError
            found = self._numbers[places] = len(self._sets)
            self._sets.append(places)
            if found >= len(self._known):
                size = 2 * len(self._known)
                self._rows = np.concatenate([self._rows, np.full((size - found, 256), DEAD, np.int32)])
                self._known = np.concatenate([self._known, np.zeros(size - found, np.bool_)])
                self._left = np.concatenate([self._left, np.full(size - found, FAR, np.int32)])
            self._left[found] = min((self._to_end[place] for place in places), default=FAR)
        return found

    def _distances(self) -> list[int]:
        """The fewest bytes from each place to the end: breadth first, backwards; free edges cost nothing."""
        before: list[list[tuple[int, int]]] = [[] for _ in self._free]
        for place, edges in enumerate(self._bytes):
            for _, _, to in edges:
                before[to].append((place, 1))
        for place, others in enumerate(self._free):
            for to in others:
                before[to].append((place, 0))
        out = [FAR] * len(self._free)
        out[self._end] = 0
        now = [self._end]
        while now:
            later: list[int] = []
            while now:
                place = now.pop()
                for other, cost in before[place]:
                    if out[place] + cost < out[other]:
                        out[other] = out[place] + cost
                        (later if cost else now).append(other)
            now = later
        return out
