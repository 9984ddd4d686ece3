"""The lock of a folder: who holds it, and when it is free."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from powertrain.io.file_lock import FileLock
from powertrain.io.files import Files


def is_free(folder: Path) -> bool:
    lock = FileLock(Files(folder))
    try:
        lock.take()
    except BlockingIOError:
        return False
    lock.let_go()
    return True


def test_it_is_free_when_all_who_hold_it_let_go(tmp_path: Path) -> None:
    lock = FileLock(Files(tmp_path))
    lock.take()
    lock.share()
    assert lock.held and not is_free(tmp_path)
    lock.let_go()
    assert lock.held and not is_free(tmp_path)
    lock.let_go()
    assert not lock.held and is_free(tmp_path)


@pytest.mark.parametrize("child_lets_go", [True, False])
def test_a_forked_process_neither_frees_nor_keeps_it(tmp_path: Path, child_lets_go: bool) -> None:
    lock = FileLock(Files(tmp_path))
    lock.take()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        if child_lets_go:
            lock.let_go()
        os.close(writing)
        os.read(reading, 1)  # until the parent is done
        os._exit(0)
    os.close(reading)
    if child_lets_go:
        os.write(writing, b"x")
        assert os.waitpid(child, 0)[1] == 0
        assert not is_free(tmp_path)
        lock.let_go()
    else:
        lock.let_go()
        assert is_free(tmp_path)
        os.write(writing, b"x")
        assert os.waitpid(child, 0)[1] == 0
    os.close(writing)
