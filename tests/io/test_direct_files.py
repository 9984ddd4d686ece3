"""Large files, written past the system's cache: the same bytes, whatever their sizes and what a disk refuses."""

from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.io import direct
from powertrain.io.direct import BLOCK, PIECE, DirectFile
from powertrain.io.files import Files, NoSpaceError
from powertrain.train.folder.checkpoint import Checkpoints

SIZES = [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE + 5]


def content(size: int) -> bytes:
    return np.random.default_rng(size).integers(0, 256, size).astype(np.uint8).tobytes()


def written(path: Path, parts: list[bytes]) -> bytes:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL)
    try:
        with DirectFile(descriptor) as file:
            assert [file.write(part) for part in parts] == [len(part) for part in parts]
    finally:
        os.close(descriptor)
    return path.read_bytes()


@pytest.mark.parametrize("size", SIZES)
def test_a_file_holds_what_was_written(tmp_path: Path, size: int) -> None:
    whole = content(size)
    cuts = sorted({0, min(3, size), size // 2, size})
    assert written(tmp_path / "whole", [whole]) == whole
    assert written(tmp_path / "parts", [whole[a:b] for a, b in itertools.pairwise(cuts)]) == whole
    assert written(tmp_path / "nothing", [b"", whole, b""]) == whole


def refusing(write: Callable[..., int], least: int, after: int, short: bool) -> Callable[..., int]:
    """os.write of a disk that refuses writes past the cache, or writes less than it was given, from some call on."""
    calls = 0

    def refuse(descriptor: int, data: Any) -> int:
        nonlocal calls
        calls += 1
        if calls > after and short and len(data) > least:
            return write(descriptor, bytes(data[: least + 7]))
        if calls > after and not short and direct_flag(descriptor):
            raise OSError(errno.EINVAL, "no")
        return write(descriptor, data)

    return refuse


def direct_flag(descriptor: int) -> bool:
    import fcntl

    return bool(fcntl.fcntl(descriptor, fcntl.F_GETFL) & getattr(os, "O_DIRECT", 0))


@pytest.mark.parametrize("short", [False, True])
@pytest.mark.parametrize("after", [0, 1])
def test_a_disk_that_refuses_gets_the_bytes_another_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, after: int, short: bool
) -> None:
    whole = content(2 * PIECE + 5)
    monkeypatch.setattr(direct.os, "write", refusing(os.write, BLOCK, after, short))
    assert written(tmp_path / "a", [whole]) == whole


def test_a_file_system_without_such_writes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(direct, "_set_direct", lambda descriptor, wanted: False)
    whole = content(PIECE + 5)
    assert written(tmp_path / "a", [whole]) == whole


def arrays() -> dict[str, Any]:
    draw = np.random.default_rng(1)
    return {"a": draw.normal(size=(1500, 1001)), "b": np.arange(7, dtype=np.int8), "c": np.float32(3.5).reshape(())}


@pytest.mark.parametrize("least", [0, 1 << 40])
def test_a_checkpoint_is_the_same_file_either_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least: int) -> None:
    monkeypatch.setattr("powertrain.io.files.LEAST", least)
    store = Checkpoints(tmp_path)
    store.save(1, arrays(), {"seconds": 1.0, "steps": 3})
    store.save(2, arrays(), {"seconds": 1.0, "steps": 3})
    for number in (1, 2):
        found = store.load(number)
        assert {name: value.tobytes() for name, value in found.arrays.items()} == {
            name: value.tobytes() for name, value in arrays().items()
        }
    sizes = {path.stat().st_size for path in (tmp_path / "checkpoints").glob("*.safetensors")}
    assert len(sizes) == 1
    assert not list((tmp_path / "checkpoints").glob(".*"))


def test_a_full_disk_leaves_the_file_of_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = Files(tmp_path)
    files.replace("a", b"before")

    def full(descriptor: int, data: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("powertrain.io.files.LEAST", 0)
    monkeypatch.setattr(direct.os, "write", full)
    whole = content(5_000_000)
    with pytest.raises(NoSpaceError, match="expected room for 5,000,000"), files.writing_once("a", len(whole)) as file:
        file.write(whole)
    assert (tmp_path / "a").read_bytes() == b"before" and [path.name for path in tmp_path.iterdir()] == ["a"]
