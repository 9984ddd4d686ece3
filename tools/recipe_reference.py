"""Write docs/recipes/reference.md from the table of keys."""

from __future__ import annotations

from pathlib import Path

from powertrain.recipe.reference import page

FILE = Path(__file__).parent.parent / "docs" / "recipes" / "reference.md"

if __name__ == "__main__":
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(page(), encoding="utf-8")
