"""One call of the command in this process, and what is wrong with how it ended."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import sys
import tempfile
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

from fuzz_children import Children

MEMORY = 6 << 30  # of addresses: more is a mistake of the size, and must become a MemoryError


@dataclass
class Verdict:
    """The exit code, the first line of what was said, and what is wrong."""

    code: int | None
    told: str
    wrong: list[str] = field(default_factory=list)


def examine(attacks: ModuleType, what: str, first: int, count: int) -> list[str]:
    """What is wrong with so many attacks that a module makes in children, each in words with its number."""
    command = [sys.executable, str(attacks.__file__)]
    answers = list(Children().answers(command, range(first, first + count), POWERTRAIN_THREADS="1"))
    assert [answer.seed for answer in answers] == list(range(first, first + count))
    return [f"{what} {answer.seed}: {'; '.join(answer.wrong)}" for answer in answers if answer.wrong]


@contextlib.contextmanager
def in_a_folder() -> Iterator[Path]:
    """An empty folder, as the current one, with little memory."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    before = Path.cwd()
    with tempfile.TemporaryDirectory() as name:
        os.chdir(name)
        try:
            yield Path(name)
        finally:
            os.chdir(before)


def examine_command(arguments: Sequence[str]) -> Verdict:
    """Call `powertrain ARGUMENTS`, with a limit on memory."""
    from powertrain.cli import main

    said, printed = io.StringIO(), io.StringIO()
    code: int | None = None
    with contextlib.redirect_stderr(said), contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        try:
            code = main(list(arguments))
        except SystemExit as error:
            code = error.code if isinstance(error.code, int) else -1
    return judge(code, said.getvalue(), printed.getvalue())


def judge(code: int | None, said: str, printed: str) -> Verdict:
    lines = [line for line in said.splitlines() if line.strip()]
    verdict = Verdict(code, lines[-1][:200] if lines else "")
    if code not in (0, 1, 2):
        verdict.wrong.append(f"exit code {code}")
    if "Traceback (most recent call last)" in said:
        verdict.wrong.append(f"a traceback: {' | '.join(line.strip() for line in lines[-6:])}"[:800])
    hidden = sorted({sign for sign in said + printed if not sign.isprintable() and sign not in "\n\t"})
    if hidden:
        verdict.wrong.append(f"characters that do not print: {hidden}")
    if code == 2 and not any(line.startswith("[") for line in lines):
        verdict.wrong.append(f"no message that says where: {verdict.told}")
    return verdict
