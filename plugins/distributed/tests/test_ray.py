"""Runs whose workers are actors of a Ray cluster of several nodes, which here are on one machine: the bits of one
process, whatever is lost on the way."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import powertrain as pt
from powertrain.plugin import WorkerError
from powertrain.train.folder.checkpoint import Checkpoints
from running import SECONDS, command, environment, inside, results, run
from worker_processes import HALF, TEXTS, demand_ended, write_shared

ray = pytest.importorskip("ray", reason="ray is not installed")
ENDLESS = ("--set", "run.until=10_000 epochs")
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of one node."""
    from ray.cluster_utils import Cluster

    os.environ |= {"RAY_USAGE_STATS_ENABLED": "0", "RAY_worker_niceness": "0"}  # 15 would wait for all other tests
    found = Cluster(initialize_head=True, head_node_args={"num_cpus": 4, "include_dashboard": False})
    yield found
    found.shutdown()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_shared("digits", tmp_path)
    return tmp_path


def train(address: str, workers: int, *more: str) -> list[str]:
    return ["train", "small.toml", "--run", "a", "--json", "--ray", address, "--workers", str(workers), *more]


@pytest.fixture
def started(cluster: Any, folder: Path) -> Iterator[Start]:
    """Starts an endless run, and waits until it has a checkpoint."""
    processes = []

    def start(*more: str, address: str = cluster.address, workers: int = 4) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command([*train(address, workers), *ENDLESS, *more]), cwd=folder, env=environment(), text=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        processes.append(process)
        steps(process, folder, 1)
        return process

    yield start
    for process in processes:
        if process.poll() is None:  # the test has failed
            process.kill()
            process.communicate()


def steps(process: subprocess.Popen[str], folder: Path, least: int) -> int:
    """The steps of the newest checkpoint, once there are so many."""
    until = time.monotonic() + SECONDS
    while (done := Checkpoints(folder / "a").newest_meta().get("steps", 0)) < least:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < until
        time.sleep(0.05)
    return int(done)


