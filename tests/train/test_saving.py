"""Checkpoints that are written beside training: they have the bits of their commit, there is one at a time, and whoever
ends a run waits for them."""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import wait
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

from powertrain.io.file_lock import FileLock
from powertrain.io.files import Files, NoSpaceError
from powertrain.io.hashing import hash_arrays
from powertrain.recipe import load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder import background, saving
from powertrain.train.folder.checkpoint import CheckpointError, Checkpoints
from powertrain.train.folder.ledger import Ledger, read_lines
from powertrain.train.folder.run_folder import RunFolder
from powertrain.train.folder.saving import Saver
from powertrain.train.run.named_slots import SlotTable
from powertrain.train.run.ring import Ring
from powertrain.train.run.train_run import TrainRun
from powertrain.train.session import train
from resealed import reseal
from running import SMALL

SECONDS = 60  # in which a thread surely gets its turn


@pytest.fixture(autouse=True)
def plain_reports() -> Iterator[None]:
    """Pictures take longer than the trainings here."""
    with mock.patch("powertrain.train.report.elements.charts_module", lambda: None):
        yield


class Gate:
    """Holds the writing of checkpoints until it is opened."""

    def __init__(self) -> None:
        self.reached, self.opened = threading.Event(), threading.Event()
        self.numbers: list[int] = []

    def pass_by(self, number: int) -> None:
        self.numbers.append(number)
        self.reached.set()
        assert self.opened.wait(SECONDS)


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gate]:
    made, save = Gate(), Checkpoints.save

    def held(self: Checkpoints, number: int, *given: Any) -> None:
        made.pass_by(number)
        save(self, number, *given)

    monkeypatch.setattr(Checkpoints, "save", held)
    yield made
    made.opened.set()


@pytest.fixture
def begun(tmp_path: Path) -> Iterator[TrainRun]:
    """A run that a test takes round by round."""
    (tmp_path / "small.toml").write_text(SMALL)
    made = build(load_recipe(str(tmp_path / "small.toml")), RunFolder(tmp_path / "a"), Display(quiet=True))
    with made.folder.locked():
        made.strategy.setup(made)
        made.restore()
        yield made
        made.close()


def go_on(run: TrainRun, rounds: int) -> None:
    for _ in range(rounds):
        run.strategy.round(run)
        run.commit()


def go(folder: Path, display: Display | None = None, resume: bool = False) -> Any:
    (folder / "small.toml").write_text(SMALL)
    return train(
        load_recipe(str(folder / "small.toml")), folder / "a", display=display or Display(quiet=True), resume=resume
    )


def test_training_goes_on_and_the_checkpoint_has_the_bits_of_its_commit(gate: Gate, begun: TrainRun) -> None:
    go_on(begun, 1)
    wanted = hash_arrays(begun.table.snapshot())
    assert gate.reached.wait(SECONDS)
    go_on(begun, 5)  # one of them evaluates
    assert gate.numbers == [1] and begun.saver.saved_step == 0 and begun.folder.checkpoints.numbers() == []
    assert hash_arrays(begun.table.snapshot()) != wanted
    gate.opened.set()
    begun.saver.wait()
    assert hash_arrays(begun.folder.checkpoints.load(1).arrays) == wanted
    assert (begun.saver.saved_step, begun.saver.saved) == (5, False)


def test_a_commit_begins_the_next_one_when_the_last_is_written(gate: Gate, begun: TrainRun) -> None:
    go_on(begun, 2)
    assert gate.numbers == [1]
    gate.opened.set()
    begun.saver.save()  # as a callback may ask for: it waits for the first one
    assert begun.folder.checkpoints.numbers()[0] == 1
    begun.saver.wait()
    assert begun.saver.saved and begun.folder.checkpoints.numbers() == [1, 2]
    begun.saver.save()
    assert gate.numbers == [1, 2]  # it is there


def test_a_run_of_another_version_does_not_begin_again(tmp_path: Path) -> None:
    go(tmp_path)
    (tmp_path / "a" / "results.json").unlink()  # as if it had been killed near its end
    numbers = Checkpoints(tmp_path / "a").numbers()
    for number in numbers:
        reseal(tmp_path / "a", number, format=3)
    with pytest.raises(CheckpointError, match=r"has format 3; this version reads 4; expected a run of this version"):
        go(tmp_path, resume=True)
    assert Checkpoints(tmp_path / "a").numbers() == numbers


def test_a_snapshot_keeps_what_the_host_changes_later() -> None:
    table, ring = SlotTable({}), Ring("replay", 4, {"x": np.float32(0)}, 0)
    table.groups["replay"] = ring
    ring.append(x=np.arange(4, dtype=np.float32))
    found = table.snapshot()
    assert table.bytes_while_saving() == sum(array.nbytes for array in found.values())
    ring.append(x=np.full(3, 9, np.float32))
    assert found["replay.x"].tolist() == [0, 1, 2, 3] and found["replay.state"].tolist() == [4, 0]


