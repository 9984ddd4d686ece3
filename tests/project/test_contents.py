"""Each page of the documentation is in the contents of the site: Sphinx warns of others, and a warning ends it."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def test_every_page_is_in_the_contents() -> None:
    blocks = re.findall(r":::\{toctree\}\n(.*?):::", (DOCS / "index.md").read_text(encoding="utf-8"), re.DOTALL)
    listed = {line.strip() for block in blocks for line in block.splitlines() if line and line[0] not in ":\n"}
    named = {line.partition("<")[2].rstrip(">") or line for line in listed}
    pages = {path.relative_to(DOCS).with_suffix("").as_posix() for path in DOCS.rglob("*.md")} - {"index"}
    pages = {page for page in pages if not page.startswith("api/")}  # written by the build
    lacking = [page for page in sorted(pages) if not any(Path(page).match(pattern) for pattern in named)]
    assert len(pages) > 90 and lacking == []
