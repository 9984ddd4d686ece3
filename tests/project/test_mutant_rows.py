"""`make mutants` plants a fault in place of a text. It is there, or a change of its line has lost the row."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def test_every_fault_to_plant_changes_a_line_that_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(ROOT / "tools"), *sys.path])
    import mutants
    import mutants_elsewhere

    names = [*sorted(path.stem for path in (ROOT / "tests" / "cases").glob("*.py")), *mutants_elsewhere.PARTS]
    rows = [mutant for name in names for mutant in mutants.mutants_of(name)]
    lost = [
        f"{row.part}: {row.file} has no {row.text!r}"
        for row in rows
        if row.text not in (ROOT / row.file).read_text(encoding="utf-8")
    ]
    assert not lost, "\n".join(lost)
    assert len(rows) > 500
    assert all((ROOT / path).exists() for row in rows for path in row.tests if path.startswith("tests/"))
