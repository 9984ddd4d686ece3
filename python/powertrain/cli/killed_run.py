"""The command, killed at a line that it prints: what `powertrain.plugin.testing.killed_and_resumed` starts.

`python -m powertrain.cli.killed_run RUN AFTER ARGUMENTS...` acts as `powertrain ARGUMENTS`. It kills itself at a line
that begins with AFTER, or at a later one of its first word, as soon as the run in the folder RUN has a checkpoint.
A kill from outside may come too early on a busy machine, when there is no checkpoint to resume from, or too late, when
the run is over. Both end with the right bits, whatever the strategy forgets. With an empty AFTER nothing is killed.

Nobody looks at the report, so it has no pictures: in a short run they take most of the time.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, TextIO

from powertrain.cli import main
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.report import elements

# That a line waits for a checkpoint, which is written in a thread beside training.
WAIT_SECONDS = 2.0


class DeadlyOutput:
    """Standard output that kills the process after a line."""

    def __init__(self, stream: TextIO, after: str, run: Path) -> None:
        self._stream, self._after, self._checkpoints = stream, after, Checkpoints(run)
        self._line, self._seen, self._word = "", False, after.split()[0]

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        written = self._stream.write(text)
        *lines, self._line = (self._line + text).split("\n")
        for line in lines:
            self._seen = self._seen or line.startswith(self._after)
            # Lines of another kind may come when nothing is left to do.
            if self._seen and line.startswith(self._word) and self._saved():
                self._stream.flush()
                os.kill(os.getpid(), signal.SIGKILL)
        return written

    def _saved(self) -> bool:
        until = time.monotonic() + WAIT_SECONDS
        while not (there := any(self._checkpoints.numbers())) and time.monotonic() < until:
            time.sleep(0.005)
        return there


if __name__ == "__main__":
    run, after, *arguments = sys.argv[1:]
    elements.charts_module = lambda: None
    if after:
        stream: Any = DeadlyOutput(sys.stdout, after, Path(run))
        sys.stdout = stream
    sys.exit(main(arguments))
