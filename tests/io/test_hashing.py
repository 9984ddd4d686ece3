"""A file that threads hash in chunks has the hash of its definition, whoever computes it and in which parts."""

from __future__ import annotations

import hashlib
import os
import threading
from pathlib import Path

import numpy as np
import pytest

from powertrain.io import hashing
from powertrain.io.hashing import CHUNK_BYTES, ChunkedHash, hash_file
from powertrain.io.read_at import read_at

SIZES = (0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES + 17)


def defined(content: bytes) -> str:
    """The hash of the hashes of the chunks."""
    chunks = [content[at : at + CHUNK_BYTES] for at in range(0, len(content), CHUNK_BYTES)]
    return hashlib.sha256(b"".join(hashlib.sha256(chunk).digest() for chunk in chunks)).hexdigest()


def read(path: Path) -> str:
    with path.open("rb") as file:
        return hash_file(file)


@pytest.fixture(params=[1, 2, 4, 64])
def processors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: request.param)


@pytest.mark.parametrize("size", SIZES)
def test_any_number_of_threads_finds_what_is_defined(size: int, tmp_path: Path, processors: None) -> None:
    content = np.random.default_rng(size).bytes(size)
    (tmp_path / "file").write_bytes(content)
    assert read(tmp_path / "file") == defined(content)


def test_pieces_of_any_size_make_the_same() -> None:
    noise = np.random.default_rng(0)
    content = noise.bytes(2 * CHUNK_BYTES + 99)
    for most in (1 << 10, CHUNK_BYTES // 3, CHUNK_BYTES, 3 * CHUNK_BYTES):
        hashed, rest = ChunkedHash(), memoryview(content)
        while len(rest):
            size = int(noise.integers(0, most)) if most > 1 << 10 else CHUNK_BYTES // 16
            hashed.update(rest[:size])
            rest = rest[size:]
        assert hashed.hexdigest() == defined(content)


def test_the_place_in_the_file_is_nobodys_business(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"abc" * 1000)
    with (tmp_path / "file").open("rb") as file:
        file.seek(500)
        assert hash_file(file) == defined(b"abc" * 1000)
        assert file.tell() == 500


def test_where_there_are_no_more_threads_one_does_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    content = np.random.default_rng(1).bytes(2 * CHUNK_BYTES)
    (tmp_path / "file").write_bytes(content)
    monkeypatch.setattr(threading.Thread, "start", fail)
    assert read(tmp_path / "file") == defined(content)


@pytest.mark.parametrize("wrong", [OSError(5, "Input/output error"), KeyboardInterrupt()])
def test_what_stops_one_thread_is_told(wrong: BaseException, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(handle: int, into: memoryview, start: int) -> int:
        if start == 2 * CHUNK_BYTES:
            raise wrong
        return read_at(handle, into, start)

    (tmp_path / "file").write_bytes(bytes(4 * CHUNK_BYTES))
    monkeypatch.setattr(hashing, "read_at", fails)
    with pytest.raises(type(wrong)):
        read(tmp_path / "file")


def test_a_file_that_becomes_shorter_has_another_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(handle: int, into: memoryview, start: int) -> int:
        os.truncate(tmp_path / "file", CHUNK_BYTES)
        return read_at(handle, into, start)

    content = np.random.default_rng(2).bytes(2 * CHUNK_BYTES)
    (tmp_path / "file").write_bytes(content)
    monkeypatch.setattr(hashing, "read_at", cut)
    assert read(tmp_path / "file") != defined(content)
