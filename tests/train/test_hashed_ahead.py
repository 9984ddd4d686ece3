"""A checkpoint that is hashed before it is asked for is as safe as one that is hashed then."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain.train.folder.checkpoint as checkpoint_module
from powertrain.io.hashing import ChunkedHash
from powertrain.train.folder import hashed_ahead
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.folder.hashed_ahead import HashedAhead

CONTENT = np.random.default_rng(0).bytes(3_000_000)


def hash_of(content: bytes) -> str:
    hashed = ChunkedHash()
    hashed.update(content)
    return hashed.hexdigest()


def counted(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads in which files are hashed from here on."""
    threads: list[str] = []
    inner = hashed_ahead.hash_file

    def noted(file: Any) -> str:
        threads.append(threading.current_thread().name)
        return inner(file)

    monkeypatch.setattr(hashed_ahead, "hash_file", noted)
    return threads


def begun(path: Path) -> HashedAhead:
    hashes = HashedAhead()
    hashes.begin(lambda: path.open("rb"))
    assert hashes._begun is not None
    hashes._begun.join()
    return hashes


def asked(hashes: HashedAhead, path: Path) -> str:
    with path.open("rb") as file:
        return hashes.hash(file)


def test_it_counts_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    threads = counted(monkeypatch)
    hashes = begun(path)
    assert asked(hashes, path) == hash_of(CONTENT)
    assert threads == ["checkpoint-ahead"]
    assert asked(hashes, path) == hash_of(CONTENT)
    assert threads == ["checkpoint-ahead", "MainThread"]


def in_place(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(1_234_567)
        file.write(b"\0\1\2")
    os.utime(path, ns=(0, 0))


def another_one(path: Path) -> None:
    path.rename(path.with_suffix(".old"))
    path.write_bytes(CONTENT[::-1])


def shorter(path: Path) -> None:
    os.truncate(path, 1000)


@pytest.mark.parametrize("change", [in_place, another_one, shorter])
def test_what_has_changed_since_is_hashed_again(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    hashes = begun(path)
    change(path)
    assert asked(hashes, path) == hash_of(path.read_bytes())


def test_what_cannot_be_read_ahead_is_told_by_whoever_reads_it(tmp_path: Path) -> None:
    hashes = begun(tmp_path / "missing")
    (tmp_path / "file").write_bytes(CONTENT)
    assert asked(hashes, tmp_path / "file") == hash_of(CONTENT)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
def test_a_child_does_not_wait_for_the_thread_of_its_parent(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(CONTENT)
    held = threading.Event()
    hashes = HashedAhead()

    def waiting() -> Any:
        held.wait(60)
        return path.open("rb")

    hashes.begin(waiting)
    child = os.fork()
    if child == 0:
        os._exit(0 if asked(hashes, path) == hash_of(CONTENT) else 1)
    _, status = os.waitpid(child, 0)
    held.set()
    assert os.waitstatus_to_exitcode(status) == 0


def saved(run: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Two checkpoints in a folder; then the threads in which files are hashed."""
    monkeypatch.setattr(checkpoint_module, "LEAST_AHEAD", 1000)
    made = Checkpoints(run)
    for number in (1, 2):
        made.save(number, {"w": np.full(5000, number, np.float32)}, {"seconds": 0.0, "steps": number})
    return counted(monkeypatch)


def test_the_newest_checkpoint_is_read_ahead(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = saved(tmp_path, monkeypatch)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.begin_to_check()
    found, problems = checkpoints.latest()
    assert found is not None
    assert (found.number, problems, threads) == (2, [], ["checkpoint-ahead"])
    assert found.arrays["w"].tolist() == [2.0] * 5000


def test_a_damaged_one_is_passed_over_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    saved(tmp_path, monkeypatch)
    path = tmp_path / "checkpoints" / "round-000000000002.safetensors"
    content = bytearray(path.read_bytes())
    content[-7] ^= 4
    path.write_bytes(content)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.begin_to_check()
    found, problems = checkpoints.latest()
    assert found is not None
    assert found.number == 1
    assert "checkpoint 2 is not used: round-000000000002.safetensors is not what was written" in problems[0]


def test_small_ones_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    threads = saved(tmp_path, monkeypatch)
    monkeypatch.setattr(checkpoint_module, "LEAST_AHEAD", 1 << 24)
    checkpoints = Checkpoints(tmp_path)
    checkpoints.begin_to_check()
    assert checkpoints.latest()[0] is not None
    assert threads == ["MainThread"]
    Checkpoints(tmp_path / "nothing").begin_to_check()
