"""The blocks of code in Markdown pages, and what a comment before a block says of it.

<!-- setup              code that readers need not see, run before the next block
x = 3
-->
<!-- not run: reason -->  the next block does not run
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_PART = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^(?P=indent)```$"
    r"|<!-- setup\n(?P<setup>.*?)-->|<!-- not run: (?P<reason>.*?) -->",
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A block: its language, the line of its first line of code, its code, and why it does not run."""

    language: str
    line: int
    code: str
    reason: str = ""


def pages() -> list[Path]:
    """README.md and the pages that are written by hand."""
    found = [path for path in (ROOT / "docs").rglob("*.md") if path.relative_to(ROOT / "docs").parts[0] != "api"]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(found)]


def blocks(text: str) -> Iterator[Block]:
    """The blocks of a page; code of a setup is a block of Python."""
    reason = ""
    for part in _PART.finditer(text):
        line = text.count("\n", 0, part.start()) + 2
        if part["reason"] is not None:
            reason = " ".join(part["reason"].split())
        elif part["setup"] is not None:
            yield Block("python", line, part["setup"])
        else:
            yield Block(part["language"], line, part["code"], reason)
            reason = ""
