"""What hangs is told from what a busy machine slows down: by processor time, not by the clock."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest
from test_discovery import distribution

from powertrain.conformance import check_distribution, processor
from powertrain.conformance.process import run_apart
from powertrain.conformance.processor import Watched, look
from powertrain.plugin.registry import Registry

LOOP = "while True: pass\n"
SLEEP = "import time\ntime.sleep(1_000)\n"
DEADLOCK = "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()\n"
CHILD = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'while True: pass'])\n"


class Machine:
    """A clock and a count of processor time that a test sets."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.clock, self.used, self.waits = 1000.0, 0.0, False
        monkeypatch.setattr(time, "monotonic", lambda: self.clock)
        monkeypatch.setattr(processor, "look", lambda session: (self.used, self.waits))

    def passes(self, seconds: float, used: float) -> None:
        self.clock += seconds
        self.used += used


@pytest.mark.parametrize(("body", "text"), [
    (LOOP, "it used more than 2 s of processor time"),
    (CHILD, "it used more than 2 s of processor time"),
    (SLEEP, "it used no processor time for 2 s"),
    (DEADLOCK, "it used no processor time for 2 s"),
])  # fmt: skip
def test_a_loop_a_sleep_and_a_deadlock_hang(
    body: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    distribution(tmp_path, "stuck", "[powertrain.v1.model]\nstuck = stuck:it\n", body)
    monkeypatch.syspath_prepend(str(tmp_path))
    (checked,) = check_distribution(Registry(lambda: sys.path), "stuck", seconds=2)
    assert [(one.code, one.received) for one in checked.findings] == [("hang", text)]


def test_what_a_busy_machine_slows_down_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    watched = Watched(0, 60)
    for _ in range(100):  # it gets one part in twenty of a processor
        machine.passes(10, 0.5)
        assert watched.hangs() == ""
    for _ in range(21):
        machine.passes(10, 0.5)
    assert watched.hangs() == "it used more than 60 s of processor time"


def test_a_machine_that_is_far_too_busy_does_not_make_it_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    machine.waits = True
    watched = Watched(0, 60)
    for _ in range(500):
        machine.passes(10, 0.05)
        assert watched.hangs() == ""


def test_several_threads_count_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    watched = Watched(0, 60)
    machine.passes(30, 16 * 30)
    assert watched.hangs() == ""
    machine.passes(31, 16 * 31)
    assert watched.hangs() == "it used more than 60 s of processor time"


def test_one_that_wakes_up_now_and_then_for_ever_hangs(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    watched = Watched(0, 60)
    for _ in range(120):
        machine.passes(10, 0.01)
        assert watched.hangs() == ""
    machine.passes(10, 0.01)
    assert watched.hangs() == "it slept for more than 1200 s in all"


def test_one_that_waits_for_a_processor_does_not_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch)
    watched = Watched(0, 60)
    machine.waits = True
    machine.passes(100, 0)
    assert watched.hangs() == ""
    machine.waits = False
    machine.passes(61, 0)
    assert watched.hangs() == "it used no processor time for 60 s"


def test_without_processes_to_look_at_the_clock_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(processor, "PROCESSES", tmp_path / "none")
    assert look(os.getsid(0)) is None
    watched = Watched(0, 60)
    assert watched.hangs() == ""
    watched.began -= 61
    assert watched.hangs() == "it took more than 60 s"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="this system lists no processes in /proc")
def test_the_time_of_a_session_grows_with_what_it_does() -> None:
    began = look(os.getsid(0))
    assert began is not None
    until = time.process_time() + 0.1
    while time.process_time() < until:
        pass
    now = look(os.getsid(0))
    assert now is not None and now[0] >= began[0] + 0.05 and now[1]


def test_an_import_may_take_as_long_as_the_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    distribution(tmp_path, "slow", "[powertrain.v1.loss]\nslow = slow:it\n", "import time\ntime.sleep(0.4)\nit = 0\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    (entry,) = [one for one in Registry(lambda: sys.path).plugins() if one.distribution == "slow"]
    request = {"task": "probe", "entries": [entry._asdict()]}
    assert run_apart(request, "slow", seconds=20).answer == [{"cause": ""}]
