"""The clock that bounds an import is the process's only one: a program that uses it gets it back."""

from __future__ import annotations

import itertools
import signal
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest

from powertrain.plugin import importing
from powertrain.plugin.importing import guarded


@pytest.fixture(autouse=True)
def nothing_rings_afterwards() -> Iterator[None]:
    before = signal.getsignal(signal.SIGALRM)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def rung(seconds: float) -> list[float]:
    """When a program's own timer rings, from now on."""
    heard: list[float] = []
    start = time.monotonic()
    signal.signal(signal.SIGALRM, lambda *_: heard.append(time.monotonic() - start))
    signal.setitimer(signal.ITIMER_REAL, seconds)
    return heard


def until(heard: list[float], count: int) -> None:
    end = time.monotonic() + 30
    while len(heard) < count and time.monotonic() < end:
        time.sleep(0.01)


def test_a_programs_timer_goes_on_with_what_is_left_of_it() -> None:
    heard = rung(0.5)
    found, cause, _ = guarded(lambda: time.sleep(0.1) or "found", "x")
    assert (found, cause) == ("found", "")
    left, again = signal.getitimer(signal.ITIMER_REAL)
    assert 0 < left <= 0.41 and again == 0
    until(heard, 1)
    assert len(heard) == 1 and heard[0] >= 0.49


def test_a_timer_that_ran_out_meanwhile_rings_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = rung(0.05)
    guarded(lambda: time.sleep(0.2), "x")
    until(heard, 1)
    assert len(heard) == 1 and heard[0] >= 0.19


def test_a_timer_that_rings_again_and_again_does_so() -> None:
    heard = rung(10)
    signal.setitimer(signal.ITIMER_REAL, 0.1, 0.1)
    guarded(lambda: None, "x")
    assert signal.getitimer(signal.ITIMER_REAL)[1] == pytest.approx(0.1)
    until(heard, 3)
    assert len(heard) >= 3


def test_a_limit_still_ends_an_import_and_the_timer_comes_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTRAIN_IMPORT_SECONDS", "0.2")
    heard = rung(0.6)
    start = time.monotonic()
    _, cause, _ = guarded(lambda: time.sleep(20), "x")
    assert cause.startswith("its import used no processor time for 0.2 s") and time.monotonic() - start < 10
    until(heard, 1)
    assert len(heard) == 1


def works(seconds: float) -> None:
    """Ask for a little of the processor now and then, as all do on a busy machine."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        busy = time.thread_time() + 0.003
        while time.thread_time() < busy:
            pass
        time.sleep(0.02)


def test_an_import_that_is_slow_since_the_machine_is_busy_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTRAIN_IMPORT_SECONDS", "0.5")
    found, cause, _ = guarded(lambda: works(1.0), "x")
    assert (found, cause) == (None, "")


def test_an_import_that_wakes_up_now_and_then_for_ever_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("POWERTRAIN_IMPORT_SECONDS", "0.1")
    monkeypatch.setattr(importing, "FAR", 3)
    monkeypatch.setattr(importing.time, "thread_time", itertools.count(0, 1.1e-3).__next__)
    _, cause, _ = guarded(lambda: time.sleep(20), "x")
    assert cause.startswith("its import took more than 0.3 s")


def test_looks_at_an_import_that_sleeps_are_not_its_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each takes some microseconds, on a busy machine more; together they are more than an import at work uses."""
    monkeypatch.setenv("POWERTRAIN_IMPORT_SECONDS", "0.1")
    monkeypatch.setattr(importing.time, "thread_time", itertools.count(0, 6e-4).__next__)
    _, cause, _ = guarded(lambda: time.sleep(20), "x")
    assert cause.startswith("its import used no processor time for 0.1 s")


def test_an_alarm_without_a_handler_of_pythons_is_left_alone() -> None:
    """What was not set from Python cannot be set again from it."""
    before = signal.signal(signal.SIGALRM, signal.SIG_IGN)
    guarded(lambda: None, "x")
    assert signal.getsignal(signal.SIGALRM) == signal.SIG_IGN
    signal.signal(signal.SIGALRM, before)


def test_other_threads_leave_the_clock_alone() -> None:
    heard, said = rung(30), []
    made: Any = threading.Thread(target=lambda: said.append(guarded(lambda: 3, "x")[0]))
    made.start()
    made.join()
    assert said == [3] and signal.getitimer(signal.ITIMER_REAL)[0] > 29 and heard == []
