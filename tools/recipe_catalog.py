"""Write python/powertrain/recipe/catalog.json: what the first-party recipes say of themselves."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

from powertrain.recipe.catalog import describe

ROOT = Path(__file__).parent.parent
FILE = ROOT / "python" / "powertrain" / "recipe" / "catalog.json"


def rows() -> list[dict[str, Any]]:
    """One for each recipe that an entry point of ours names."""
    found = []
    for project in [ROOT / "pyproject.toml", *sorted(ROOT.glob("plugins/*/pyproject.toml"))]:
        read = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
        for name, target in sorted(read.get("entry-points", {}).get("powertrain.v1.recipe", {}).items()):
            package = target.partition(":")[0].replace(".", "/")
            source = project.parent / ("python" if read["name"] == "powertrain" else "src")
            text = (source / package / f"{name}.toml").read_text(encoding="utf-8")
            found.append({"name": name, "distribution": read["name"], **describe(text, tomllib.loads(text))})
    return found


def text() -> str:
    """The file."""
    return json.dumps(rows(), indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    FILE.write_text(text(), encoding="utf-8")
