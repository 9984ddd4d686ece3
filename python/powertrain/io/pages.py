"""The pages of the documentation that are in the wheel: `powertrain help` prints them, reports quote them."""

from __future__ import annotations

from pathlib import Path

# The wheel holds the Markdown files of docs/ here.
PAGES = Path(__file__).parents[1] / "pages"
IDEAS = "ideas/"


def pages() -> dict[str, Path]:
    """Return the pages by their names; the README.md of a folder has the name of the folder."""
    found = {path.relative_to(PAGES).with_suffix("").as_posix().removesuffix("/README"): path
             for path in PAGES.rglob("*.md")}  # fmt: skip
    return dict(sorted(found.items()))


def page_text(page: Path) -> str:
    """Return a page as it is written."""
    return page.read_text(encoding="utf-8").rstrip()


def title_of(page: Path) -> str:
    """Return the heading of a page."""
    return page_text(page).partition("\n")[0].removeprefix("# ")