def actors() -> list[int]:
    """The processes that take part in a run, by what Ray calls them."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if path.joinpath("cmdline").read_bytes().startswith(b"ray::Worker"):
                found.append(int(path.name))
        except OSError:
            continue
    return found


def gone_on(process: subprocess.Popen[str], folder: Path) -> str:
    """What a run said that goes on after a loss, and then is stopped; its hash must be that of one process."""
    steps(process, folder, steps(process, folder, 1) + 60)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + signal.SIGINT, errors
    epochs = Checkpoints(folder / "a").newest_meta()["progress"]["epochs"]
    until = ["--set", f"run.until={epochs + 1} epochs", "--json"]
    resumed = inside(["train", "small.toml", "--run", "a", "--resume", *until], folder)
    whole = inside(["train", "small.toml", "--run", "whole", *until], folder)
    assert results(resumed)["hash"] == results(whole)["hash"]
    return errors


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.long) if one != "digits" else one for one in TEXTS]
)
def test_four_workers_give_the_bits_of_one(name: str, cluster: Any, tmp_path: Path) -> None:
    if name == "mnist1d-gru":
        pytest.importorskip("powertrain_vision", reason="powertrain-vision is not installed")
    write_shared(name, tmp_path)
    alone = results(inside(["train", "small.toml", "--run", "alone", "--json"], tmp_path))["hash"]
    run(train(cluster.address, 4, "--set", f"run.until={HALF[name]}"), tmp_path)
    assert results(run(train(cluster.address, 2, "--resume"), tmp_path))["hash"] == alone


def test_a_worker_that_is_killed(started: Start, folder: Path) -> None:
    process = started()
    workers = actors()
    assert len(workers) == 3
    os.kill(workers[1], signal.SIGKILL)
    errors = gone_on(process, folder)
    assert "[workers] worker " in errors
    assert "; the run goes on from its last checkpoint, with those that are left\n" in errors


@pytest.mark.long
def test_workers_that_are_killed_at_twenty_moments(started: Start, folder: Path) -> None:
    process = started("--when-lost", "wait")
    draw = random.Random(3)
    for _ in range(20):
        steps(process, folder, steps(process, folder, 1) + 1)  # it has gone on
        time.sleep(draw.uniform(0, 0.5))
        os.kill(draw.choice(actors()), signal.SIGKILL)
    assert gone_on(process, folder).count("the run goes on from its last checkpoint, once Ray has started another") > 15


def test_a_worker_that_is_stopped(started: Start, folder: Path) -> None:
    process = started()
    os.kill(actors()[1], signal.SIGSTOP)
    errors = gone_on(process, folder)
    assert "has given no sign of life" in errors
    until = time.monotonic() + SECONDS
    while actors():
        assert time.monotonic() < until


def test_a_machine_that_is_lost_and_one_that_takes_its_place(cluster: Any, started: Start, folder: Path) -> None:
    second = cluster.add_node(num_cpus=2)
    process = started("--when-lost", "wait", "--threads", "2")  # two of the workers have room on the first node
    cluster.remove_node(second, allow_graceful=False)
    time.sleep(5)
    before = steps(process, folder, 1)
    time.sleep(5)
    assert steps(process, folder, 1) == before  # it waits
    third = cluster.add_node(num_cpus=2)
    assert "; the run goes on from its last checkpoint, once Ray has started another worker\n" in gone_on(
        process, folder
    )
    cluster.remove_node(third)


def test_a_cluster_for_the_time_of_a_run_and_ctrl_c(started: Start, folder: Path) -> None:
    """A terminal sends SIGINT to all that runs in it."""
    process = started(address="local", workers=2)
    workers = actors()
    os.killpg(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + signal.SIGINT, errors
    assert "stopping after this round" in errors and "Traceback" not in errors
    demand_ended(workers)


def test_a_call_from_python(cluster: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    alone = pt.fit("small.toml", epochs=1, verbose=False)
    shared = pt.fit("small.toml", epochs=1, workers=2, ray=cluster.address, verbose=False)
    assert shared.results["hash"] == alone.results["hash"]
    assert not ray.is_initialized()


def test_a_recipe_that_a_worker_cannot_read(cluster: Any, folder: Path) -> None:
    """A model beside the recipe that only the first worker can build."""
    (folder / "net.py").write_text(
        "import sys\n\nfrom powertrain.builtin.models import MLP\n\n"
        "if 'default_worker' in ' '.join(sys.orig_argv):\n    raise RuntimeError('no such luck')\n\n\n"
        "class Net(MLP):\n    pass\n"
    )
    recipe = folder / "small.toml"
    recipe.write_text(recipe.read_text().replace('{ use = "cnn", channels = [4, 8], dropout = 0.2 }', '"./net.py:Net"'))
    said = run(train(cluster.address, 4), folder, expect=2).stderr
    assert "[workers] worker 1 has ended: " in said and "no such luck" in said, said
    assert not (folder / "a").exists()


def test_more_workers_than_there_is_room_for(cluster: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from powertrain_distributed import on_ray

    monkeypatch.setattr(on_ray, "PLACED_SECONDS", 20.0)
    with pytest.raises(WorkerError) as caught:
        pt.fit(str(folder / "small.toml"), workers=4, threads=2, ray=cluster.address, verbose=False)
    assert str(caught.value) == (
        "[ray] Ray has started 2 of 3 workers within 20 s; expected room for each, of 2 processors; the cluster has 4 "
        "and 0 are free; take fewer --workers or --threads, or add machines"
    )


def test_addresses_that_lead_nowhere(folder: Path) -> None:
    client = run(train("ray://127.0.0.1:10001", 2), folder, expect=2).stderr
    assert client.startswith("[ray ray://127.0.0.1:10001] the address of a Ray Client, ")
    nobody = run(train("127.0.0.1:1", 2), folder, expect=2).stderr
    assert nobody.strip() == (
        "[ray 127.0.0.1:1] Connection refused; expected a running cluster; start one with ray start --head, or write "
        "local"
    )
