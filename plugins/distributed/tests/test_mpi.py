"""Runs of the processes of an MPI job: the bits of one process, and clear ends where one of them is lost."""

from __future__ import annotations

import importlib.util
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from powertrain.train.folder.checkpoint import Checkpoints
from running import SECONDS, command, environment, inside, results, run
from worker_processes import (
    ENDLESS,
    HALF,
    TEXTS,
    WATCHDOG,
    beyond,
    demand_ended,
    said_in_time,
    steps_done,
    until,
    write_shared,
)

MPIRUN = shutil.which("mpirun", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("mpi4py") is None, reason="mpi4py is not installed"),
    pytest.mark.skipif(MPIRUN is None, reason="mpirun is not installed"),
]


def started(folder: Path, count: int, *more: str, imports: Path | None = None) -> subprocess.Popen[str]:
    assert MPIRUN is not None
    words = command(["train", "small.toml", "--run", "a", *more])
    return subprocess.Popen(
        [MPIRUN, "-n", str(count), *words], cwd=folder, env=environment([imports] if imports else []),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds of a job of two processes that make two steps."""
    folder = tmp_path_factory.mktemp("usual")
    write_shared("digits", folder)
    start = time.monotonic()
    ended(started(folder, 2, "--smoke"), 0)
    return time.monotonic() - start


def refused(usual: float, process: subprocess.Popen[str], code: int | None = 2) -> str:
    """What a job says that has bad input."""
    return ended(process, code, usual + WATCHDOG)[1]


def ended(process: subprocess.Popen[str], code: int | None, seconds: float = SECONDS) -> tuple[str, str]:
    """What a job said, which must end in time, with such a code or with any that is an error."""
    said, errors = said_in_time(process, seconds)
    assert process.returncode == code or (code is None and process.returncode != 0), said + errors
    return said, errors


def test_four_processes_of_mpi_give_the_bits_of_one(tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    alone = results(inside(["train", "small.toml", "--run", "alone", "--json"], tmp_path))["hash"]
    ended(started(tmp_path, 4, "--set", f"run.until={HALF['digits']}"), 0)
    two = run(["train", "small.toml", "--run", "a", "--resume", "--workers", "2", "--json"], tmp_path)
    assert results(two)["hash"] == alone


@pytest.mark.long
@pytest.mark.parametrize("name", TEXTS)
def test_one_hash_for_every_number_of_processes(name: str, tmp_path: Path) -> None:
    if name == "mnist1d-gru":
        pytest.importorskip("powertrain_vision", reason="powertrain-vision is not installed")
    write_shared(name, tmp_path)
    alone = results(inside(["train", "small.toml", "--run", "alone", "--json"], tmp_path))["hash"]
    for count in (2, 4, 8):
        for threads in ("1", "2"):
            ended(started(tmp_path, count, "--run", f"{count}-{threads}", "--threads", threads), 0)
            assert run(["runs", "hash", f"{count}-{threads}"], tmp_path).stdout.strip() == alone


def strange(folder: Path, *lines: str) -> Path:
    """A folder of imports in which process 1 runs these lines as it starts."""
    imports = folder / "imports"
    imports.mkdir()
    here = "if os.environ.get('PMI_RANK', os.environ.get('OMPI_COMM_WORLD_RANK')) == '1':"
    (imports / "sitecustomize.py").write_text("\n".join(["import os", here, *(f"    {line}" for line in lines), ""]))
    return imports


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("import numpy; numpy.__version__ += '.post1'", "worker 1 and worker 0 differ in versions; "),
        ("os.chdir('other')", "worker 1 has ended: [small.toml] there is no such file; "),
    ],
)
def test_a_process_that_cannot_take_part_is_named(line: str, said: str, usual: float, tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    (tmp_path / "other").mkdir()
    errors = refused(usual, started(tmp_path, 2, imports=strange(tmp_path, line)))
    assert f"[workers] {said}" in errors
    assert not (tmp_path / "a").exists()


@pytest.mark.parametrize(
    ("name", "before", "after", "said"),
    [
        ("small.toml", "lr = 1e-3", "lr = 1e-4", "recipe and state"),
        ("book.txt", "fox", "cat", "data and state"),
    ],
)
def test_a_process_with_other_files_is_named(
    name: str, before: str, after: str, said: str, usual: float, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write_shared("gpt", tmp_path)
    write_shared("gpt", other)
    (other / name).write_text((other / name).read_text().replace(before, after))
    errors = refused(usual, started(tmp_path, 2, imports=strange(tmp_path, "os.chdir('other')")))
    assert f"[workers] worker 1 and worker 0 differ in {said}; expected the same for all; " in errors
    assert not (tmp_path / "a").exists()


def test_a_process_that_cannot_join_ends_the_job(usual: float, tmp_path: Path) -> None:
    """MPI waits for it, and has no way to tell the others."""
    write_shared("digits", tmp_path)
    hidden = "import sys; sys.modules['powertrain_distributed'] = None"
    errors = refused(usual, started(tmp_path, 2, imports=strange(tmp_path, hidden)), None)
    assert "[mpirun] powertrain-distributed is not installed; expected it, " in errors
    assert not (tmp_path / "a").exists()


def test_a_launcher_of_another_mpi(tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    said = run(["train", "small.toml", "--run", "a"], tmp_path, expect=2, OMPI_COMM_WORLD_SIZE="2")
    assert (
        "[mpirun] it has started 2 processes, and mpi4py sees 1; expected one MPI for both; here it is " in said.stderr
    )


def test_a_mistake_in_a_recipe_is_said_once(usual: float, tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    errors = refused(usual, started(tmp_path, 2, "--set", "optimizer.lr=-1"))
    assert errors.count("optimizer.lr") == 1


def test_processes_that_do_not_divide_the_shards(usual: float, tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    errors = refused(usual, started(tmp_path, 3))
    assert errors.startswith("[workers] received 3 workers for run.shards = 8; expected a number that divides it: ")
    errors = refused(usual, started(tmp_path, 2, "--ray", "auto"))
    assert errors.startswith("[--ray auto] mpirun has started 2 processes, which are the workers; expected them from ")
    errors = refused(usual, started(tmp_path, 2, "--workers", "4"))
    assert errors.strip() == (
        "[--workers 4] mpirun has started 2 processes, which are the workers; expected no other number of them; leave "
        "--workers out"
    )


def in_training(folder: Path, processes: int) -> tuple[subprocess.Popen[str], dict[str, int]]:
    """A job that trains for long, once it has a checkpoint, and its processes by their rank."""
    write_shared("digits", folder)
    process = started(folder, processes, "--set", "run.until=10_000 epochs")
    assert process.stdout is not None
    while not Checkpoints(folder / "a").newest_meta():
        assert process.stdout.readline()  # one for each epoch
    return process, ranked(folder)


def ranked(folder: Path) -> dict[str, int]:
    """The processes of a job by their rank, which MPICH and Open MPI name by other variables."""
    return processes_with(folder, "PMI_RANK") or processes_with(folder, "OMPI_COMM_WORLD_RANK")


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the processes of a job are read from /proc")
def test_a_job_with_a_killed_process_ends_and_goes_on(tmp_path: Path) -> None:
    process, workers = in_training(tmp_path, 2)
    assert len(workers) == 2
    os.kill(workers["1"], signal.SIGKILL)
    ended(process, None)
    demand_ended(list(workers.values()))
    until = ["--set", f"run.until={Checkpoints(tmp_path / 'a').newest_meta()['progress']['epochs'] + 1} epochs"]
    said, _ = ended(started(tmp_path, 4, "--resume", "--json", *until), 0)
    whole = inside(["train", "small.toml", "--run", "whole", "--json", *until], tmp_path)
    assert json.loads(said.splitlines()[-1])["hash"] == results(whole)["hash"]


@pytest.mark.long
@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the processes of a job are read from /proc")
@pytest.mark.parametrize("name", TEXTS)
def test_processes_that_are_killed_at_twenty_moments(name: str, tmp_path: Path) -> None:
    if name == "mnist1d-gru":
        pytest.importorskip("powertrain_vision", reason="powertrain-vision is not installed")
    write_shared(name, tmp_path)
    draw = random.Random(name)
    for _ in range(20):
        before = steps_done(tmp_path / "a")
        process = started(tmp_path, draw.choice((2, 4)), "--resume", *until(ENDLESS[name]))
        while steps_done(tmp_path / "a") <= before:
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        time.sleep(draw.uniform(0, 0.5))
        workers = list(ranked(tmp_path).values())
        os.kill(draw.choice(workers), signal.SIGKILL)
        ended(process, None)
        demand_ended(workers)
    target = beyond(name, tmp_path / "a")
    said, _ = ended(started(tmp_path, 4, "--resume", "--json", *target), 0)
    whole = inside(["train", "small.toml", "--run", "whole", "--json", *target], tmp_path)
    assert json.loads(said.splitlines()[-1])["hash"] == results(whole)["hash"]


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="the processes of a job are read from /proc")
@pytest.mark.parametrize("stopped", ["0", "3"])
def test_a_process_that_is_stopped_ends_the_job(stopped: str, tmp_path: Path) -> None:
    process, workers = in_training(tmp_path, 4)
    os.kill(workers[stopped], signal.SIGSTOP)
    start = time.monotonic()
    said, errors = ended(process, None)
    assert time.monotonic() - start < WATCHDOG
    assert f"[workers] worker {stopped} has given no sign of life for 8 s; expected all to train" in errors, said
    demand_ended(list(workers.values()))


def processes_with(folder: Path, name: str) -> dict[str, int]:
    """The processes that run in a folder, by a variable of their environment."""
    found = {}
    for path in Path("/proc").glob("[0-9]*"):
        try:
            inside, variables = path.joinpath("cwd").readlink(), path.joinpath("environ").read_bytes().split(b"\0")
        except OSError:
            continue
        values = [one.partition(b"=")[2].decode() for one in variables if one.startswith(name.encode() + b"=")]
        if inside == folder and values:
            found[values[0]] = int(path.name)
    return found
