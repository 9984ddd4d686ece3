"""Whether calls leave something behind, which a long run would run out of memory by."""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Iterator
from typing import Any

from powertrain.conformance.finding import Finding, Subject

ROUNDS, CALLS = 16, 32


def check_leaks(subject: Subject, doing: str, call: Callable[[], Any]) -> Iterator[Finding]:
    """A call with the same inputs again and again: what is left grows by an object a call in every round. Caches fill
    up in the first ones."""
    if all((left := _left_by(call)) >= CALLS for _ in range(ROUNDS)):
        yield subject.finding(
            "leaks",
            f"{CALLS} times {doing} with the same inputs leave {left} objects in memory, and so does each next time",
            "nothing that grows from call to call",
            "append to no list or table that stays, and bound a cache (functools.lru_cache(maxsize=...))",
        )


def _left_by(call: Callable[[], Any]) -> int:
    gc.collect()
    before = sys.getallocatedblocks()
    for _ in range(CALLS):
        call()
    gc.collect()
    return sys.getallocatedblocks() - before
