"""Runs whose workers are actors of a Ray cluster of several nodes, which here are on one machine: the bits of one
process, whatever is lost on the way."""

from __future__ import annotations

import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import powertrain as pt
from powertrain.plugin import WorkerError
from running import SECONDS, command, environment, inside, results, run
from worker_processes import (
    ENDLESS,
    HALF,
    TEXTS,
    WATCHDOG,
    beyond,
    demand_ended,
    steps_done,
    until,
    write_shared,
)

ray = pytest.importorskip("ray", reason="ray is not installed")
Start = Callable[..., "subprocess.Popen[str]"]
SECONDS_TO_PLACE = 60.0  # in which Ray starts a worker on a busy machine


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

    def start(
        *more: str, address: str = cluster.address, workers: int = 4, name: str = "digits"
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command([*train(address, workers), *until(ENDLESS[name]), *more]), cwd=folder, env=environment(), text=True,
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
    most = time.monotonic() + SECONDS
    while (done := steps_done(folder / "a")) < least:
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < most
        time.sleep(0.05)
    return done


def actors(folder: Path) -> list[int]:
    """The processes that take part in the run of a folder, by what Ray calls them."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if (
                path.joinpath("cmdline").read_bytes().startswith(b"ray::Worker")
                and path.joinpath("cwd").readlink() == folder
            ):
                found.append(int(path.name))
        except OSError:
            continue
    return found


def gone_on(process: subprocess.Popen[str], folder: Path, name: str = "digits") -> str:
    """What a run said that goes on after a loss, and then is stopped; its hash must be that of one process."""
    steps(process, folder, steps(process, folder, 1) + 60)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=SECONDS)
    assert process.returncode == 128 + signal.SIGINT, errors
    target = ["--json", *beyond(name, folder / "a")]
    resumed = inside(["train", "small.toml", "--run", "a", "--resume", *target], folder)
    whole = inside(["train", "small.toml", "--run", "whole", *target], folder)
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
    workers = actors(folder)
    assert len(workers) == 3
    os.kill(workers[1], signal.SIGKILL)
    errors = gone_on(process, folder)
    assert "[workers] worker " in errors
    assert "; the run goes on from its last checkpoint, with those that are left\n" in errors


@pytest.mark.long
@pytest.mark.parametrize("name", TEXTS)
def test_workers_that_are_killed_at_twenty_moments(name: str, started: Start, folder: Path) -> None:
    if name == "mnist1d-gru":
        pytest.importorskip("powertrain_vision", reason="powertrain-vision is not installed")
    write_shared(name, folder)
    process = started("--when-lost", "wait", name=name)
    draw = random.Random(3)
    for _ in range(20):
        steps(process, folder, steps(process, folder, 1) + 1)  # it has gone on
        time.sleep(draw.uniform(0, 0.5))
        os.kill(draw.choice(actors(folder)), signal.SIGKILL)
    said = gone_on(process, folder, name)
    assert said.count("the run goes on from its last checkpoint, once Ray has started another") > 10


def test_a_worker_that_is_stopped(started: Start, folder: Path) -> None:
    process = started()
    os.kill(actors(folder)[1], signal.SIGSTOP)
    errors = gone_on(process, folder)
    assert "has given no sign of life" in errors
    most = time.monotonic() + SECONDS
    while actors(folder):
        assert time.monotonic() < most


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
    workers = actors(folder)
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


@pytest.fixture(scope="module")
def usual(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> float:
    """Seconds of a command of two workers that make two steps."""
    folder = tmp_path_factory.mktemp("usual")
    write_shared("digits", folder)
    start = time.monotonic()
    run(train(cluster.address, 2, "--smoke"), folder)
    return time.monotonic() - start


def refused(folder: Path, seconds: float, *words: str) -> str:
    """What a command says that has bad input."""
    start = time.monotonic()
    said = run(words, folder, expect=2).stderr
    assert time.monotonic() - start < seconds
    assert not (folder / "a").exists()
    return said.splitlines()[-1]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("raise RuntimeError('no such luck')", "worker 1 has ended: .*no such luck"),
        ("import acme", "worker 1 has ended: .*No module named 'acme'"),
        ("import numpy; numpy.__version__ += '.post1'", "worker 1 and worker 0 differ in versions; expected the same"),
    ],
)
def test_a_worker_that_cannot_take_part_is_named(
    line: str, said: str, usual: float, cluster: Any, folder: Path
) -> None:
    """A model beside the recipe that only the first worker can build, or builds with other versions."""
    (folder / "net.py").write_text(
        "import sys\n\nfrom powertrain.builtin.models import MLP\n\n"
        f"if 'default_worker' in ' '.join(sys.orig_argv):\n    {line}\n\n\n"
        "class Net(MLP):\n    pass\n"
    )
    recipe = folder / "small.toml"
    recipe.write_text(recipe.read_text().replace('{ use = "cnn", channels = [4, 8], dropout = 0.2 }', '"./net.py:Net"'))
    assert re.search(rf"^\[workers\] {said}", refused(folder, usual + WATCHDOG, *train(cluster.address, 2)))


def only_here(job: object, transport: object) -> str:
    """What no other process can import."""
    return ""


def test_a_worker_that_lacks_a_module_is_named(cluster: Any) -> None:
    from powertrain_distributed import on_ray

    with (
        on_ray.connected(cluster.address, 2, 1, False, only_here, {}) as found,
        pytest.raises(WorkerError) as caught,
        found.group(),
    ):
        pass
    assert str(caught.value).startswith(
        f"[workers] worker 1 cannot begin: ModuleNotFoundError: No module named '{__name__}'; "
    )


def test_a_machine_without_the_folder_of_the_run_is_named(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here nobody has it: what worker 0 says of itself is not where it is."""
    from powertrain.train.workers.worker import take_part
    from powertrain_distributed import on_ray

    monkeypatch.setattr(on_ray, "Path", type("Elsewhere", (), {"cwd": lambda: tmp_path / "elsewhere"}))
    with on_ray.connected(cluster.address, 2, 1, False, take_part, {}) as found:
        start = time.monotonic()
        with pytest.raises(WorkerError) as caught, found.group():
            pass
    assert time.monotonic() - start < WATCHDOG + SECONDS_TO_PLACE
    assert str(caught.value).startswith(
        f"[workers] worker 1 has ended: [{tmp_path}/elsewhere] No such file or directory; expected the folder of "
        "worker 0; share it among the machines; "
    )


def test_workers_that_do_not_divide_the_shards(usual: float, folder: Path) -> None:
    words = ["train", "small.toml", "--ray", "auto", "--workers", "3"]
    said = refused(folder, usual + WATCHDOG, *words)
    assert said.startswith("[workers] received 3 workers for run.shards = 8; expected a number that divides it: ")
    assert not (folder / "runs").exists()


def test_more_workers_than_there_is_room_for(cluster: Any, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from powertrain_distributed import on_ray

    monkeypatch.setattr(on_ray, "PLACED_SECONDS", 20.0)
    with pytest.raises(WorkerError) as caught:
        pt.fit(str(folder / "small.toml"), workers=4, threads=2, ray=cluster.address, verbose=False)
    assert str(caught.value) == (
        "[ray] Ray has started 2 of 3 workers within 20 s; expected room for each, of 2 processors; the cluster has 4 "
        "and 0 are free; take fewer --workers or --threads, or add machines"
    )


def test_addresses_that_lead_nowhere(usual: float, folder: Path) -> None:
    client = refused(folder, usual + WATCHDOG, *train("ray://127.0.0.1:10001", 2))
    assert client.startswith("[ray ray://127.0.0.1:10001] the address of a Ray Client, ")
    nobody = refused(folder, usual + WATCHDOG, *train("127.0.0.1:1", 2))
    assert nobody == (
        "[ray 127.0.0.1:1] Connection refused; expected a running cluster; start one with ray start --head, or write "
        "local"
    )


def hears(caller: socket.socket) -> None:
    """Somebody who says nothing."""


def answers(caller: socket.socket) -> None:
    """A server of HTTP/1.1."""
    caller.recv(1000)
    caller.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")


@pytest.mark.parametrize(("does", "said"), [(hears, "timed out"), (answers, "what answers there is no Ray cluster")])
def test_a_port_that_somebody_else_uses(
    does: Callable[[socket.socket], None], said: str, usual: float, folder: Path
) -> None:
    """Ray itself would wait without end."""
    callers = []

    def serve(listening: socket.socket) -> None:
        caller, _ = listening.accept()
        callers.append(caller)
        does(caller)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = threading.Thread(target=serve, args=(listening,))
        serving.start()
        port = listening.getsockname()[1]
        found = refused(folder, usual + WATCHDOG, *train(f"127.0.0.1:{port}", 2))
        serving.join()
    for one in callers:
        one.close()
    assert found == (
        f"[ray 127.0.0.1:{port}] {said}; expected a running cluster; start one with ray start --head, or write local"
    )
