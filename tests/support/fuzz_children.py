"""Seeds examined in processes of their own: what kills a process or raises costs one seed, which is named.

A child answers with a line for each of its seeds, in order. When it ends before its last, it died of the next one, and
another child goes on behind that.
"""

from __future__ import annotations

import contextlib
import faulthandler
import json
import os
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

# No graph takes a minute; a machine may stand still for some.
SECONDS = 900


@dataclass(frozen=True)
class Answer:
    """What a child found of one seed: its digest, if it came so far, and what is wrong."""

    seed: int
    digest: str | None
    wrong: tuple[str, ...]


def serve(
    seeds: Sequence[int], examine: Callable[[int], tuple[str | None, Sequence[str]]], seconds: float = SECONDS
) -> None:
    """In the child: the answers on stdout; where the interpreter stood when it died or hung on stderr."""
    faulthandler.enable()
    for seed in seeds:
        faulthandler.dump_traceback_later(seconds, exit=True)
        try:
            digest, wrong = examine(seed)
        except Exception as error:
            last = traceback.extract_tb(error.__traceback__)[-1]
            told = " ".join(str(error).split())
            digest, wrong = None, [f"{type(error).__name__} in {Path(last.filename).name}:{last.lineno}: {told}"]
        print(json.dumps([seed, digest, list(wrong)]), flush=True)
    faulthandler.cancel_dump_traceback_later()


class Children:
    """Starts children, and ends those that are there when the work is given up."""

    def __init__(self) -> None:
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def answers(self, command: Sequence[str], seeds: range, **environment: str) -> Iterator[Answer]:
        """One for each seed. The command is followed by the first seed and their number."""
        while seeds and not self._stopped:
            count = 0
            with tempfile.TemporaryFile("w+") as errors:
                with self._start([*command, str(seeds.start), str(len(seeds))], errors.fileno(), environment) as child:
                    assert child.stdout is not None  # it is a pipe
                    for line in child.stdout:
                        seed, digest, wrong = json.loads(line)
                        count += 1
                        yield Answer(seed, digest, tuple(wrong))
                self._running.discard(child)
                errors.seek(0)
                told = errors.read()
            seeds = seeds[count:]
            if seeds and not self._stopped:
                yield Answer(seeds.start, None, (f"the process ended with {ending(child.returncode)}: {shown(told)}",))
                seeds = seeds[1:]

    def stop(self) -> None:
        self._stopped = True
        for child in list(self._running):
            child.kill()

    def _start(self, command: Sequence[str], errors: int, environment: dict[str, str]) -> subprocess.Popen[str]:
        tests = Path(__file__).parents[1]
        paths = [str(tests), str(tests / "support"), *filter(None, [os.environ.get("PYTHONPATH")])]
        child = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths), **environment},
            start_new_session=True,  # an interrupt is the parent's, which then ends them
        )
        self._running.add(child)
        return child


def ending(status: int) -> str:
    if status < 0:
        with contextlib.suppress(ValueError):
            return signal.Signals(-status).name
    return f"status {status}"


def shown(told: str, lines: int = 6) -> str:
    """What a child said last, in a line: faulthandler puts the innermost frame first."""
    at = max(told.rfind("Fatal Python error"), told.rfind("Timeout ("), 0)
    return " | ".join([line.strip() for line in told[at:].splitlines() if line.strip()][:lines]) or "it said nothing"


def has_isa(name: str) -> bool:
    """Whether this build holds the instruction set and this processor has it."""
    code = "import powertrain; powertrain.isa()"
    environment = {**os.environ, "POWERTRAIN_ISA": name}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, check=False)
    return done.returncode == 0
