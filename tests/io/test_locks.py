"""Locks of modules: which there are, and what a child process finds."""

from __future__ import annotations

import ast
import os
import threading
from pathlib import Path

import pytest

from powertrain.io.locks import ModuleLock
from powertrain.nn import modes
from powertrain.nn.generation import decoders

SOURCES = Path(__file__).parents[2]
KINDS = {"Lock", "RLock", "Condition", "Semaphore"}


def test_no_module_has_a_lock_that_a_fork_leaves_taken() -> None:
    files = [*SOURCES.glob("python/powertrain/**/*.py"), *SOURCES.glob("plugins/*/src/**/*.py")]
    assert len(files) > 300
    found = [
        f"{path.relative_to(SOURCES)}:{line.lineno}"
        for path in files
        for line in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(line, (ast.Assign, ast.AnnAssign)) and isinstance(line.value, ast.Call)
        if isinstance(line.value.func, ast.Attribute) and line.value.func.attr in KINDS
    ]
    assert not found


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork on this system")
@pytest.mark.parametrize("lock", [modes._lock, decoders._keeping, ModuleLock(threading.RLock)])
def test_what_another_thread_held_at_a_fork_is_free_in_the_child(lock: ModuleLock) -> None:
    held, forked = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            forked.wait(60)

    other = threading.Thread(target=hold)
    other.start()
    assert held.wait(60)
    child = os.fork()
    if child == 0:
        got = threading.Event()

        def take() -> None:
            with lock:
                got.set()

        threading.Thread(target=take, daemon=True).start()
        os._exit(0 if got.wait(20) else 1)
    forked.set()
    other.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
