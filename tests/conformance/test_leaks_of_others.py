"""What other threads of the process leave in memory is not the plugin's."""

from __future__ import annotations

import gc
import threading
import time
from typing import Any

from powertrain.conformance import leaks


class Subject:
    def finding(self, code: str, received: str, *rest: str) -> str:
        return f"{code}: {received}"


def found(call: Any) -> list[Any]:
    return list(leaks.check_leaks(Subject(), "a call", call))  # type: ignore[arg-type]


def test_what_another_thread_leaves_does_not_count() -> None:
    kept: list[object] = []
    over = threading.Event()

    def leave() -> None:
        while not over.wait(0.0005):
            kept.extend(object() for _ in range(4))

    thread = threading.Thread(target=leave, daemon=True)
    thread.start()
    try:
        assert found(lambda: time.sleep(0.001)) == []
    finally:
        over.set()
        thread.join()
    assert len(kept) > leaks.CALLS


def test_what_a_call_leaves_counts() -> None:
    kept: list[object] = []
    (said,) = found(lambda: kept.append(object()))
    assert said.startswith("leaks: 32 times a call")
    assert said.partition("most are made at ")[2].startswith(__file__)


def test_a_call_that_makes_cycles_is_soon_known_to_leave_nothing() -> None:
    calls = []

    def call() -> None:
        calls.append(1)
        cycle: list[object] = []
        cycle.extend((cycle, []))

    assert found(call) == []
    assert len(calls) <= leaks.CALLS * (1 + leaks.ROUNDS // 2)


def test_collections_look_at_new_objects_alone() -> None:
    """Else a check takes ten seconds in a process of many objects."""
    here = [[at] for at in range(200_000)]
    frozen = gc.get_freeze_count()
    kept: list[object] = []
    looked: list[int] = []

    def call() -> None:
        kept.append(object())
        if len(kept) % leaks.CALLS == 0:
            looked.append(len(gc.get_objects()))

    assert found(call) != []
    assert max(looked) > len(here) > 100 * min(looked)
    assert (gc.get_freeze_count() > 0) == (frozen > 0)
