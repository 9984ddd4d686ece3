"""A place in a document of the site, where a benchmark writes what it found."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def parts(document: Path, place: str) -> tuple[str, str, str]:
    """A document up to a place, what stands there, and the rest. A place is what is between two comments."""
    first, final = f"<!-- begin: {place} -->", f"<!-- end: {place} -->"
    before, begin, rest = document.read_text(encoding="utf-8").partition(first)
    old, end, after = rest.partition(final)
    if not (begin and end):
        raise ValueError(f"[page] received {document} without the lines {first} and {final}; expected both; add them")
    return before + first, old, final + after


def replace(document: Path, place: str, change: Callable[[str], str]) -> None:
    """Change what stands in a document at a place."""
    before, old, after = parts(document, place)
    document.write_text(f"{before}\n\n{change(old)}\n\n{after}", encoding="utf-8")
