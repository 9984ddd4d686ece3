"""Whether calls leave something behind, which a long run would run out of memory by."""

from __future__ import annotations

import contextlib
import gc
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

from powertrain.conformance.finding import Finding, Subject

ROUNDS, CALLS = 16, 32
WATCHED = 4  # rounds, of what has grown in all of these
LEAST = CALLS - CALLS // 8  # objects of a round, for an object of a call: others come and go meanwhile


def check_leaks(subject: Subject, doing: str, call: Callable[[], Any]) -> Iterator[Finding]:
    """A call with the same inputs again and again: what is left grows by an object a call, round after round. Caches
    fill up in the first ones."""
    # Collecting takes longer than the calls, and is rarely needed: without it, nothing that leaks is freed either.
    collected = gc.isenabled()
    gc.disable()
    try:
        grows = _left_by(call) >= LEAST
    finally:
        if collected:
            gc.enable()
    if not grows:
        return
    _free_what_nobody_holds()
    with _collecting_new_objects():
        left, made = _grown(call)
    if made:
        yield subject.finding(
            "leaks",
            f"{CALLS} times {doing} with the same inputs leave {left} objects in memory, and so does each next time; "
            f"most are made at {made}",
            "nothing that grows from call to call",
            "append to no list or table that stays, and bound a cache (functools.lru_cache(maxsize=...))",
        )


@contextlib.contextmanager
def _collecting_new_objects() -> Iterator[None]:
    """Leave out of collections what is there now: calls leave new objects, and to look at all others dozens of times
    takes seconds. What was left out before stays so, and what is here with it."""
    before = gc.get_freeze_count()
    gc.freeze()
    try:
        yield
    finally:
        if not before:
            gc.unfreeze()


def _grown(call: Callable[[], Any]) -> tuple[int, str]:
    """How many objects a round of calls leaves, and where most of them are made; nowhere if they do not grow."""
    if not _most_rounds_leave_something(call):
        return 0, ""
    # A cache that was filling is full by now, and what other threads were at is done. Who still grows is watched.
    tracemalloc.start()
    try:
        left = sorted(_left_by_calls_alone(call) for _ in range(WATCHED))[WATCHED // 4]
        return left, _most_made(call) if left >= LEAST else ""
    finally:
        tracemalloc.stop()


def _most_rounds_leave_something(call: Callable[[], Any]) -> bool:
    """Whether no more than a quarter of the rounds leave less than an object a call: in a few of them what others have
    left is freed. That is known soon of a call which only makes cycles."""
    less = 0
    for _ in range(ROUNDS):
        less += _left_by_calls_alone(call) < LEAST
        if less > ROUNDS // 4:
            return False
    return True


def _most_made(call: Callable[[], Any]) -> str:
    """The line of Python that made, itself or in the engine, most of what a round leaves."""
    before = tracemalloc.take_snapshot()
    _left_by(call, collect=True)
    lines = tracemalloc.take_snapshot().compare_to(before, "lineno")
    lines = [line for line in lines if line.traceback[0].filename not in (__file__, tracemalloc.__file__)]
    most = max(lines, key=lambda line: line.count_diff)
    return f"{most.traceback[0].filename}:{most.traceback[0].lineno} ({most.count_diff})"


def _left_by(call: Callable[[], Any], collect: bool = False) -> int:
    before = sys.getallocatedblocks()
    for _ in range(CALLS):
        call()
    if collect:
        _free_what_nobody_holds()
    return sys.getallocatedblocks() - before


def _left_by_calls_alone(call: Callable[[], Any]) -> int:
    """Without what other threads of the process leave in as much time. Nothing is left to be freed before."""
    began = time.monotonic()
    left = _left_by(call, collect=True)
    lasted = time.monotonic() - began
    before = sys.getallocatedblocks()
    time.sleep(lasted)
    _free_what_nobody_holds()
    return left - max(0, sys.getallocatedblocks() - before)


def _free_what_nobody_holds() -> None:
    """Free cycles, and the names in Python's cache of attributes. An extension that looks up an attribute makes its
    name anew each time, and the cache keeps some thousands of these: over hundreds of calls that looks like a leak."""
    gc.collect()
    sys._clear_type_cache()
