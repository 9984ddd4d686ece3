"""Run a command that takes minutes: show how far it is, and print its output only if it fails.

`show_progress.py [--quiet] WHAT COMMAND...`, for example `show_progress.py "building the engine" cmake --build build`.
Progress goes to stderr: on a terminal as one line that is rewritten, in a log as a line every ten seconds. It shows the
time, and Ninja's `[n/m]` where the output of the command has it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import threading
import time
from typing import IO

SECONDS_IN_A_LOG = 10.0
SECONDS_ON_A_TERMINAL = 0.5
STEP = re.compile(r"\s*\[(\d+/\d+)\] ")  # as Ninja writes it, and as pip indents it
ERASE_LINE = "\r\x1b[K"


class Output:
    """What a command writes: the step that it is at, and every line that is not a finished step."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self.step = ""
        self.lines: list[str] = []

    def read(self) -> None:
        for line in self._stream:
            found = STEP.match(line)
            if found:
                self.step = found[1]
            else:
                self.lines.append(line)


def duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    return f"{minutes} min {seconds:02} s" if minutes else f"{seconds} s"


def run(what: str, command: list[str], *, quiet: bool = False) -> int:
    """The exit code of the command."""
    log, started = sys.stderr, time.monotonic()
    on_terminal = log.isatty()

    def say(state: str, *, last: bool) -> None:
        if not quiet:
            before, after = (ERASE_LINE, "\n" if last else "") if on_terminal else ("", "\n")
            print(f"{before}[make] {what}{state}", end=after, file=log, flush=True)

    say("", last=False)
    with subprocess.Popen(
        command, text=True, errors="replace", stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as process:
        assert process.stdout is not None
        output = Output(process.stdout)
        reader = threading.Thread(target=output.read)
        reader.start()
        while reader.is_alive():
            reader.join(SECONDS_ON_A_TERMINAL if on_terminal else SECONDS_IN_A_LOG)
            if reader.is_alive():
                step = f" [{output.step}]" if output.step else ""
                say(f"{step}, {duration(time.monotonic() - started)}", last=False)
    code = process.returncode
    took = duration(time.monotonic() - started)
    say(f": failed after {took}" if code else f": done in {took}", last=True)
    if code:
        log.writelines(output.lines)
    return code if code >= 0 else 128 - code


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quiet", action="store_true", help="say nothing unless the command fails")
    parser.add_argument("what", help="what is being done, in words")
    parser.add_argument("command", nargs=argparse.REMAINDER)
    options = parser.parse_args()
    try:
        return run(options.what, options.command, quiet=options.quiet)
    except KeyboardInterrupt:  # which the command has received too
        return 130


if __name__ == "__main__":
    sys.exit(main())
