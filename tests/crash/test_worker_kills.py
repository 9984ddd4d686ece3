"""Runs of several processes end with the bits of one, however many there are, and whichever of them is killed when."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from powertrain.train.folder.ledger import read_lines
from running import command, environment, inside, results, run
from worker_processes import (
    ENDLESS,
    HALF,
    PATIENCE,
    TEXTS,
    beyond,
    demand_ended,
    others_of,
    steps_done,
    until,
    write_shared,
)

SEED = int(os.environ.get("POWERTRAIN_KILL_SEED", "0"))
COUNTS = (1, 2, 4, 8)


@pytest.fixture(params=TEXTS)
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The name of a recipe, which lies in the folder of the test."""
    if request.param == "mnist1d-gru":
        pytest.importorskip("powertrain_vision", reason="powertrain-vision is not installed")
    write_shared(request.param, tmp_path)
    return str(request.param)


def train(folder: str, workers: int, threads: int = 1, *more: str) -> list[str]:
    return ["train", "small.toml", "--run", folder, "--json", "--resume", "--workers", str(workers),
            "--threads", str(threads), *more]  # fmt: skip


def taken_up(folder: Path) -> bool:
    """Whether a run went on from a checkpoint."""
    return any(line["event"] == "resume" and line["step"] > 0 for line in read_lines(folder))


def test_a_run_begun_by_four_and_finished_by_two_is_that_of_one(name: str, tmp_path: Path) -> None:
    alone = results(inside(train("alone", 1), tmp_path))["hash"]
    run(train("a", 4, 2, "--set", f"run.until={HALF[name]}"), tmp_path)
    assert results(run(train("a", 2), tmp_path))["hash"] == alone
    assert taken_up(tmp_path / "a")


@pytest.mark.long
def test_one_hash_for_every_number_of_workers_and_threads(name: str, tmp_path: Path) -> None:
    hashes = {
        (count, threads): results(run(train(f"{count}-{threads}", count, threads), tmp_path))["hash"]
        for count in COUNTS
        for threads in (1, 2)
    }
    assert len(set(hashes.values())) == 1, hashes


@pytest.mark.long
@pytest.mark.parametrize("first", COUNTS)
@pytest.mark.parametrize("then", COUNTS)
def test_begun_by_some_and_finished_by_others(name: str, first: int, then: int, tmp_path: Path) -> None:
    alone = results(inside(train("alone", 1), tmp_path))["hash"]
    run(train("a", first, 1, "--set", f"run.until={HALF[name]}"), tmp_path)
    assert results(run(train("a", then), tmp_path))["hash"] == alone


def killed(name: str, folder: Path, chance: random.Random) -> None:
    """Go on with an endless run, and kill any one of its processes: as it starts or at a random moment of its training.
    It goes on without a worker that is not the first, and is then interrupted."""
    words = train("a", chance.choice((2, 4)), 1, *until(ENDLESS[name]))
    process = subprocess.Popen(
        command(words), cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        if chance.random() < 0.75:
            wait_beyond(steps_done(folder / "a"), process, folder)
        time.sleep(chance.uniform(0, 1))
        others = others_of(process.pid)
        chosen = chance.choice([process.pid, *others])
        os.kill(chosen, signal.SIGKILL)
        if chosen != process.pid:
            demand_ended([chosen])
            wait_beyond(steps_done(folder / "a"), process, folder)
            others = others_of(process.pid)
            process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=2 * PATIENCE)
    finally:
        process.kill()
        process.communicate()
    demand_ended(others)
    assert process.returncode == (-signal.SIGKILL if chosen == process.pid else 128 + signal.SIGINT), errors


def wait_beyond(steps: int, process: subprocess.Popen[str], folder: Path) -> None:
    """Wait until a run has trained on, and saved that."""
    most = time.monotonic() + 2 * PATIENCE
    while steps_done(folder / "a") <= steps:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < most
        time.sleep(0.02)


def demand_same_bits_after_kills(kills: int, name: str, folder: Path) -> None:
    chance = random.Random(f"{SEED} {name}")
    for _ in range(kills):
        killed(name, folder, chance)
    target = beyond(name, folder / "a") if steps_done(folder / "a") else until(HALF[name])
    alone = results(inside(train("alone", 1, 1, *target), folder))["hash"]
    assert results(run(train("a", 2, 1, *target), folder))["hash"] == alone


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the processes of a run are read from /proc")
def test_whichever_worker_is_killed_when(tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    demand_same_bits_after_kills(2, "digits", tmp_path)


@pytest.mark.long
def test_twenty_workers_are_killed(name: str, tmp_path: Path) -> None:
    demand_same_bits_after_kills(20, name, tmp_path)
