"""`powertrain serve` as a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST_LINES = 10_000  # of which those of requests are kept


class Process:
    """A server of its own, and the lines that it logs."""

    def __init__(self, *options: str, **variables: str) -> None:
        command = [sys.executable, "-m", "powertrain", "serve", "--port", "0", *options]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, **variables})
        self.lines: list[dict[str, Any]] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        port = self.wait_for("listening")["port"]
        self.address = f"http://127.0.0.1:{port}"
        self.wait_for("loaded")

    def _read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if said["event"] != "request" or len(self.lines) < MOST_LINES:
                    self.lines.append(said)

    def wait_for(self, event: str, count: int = 1, seconds: float = 60) -> dict[str, Any]:
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            found = [line for line in self.lines if line["event"] == event]
            if len(found) >= count:
                return found[-1]
            assert self.process.poll() is None or not self._reader.is_alive(), self.lines
            time.sleep(0.02)
        raise AssertionError(f"no {event} in {self.lines}")

    def end(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        code = self.process.wait(60)
        self.close()
        return code

    def close(self) -> None:
        self._reader.join(10)
        assert self.process.stderr is not None
        self.process.stderr.close()

    def bytes(self) -> int:
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def process(*options: str, **variables: str) -> Iterator[Process]:
    made = Process(*options, **variables)
    try:
        yield made
    finally:
        if made.process.poll() is None:
            made.process.kill()
            made.process.wait(10)
        made.close()
