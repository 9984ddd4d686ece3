"""The page of the scripts in examples/: what each shows, and its text."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from website.docstrings import parse, prose

EXAMPLES = Path(__file__).parents[2] / "examples"
HEAD = """# Examples

Complete scripts to copy. They are in the folder `examples/` of the source, and run as tests.
"""


def examples_page(folder: Path = EXAMPLES) -> str:
    """Return the page: scripts of the folder itself first, then those of its folders."""
    scripts = sorted(folder.rglob("*.py"), key=lambda path: (len(path.relative_to(folder).parts), path))
    return "\n".join([HEAD, *(line for path in scripts for line in _script(path, folder))])


def _script(path: Path, folder: Path) -> Iterator[str]:
    name = path.relative_to(folder).as_posix()
    text = path.read_text(encoding="utf-8").rstrip()
    said = parse(ast.get_docstring(ast.parse(text)))
    fence = "`" * 4  # a docstring may hold three
    yield from (f"## {name}", "")
    for paragraph in said.paragraphs[:1]:
        yield from (prose(paragraph), "")
    yield from (f"{fence}python", text, fence, "")
