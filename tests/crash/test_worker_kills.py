"""Runs of several processes end with the bits of one, however many there are, and whichever of them is killed when."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from powertrain.train.folder.ledger import read_lines
from running import command, environment, inside, results, run
from worker_processes import HALF, PATIENCE, TEXTS, demand_ended, others_of, write_shared

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


def killed(arguments: list[str], folder: Path, after: float, chance: random.Random) -> tuple[bool, bool]:
    """Start the command, and kill any one of its processes after so many seconds. Whether one was killed, and whether
    the run came to its end, as it does without a worker that is not the first."""
    process = subprocess.Popen(
        command(arguments), cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        _, errors = process.communicate(timeout=after)
        return False, True
    except subprocess.TimeoutExpired:
        others = others_of(process.pid)
        chosen = chance.choice([process.pid, *others])
        with contextlib.suppress(ProcessLookupError):  # it was through
            os.kill(chosen, signal.SIGKILL)
        _, errors = process.communicate(timeout=2 * PATIENCE)
    demand_ended(others)
    assert process.returncode == 0 or (chosen == process.pid and process.returncode == -signal.SIGKILL), errors
    return True, process.returncode == 0


def demand_same_bits_after_kills(kills: int, name: str, folder: Path) -> None:
    """Kill workers of one run after the other, and go on with each to its end."""
    chance = random.Random(f"{SEED} {name}")
    start = time.monotonic()
    undisturbed = results(run(train("undisturbed", 2), folder))["hash"]
    seconds = time.monotonic() - start
    made = runs = resumed = 0
    while made < kills:
        finished = False
        while not finished:
            after = chance.uniform(0, seconds) if made < kills else 60 * seconds
            hit, finished = killed(train(f"run-{runs}", chance.choice((2, 4))), folder, after, chance)
            made += hit
        assert run(["runs", "hash", f"run-{runs}"], folder).stdout.strip() == undisturbed
        resumed += taken_up(folder / f"run-{runs}")
        runs += 1
    assert resumed > 0 or kills < 10, "no kill fell between the first checkpoint and the end"


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the processes of a run are read from /proc")
def test_whichever_worker_is_killed_when(tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    demand_same_bits_after_kills(2, "digits", tmp_path)


@pytest.mark.long
def test_twenty_workers_are_killed(name: str, tmp_path: Path) -> None:
    demand_same_bits_after_kills(20, name, tmp_path)
