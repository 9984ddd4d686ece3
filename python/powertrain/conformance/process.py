"""Runs a task about a plugin in a process of its own, and says how that process ended."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import IO, Any

from powertrain.conformance.processor import Watched
from powertrain.plugin.importing import VARIABLE

SECONDS = 60.0
NEVER = "86400"  # seconds by the clock after which an import is stopped from inside: it is watched from here
MOST_PRINTED = 1 << 20
KEPT = 1 << 14


@dataclass(frozen=True)
class Ended:
    """How it ended: `fine` with an answer, or `hang`, `prints`, `crash`, `exit` with words that say more."""

    how: str
    answer: Any = None
    words: str = ""


def run_apart(request: dict[str, Any], module: str, seconds: float = SECONDS, **environment: str) -> Ended:
    """One request about a module to a new child process, which is killed when it takes or prints too much.

    `seconds` are of processor time (`Watched`), also while a plugin is imported."""
    reading, writing = os.pipe()
    request = {"path": sys.path, "answer": writing, **request}
    child = subprocess.Popen(
        [sys.executable, "-m", "powertrain.conformance.child"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        pass_fds=[writing],
        env={
            VARIABLE: NEVER,
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            **environment,
        },
        start_new_session=True,  # so that what it starts dies with it
    )
    os.close(writing)
    assert child.stdin is not None and child.stdout is not None
    printed = _Reader(child.stdout, MOST_PRINTED, child)
    answer = _Reader(os.fdopen(reading, "rb"), 1 << 24, child)
    with contextlib.suppress(BrokenPipeError):
        child.stdin.write(json.dumps(request, allow_nan=False).encode())
        child.stdin.close()
    watched = Watched(child.pid, seconds)
    try:
        while (code := _code(child, watched.pause)) is None:
            if words := watched.hangs():
                return Ended("hang", words=words)
    finally:
        _kill(child)
        printed.join()
        answer.join()
    if printed.too_much:
        return Ended("prints", words=f"it printed more than {MOST_PRINTED >> 20} MiB")
    try:
        return Ended("fine", json.loads(answer.kept))
    except ValueError:
        return _without_answer(code, printed.kept.decode("utf-8", "replace"), module)


def _code(child: subprocess.Popen[bytes], seconds: float) -> int | None:
    """How a child ended, within so many seconds."""
    try:
        return child.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        return None


def _without_answer(code: int, printed: str, module: str) -> Ended:
    if code < 0:
        # The innermost line of the plugin's own, of those that faulthandler wrote down.
        found = re.search(
            rf'File "[^"]*?({re.escape(module)}(?:/[^"]+)?\.py|{re.escape(module)}/[^"]+)", line (\d+)', printed
        )
        line = f" at {found[1].rpartition('/')[2]}:{found[2]}" if found else ""
        return Ended("crash", words=f"it crashed with {signal.Signals(-code).name}{line}")
    last = printed.strip().splitlines()[-1:] or [""]
    return Ended("exit", words=f"it ended its process with code {code} {last[0][:200]}".strip())


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


class _Reader:
    """Reads a pipe to its end and keeps the beginning; one that never ends has its writer killed."""

    def __init__(self, stream: IO[bytes], most: int, child: subprocess.Popen[bytes]) -> None:
        self.kept, self.too_much = b"", False
        self._stream, self._most, self._child = stream, most, child
        self._limit = KEPT if most == MOST_PRINTED else most
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        total = 0
        with self._stream:
            while part := self._stream.read1(1 << 16):  # type: ignore[attr-defined]
                total += len(part)
                self.kept += part[: max(0, self._limit - len(self.kept))]
                if total > self._most and not self.too_much:
                    self.too_much = True
                    self._child.kill()

    def join(self) -> None:
        self._thread.join(timeout=10)
