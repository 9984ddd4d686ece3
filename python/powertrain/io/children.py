"""Processes of our own, which a parent tells by lines of JSON what to do: how they start, answer and end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from powertrain.io.channel import Channel
from powertrain.io.printable import printable

LONGEST_REASON = 500


def command(module: str) -> list[str]:
    """What starts the `main` of a module of ours; without the working directory in the path, in which a random.py may
    lie."""
    clean = "import sys; sys.path[:] = [path for path in sys.path if path]"
    return [sys.executable, "-c", f"{clean}; from {module} import main; main()"]


def parents_channel() -> Channel:
    """The parent's end of standard input and output, in a child. What plugins print goes to standard error, not between
    the answers, and who asks for input meets its end."""
    channel = Channel(os.dup(0), os.dup(1))
    empty, end = os.pipe()
    os.dup2(empty, 0)
    os.dup2(2, 1)
    os.close(empty)
    os.close(end)
    return channel


def failed(reason: str) -> dict[str, str]:
    """What a child answers where it could not do its job."""
    return {"failed": printable(reason, keep="\n")[:LONGEST_REASON]}


def how_it_ended(process: subprocess.Popen[bytes]) -> str:
    """How a child ended, in words; waits for its end."""
    code = process.wait()
    if code >= 0:
        return f"its process ended with exit code {code}"
    name = signal.Signals(-code).name
    return f"its process was ended by {name}" + (", as where memory runs out" if name == "SIGKILL" else "")
