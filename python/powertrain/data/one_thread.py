"""Data sets of other people: one thread at a time asks them, unless a loader is told to use several.

Such a data set may seek in one file, hold a connection or fill one buffer. A loader makes batches in a thread of its
own, and in the one that takes them where that is sooner; meanwhile an evaluation may read the same data set.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from powertrain.io.locks import ModuleLock

T = TypeVar("T")
R = TypeVar("R")


class _Turn:
    """Who asks a data set. It lives as long as somebody does."""

    __slots__ = ("__weakref__", "dataset", "lock")

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset  # held, so that no other object gets its id
        self.lock = threading.RLock()


class _Local(threading.local):
    several = False  # whether this thread works for a loader that was told to use several
    turns = 0  # that this thread has


_local = _Local()
_turns: weakref.WeakValueDictionary[int, _Turn] = weakref.WeakValueDictionary()
_choosing = ModuleLock()


class asking:  # noqa: N801 - a block, as those of contextlib, whose generators would cost a small batch more
    """Wait until no other thread asks these data sets, and keep them for the length of a block."""

    __slots__ = ("_datasets", "_held")

    def __init__(self, datasets: Sequence[Any]) -> None:
        # In one order, so that no two threads wait for each other.
        self._datasets = sorted(datasets, key=id) if len(datasets) > 1 else datasets
        self._held: list[_Turn] = []

    def __enter__(self) -> None:
        if _local.several:
            return
        try:
            for one in self._datasets:
                turn = _turn(one)
                turn.lock.acquire()
                self._held.append(turn)
                _local.turns += 1
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *error: object) -> None:
        while self._held:
            _local.turns -= 1
            self._held.pop().lock.release()


@contextmanager
def by_several_threads() -> Iterator[None]:
    """Inside, this thread asks without waiting."""
    before, _local.several = _local.several, True
    try:
        yield
    finally:
        _local.several = before


def in_my_turn(make: Callable[[T], R]) -> Callable[[T], R]:
    """What the workers of a loader make for this thread: while it has a turn and waits for them, they wait for none."""
    if not _local.turns:
        return make

    def made(what: T) -> R:
        with by_several_threads():
            return make(what)

    return made


def _turn(dataset: Any) -> _Turn:
    with _choosing:
        turn = _turns.get(id(dataset))
        if turn is None:
            turn = _turns[id(dataset)] = _Turn(dataset)
        return turn


if hasattr(os, "register_at_fork"):
    # In a child the threads are gone, and one of them may have had a turn.
    os.register_at_fork(after_in_child=_turns.clear)
