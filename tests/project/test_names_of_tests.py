"""Files of tests have names of their own: pytest imports those that lie in no package by name alone."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_two_files_of_tests_have_one_name() -> None:
    files = [*(ROOT / "tests").rglob("test_*.py"), *ROOT.glob("plugins/*/tests/**/test_*.py")]
    alone = Counter(path.name for path in files if not (path.parent / "__init__.py").exists())
    assert len(alone) > 400 and [name for name, count in alone.items() if count > 1] == []
