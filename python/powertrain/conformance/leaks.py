"""Whether calls leave something behind, which a long run would run out of memory by."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

from powertrain.conformance.finding import Finding, Subject

ROUNDS, CALLS = 16, 32
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
    gc.collect()
    rounds = sorted(_left_by_calls_alone(call) for _ in range(ROUNDS))
    # In a few of them what others have left is freed.
    left = rounds[ROUNDS // 2]
    if rounds[ROUNDS // 4] >= LEAST:
        yield subject.finding(
            "leaks",
            f"{CALLS} times {doing} with the same inputs leave {left} objects in memory, and so does each next time",
            "nothing that grows from call to call",
            "append to no list or table that stays, and bound a cache (functools.lru_cache(maxsize=...))",
        )


def _left_by(call: Callable[[], Any], collect: bool = False) -> int:
    before = sys.getallocatedblocks()
    for _ in range(CALLS):
        call()
    if collect:
        gc.collect()
    return sys.getallocatedblocks() - before


def _left_by_calls_alone(call: Callable[[], Any]) -> int:
    """Without what other threads of the process leave in as much time."""
    began = time.monotonic()
    left = _left_by(call, collect=True)
    lasted = time.monotonic() - began
    before = sys.getallocatedblocks()
    time.sleep(lasted)
    gc.collect()
    return left - max(0, sys.getallocatedblocks() - before)
