"""Signals in the middle of a training: whatever they end, the run goes on to the same bits."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest

from running import SECONDS, SMALL, inside, results, run, started

RECIPE = SMALL.replace("6 epochs", "60 epochs").replace(', stop = { watch = "valid.accuracy" }', "")


@pytest.fixture(scope="module")
def digest(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The hash of a run that nothing disturbs."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "small.toml").write_text(RECIPE)
    return str(results(inside(["train", "small.toml", "--run", "a", "--json"], folder))["hash"])


def state(process: subprocess.Popen[str]) -> str:
    """What Linux says a process does: R runs, S sleeps, T is stopped."""
    return Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[0]


def until_stopped(process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + SECONDS
    while state(process) != "T":
        assert time.monotonic() < deadline
        time.sleep(0.01)


def resumed(folder: Path) -> str:
    return str(results(run(["train", "small.toml", "--run", "a", "--resume", "--json"], folder))["hash"])


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the state of a process is read from /proc")
def test_a_run_that_was_stopped_for_a_while_goes_on(tmp_path: Path, digest: str) -> None:
    process = started(tmp_path, RECIPE)
    for _ in range(3):
        process.send_signal(signal.SIGSTOP)
        until_stopped(process)
        process.send_signal(signal.SIGCONT)
    output, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 0 and output.count("stopped") == 0, errors
    assert run(["runs", "hash", "a"], tmp_path).stdout.strip() == digest


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the state of a process is read from /proc")
def test_a_run_that_is_killed_while_it_is_stopped_goes_on_later(tmp_path: Path, digest: str) -> None:
    process = started(tmp_path, RECIPE)
    process.send_signal(signal.SIGSTOP)
    until_stopped(process)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=SECONDS)
    assert resumed(tmp_path) == digest


# Without a schedule, which is stretched over the target, a longer run has the same bits on its way.
PLAIN = RECIPE.replace(', schedule = "cosine"', "")


@pytest.mark.parametrize("numbers", [[signal.SIGTERM], [signal.SIGINT, signal.SIGINT], [signal.SIGINT, signal.SIGTERM]])
def test_signals_that_end_a_run_cost_no_bit(tmp_path: Path, numbers: list[int]) -> None:
    process = started(tmp_path, PLAIN.replace("60 epochs", "60_000 epochs"))
    for number in numbers:
        process.send_signal(number)
    process.communicate(timeout=SECONDS)
    assert process.returncode in {128 + number for number in numbers}
    found = json.loads(inside(["runs", "show", "a", "--json"], tmp_path).stdout)["checkpoints"]
    assert found and not any(row["damaged"] for row in found)
    target = f"run.until={-(-found[-1]['steps'] // 20) + 2} epochs"
    both = [["train", "small.toml", "--run", name, "--resume", "--set", target, "--json"] for name in ("a", "whole")]
    first, second = (results(run(arguments, tmp_path))["hash"] for arguments in both)
    assert first == second
