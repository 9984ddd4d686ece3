"""The files that a page of docs/ shows: a path in backquotes at the start of a line, some words, then the file."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
_FILE = re.compile(r"^`(?P<path>[\w/.]+)`[^`\n]*\n\n```\w+\n(?P<text>.*?)^```$", re.DOTALL | re.MULTILINE)


def files_of_page(name: str) -> dict[str, str]:
    """Return the files of a page by their paths."""
    page = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    return {match["path"]: match["text"] for match in _FILE.finditer(page)}
