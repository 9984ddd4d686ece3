"""`make mutants` plants a fault in place of a text. It is there, or a change of its line has lost the row."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import mutants

ROOT = Path(__file__).parents[2]

TESTS = ("tests/ops/test_ops.py", "-k", "[exp]")
NOT_SLOW = ("tests/laws/test_laws.py", "-m", "not slow", "-x")


def test_every_fault_to_plant_changes_a_line_that_is_there() -> None:
    rows = [mutant for name in mutants.all_names() for mutant in mutants.mutants_of(name)]
    lost = [
        f"{row.part}: {row.file} has no {row.text!r}"
        for row in rows
        if row.text not in (ROOT / row.file).read_text(encoding="utf-8")
    ]
    assert not lost, "\n".join(lost)
    assert len(rows) > 500
    assert all((ROOT / path).exists() for row in rows for path in row.tests if path.startswith("tests/"))


def test_the_command_finds_the_case_files_by_itself() -> None:
    """Without the paths that pytest adds: that is how `make mutants OP=softsign` begins."""
    code = "import mutants; print(len(list(mutants.mutants_of('softsign'))), len(list(mutants.mutants_of('rows'))))"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT / "tools", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert all(int(count) > 0 for count in done.stdout.split())


@pytest.mark.parametrize(
    ("tests", "has_peers", "words"),
    [
        (TESTS, True, TESTS),
        (TESTS, False, (*TESTS, "-m", "not peers")),
        (NOT_SLOW, False, ("tests/laws/test_laws.py", "-m", "(not slow) and not peers", "-x")),
    ],
)
def test_without_pytorch_the_tests_that_need_it_are_left_out(
    tests: tuple[str, ...], has_peers: bool, words: tuple[str, ...]
) -> None:
    assert mutants.words_of(tests, has_peers) == words


@pytest.mark.parametrize(
    ("code", "has_peers", "outcome"),
    [(0, True, "SURVIVED"), (1, True, "killed"), (5, True, "SURVIVED"), (5, False, "skipped"), (0, False, "SURVIVED")],
)
def test_what_becomes_of_a_fault(monkeypatch: pytest.MonkeyPatch, code: int, has_peers: bool, outcome: str) -> None:
    """5: pytest has selected no test."""

    class Worker:
        def pytest(self, *words: str, seconds: float) -> SimpleNamespace:
            return SimpleNamespace(returncode=code)

    monkeypatch.setattr(mutants, "HAS_PEERS", has_peers)
    row = mutants.Mutant("exp", "cpp/ops/exp/math.h", "x", "y", TESTS)
    worker: Any = Worker()
    assert mutants.tested(worker, row) == outcome


def test_a_name_that_is_neither_an_op_nor_a_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["mutants.py", "softsing"])
    with pytest.raises(SystemExit, match=r"softsing'; expected an op with a case file .* complex matrices"):
        mutants.main()
