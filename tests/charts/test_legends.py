"""Legends say where they are: matplotlib warns of the usual place, "best", where finding it takes over a second."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_legend_says_where_it_is() -> None:
    calls = re.compile(r"\.legend\((?![^)]*\bloc=)")
    files = [*(ROOT / "python").rglob("*.py"), *(ROOT / "plugins").glob("*/src/**/*.py")]
    found = [str(file) for file in files if calls.search(file.read_text(encoding="utf-8"))]
    assert len(files) > 500 and found == []
