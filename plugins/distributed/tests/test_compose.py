"""The two containers of compose.yaml, whose commands run here as two processes: a run begins on one machine, and goes
on in the cluster."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from running import SECONDS, environment, inside, results, run
from worker_processes import HALF, until, write_shared

pytest.importorskip("ray", reason="ray is not installed")
yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
COMPOSE = Path(__file__).parents[1] / "compose.yaml"
TOKEN = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": "0123456789abcdef" * 4}


def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text())["services"]
    return found


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[str]:
    """The address of the first of two nodes."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    with contextlib.ExitStack() as nodes:
        for name, service in services().items():
            words = service["command"].replace("first:", "127.0.0.1:").replace("6379", str(port)).split()
            nodes.enter_context(
                node([str(Path(sys.executable).with_name("ray")), *words[1:]], tmp_path / f"{name}.log")
            )
        yield f"127.0.0.1:{port}"


@contextlib.contextmanager
def node(words: list[str], log: Path) -> Iterator[None]:
    """A node of a cluster, once it runs."""
    with log.open("w") as file:
        process = subprocess.Popen(words, env=environment(**TOKEN), stdout=file, stderr=file, start_new_session=True)
    try:
        most = time.monotonic() + SECONDS
        while "Ray runtime started" not in log.read_text():
            assert process.poll() is None and time.monotonic() < most, log.read_text()
            time.sleep(0.2)
        yield
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def test_both_containers_are_the_same_but_for_their_command() -> None:
    first, second = services().values()
    assert {key: second[key] for key in first if key != "command"} == {
        key: first[key] for key in first if key != "command"
    }
    assert set(first["environment"]) == set(TOKEN)
    assert "pip install --no-cache-dir 'powertrain[ray]'" in first["build"]["dockerfile_inline"]


def test_from_one_machine_to_the_cluster(cluster: str, tmp_path: Path) -> None:
    write_shared("digits", tmp_path)
    train = ["train", "small.toml", "--run", "a", "--json"]
    run([*train, "--workers", "2", *until(HALF["digits"])], tmp_path)
    done = run([*train, "--resume", "--workers", "4", "--ray", cluster], tmp_path, **TOKEN)
    alone = inside(["train", "small.toml", "--run", "alone", "--json"], tmp_path)
    assert results(done)["hash"] == results(alone)["hash"]