def test_what_happened_is_on_the_disk_before_its_checkpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[str] = []
    sync, save = Ledger.sync, Checkpoints.save

    def synced(self: Ledger) -> None:
        sync(self)
        done.append("ledger")

    def saved(self: Checkpoints, *given: Any) -> None:
        done.append("checkpoint")
        save(self, *given)

    monkeypatch.setattr(Ledger, "sync", synced)
    monkeypatch.setattr(Checkpoints, "save", saved)
    go(tmp_path)
    assert len(done) >= 2 and done == ["ledger", "checkpoint"] * (len(done) // 2)


def test_a_commit_is_noted_with_the_step_that_it_had(tmp_path: Path) -> None:
    go(tmp_path)
    noted = [(line["round"], line["step"]) for line in read_lines(tmp_path / "a") if line["event"] == "commit"]
    assert noted[-1] == (24, 120) and all(step == 5 * number for number, step in noted)


def failing(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """The first checkpoint cannot be written."""
    save = Checkpoints.save

    def failed(self: Checkpoints, number: int, *given: Any) -> None:
        if number == 1:
            raise error
        save(self, number, *given)

    monkeypatch.setattr(Checkpoints, "save", failed)


def test_a_full_disk_is_said_at_a_later_commit_and_training_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    monkeypatch.setattr(Display, "warn", lambda self, text: said.append(text))
    failing(monkeypatch, NoSpaceError("[round-1] No space left on device"))
    outcome = go(tmp_path)
    assert outcome.saved and outcome.finished
    assert said == ["[round-1] No space left on device: the run goes on, and the earlier checkpoint stands"]


def test_a_disk_that_fails_ends_the_run_at_a_later_commit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, OSError(errno.EIO, "Input/output error"))
    with pytest.raises(OSError, match="Input/output error"):
        go(tmp_path)
    monkeypatch.undo()
    assert go(tmp_path, resume=True).finished


@pytest.mark.parametrize("ended", [RuntimeError, KeyboardInterrupt])
def test_what_ends_a_run_waits_for_the_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gate: Gate, ended: type[BaseException]
) -> None:
    close = Saver.close

    def opened(self: Saver) -> None:
        gate.opened.set()
        close(self)

    def fail(self: Display, *given: Any) -> None:
        raise ended

    monkeypatch.setattr(Saver, "close", opened)
    monkeypatch.setattr(Display, "evaluated", fail)
    with pytest.raises(ended):
        go(tmp_path)
    assert Checkpoints(tmp_path / "a").numbers() == gate.numbers == [1]
    assert not [one for one in threading.enumerate() if one.name == "powertrain-checkpoint"]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whoever waits for a checkpoint is interrupted, and again while the run is closed."""

    def interrupted(futures: Any) -> Any:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        return wait(futures)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # a process in the background ignores it
    with monkeypatch.context() as patched:
        patched.setattr(saving, "wait", interrupted)
        yield
    signal.signal(signal.SIGINT, before)


def test_a_folder_stays_locked_until_its_checkpoint_is_written(tmp_path: Path, gate: Gate, impatient: None) -> None:
    with pytest.raises(KeyboardInterrupt):
        go(tmp_path)
    with pytest.raises(BlockingIOError):
        FileLock(Files(tmp_path / "a")).take()
    threading.Timer(0.05, gate.opened.set).start()
    with RunFolder(tmp_path / "a").locked():  # waits for the thread that writes
        assert Checkpoints(tmp_path / "a").numbers() == gate.numbers == [1]


def test_a_failure_to_write_does_not_hide_what_ended_the_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    hear = Saver.due

    def deaf(self: Saver, *given: Any) -> bool:
        return self.run.progress.rounds == 1 and hear(self, *given)

    def fail(self: Display, *given: Any) -> None:
        raise RuntimeError("first")

    monkeypatch.setattr(Display, "warn", lambda self, text: said.append(text))
    monkeypatch.setattr(Display, "evaluated", fail)
    monkeypatch.setattr(Saver, "due", deaf)
    failing(monkeypatch, OSError(errno.EIO, "Input/output error"))
    with pytest.raises(RuntimeError, match="first"):
        go(tmp_path)
    assert said == [f"[Errno {errno.EIO}] Input/output error"]


FORK = """
import os, sys, threading
from powertrain.train.folder import background, saving

started, path = threading.Event(), sys.argv[1]

def write():
    started.set()
    threading.Event().wait(0.3)
    open(path, "w").close()

background.begin(write)
assert started.wait(60)
child = os.fork()
if child == 0:
    os._exit(0 if os.path.exists(path) else 1)
os._exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_fork_waits_for_what_a_thread_writes(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", FORK, str(tmp_path / "whole")], check=False)
    assert done.returncode == 0


def test_where_no_thread_can_be_had_the_work_is_done_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    future = background.begin(threading.get_ident)
    assert future.done() and future.result() == threading.get_ident()
    assert not background._unfinished  # a fork would wait for them for ever


def test_whoever_began_work_gets_its_result_or_its_exception() -> None:
    assert background.begin(lambda: 3).result(SECONDS) == 3
    with pytest.raises(ZeroDivisionError):
        background.begin(lambda: 1 // 0).result(SECONDS)
