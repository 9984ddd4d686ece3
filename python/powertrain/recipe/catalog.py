"""The recipes that there are: those that are installed, and those of first-party distributions that are not. What
`catalog.json` says of the latter is made from their files by `tools/recipe_catalog.py`."""

from __future__ import annotations

import importlib.util
import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from powertrain.io.inputs import read_file
from powertrain.plugin.registry import ENGINE, Plugin, Registry
from powertrain.plugin.tables import flat

MEASURES = {"accuracy": "classification", "perplexity": "language", "mse": "regression", "r2": "regression",
            "mae": "regression", "return": "control"}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A recipe in a list. `figure` and `seconds` are what it expects of itself."""

    name: str
    distribution: str
    version: str = ""  # empty where it is not installed
    teaches: str = ""
    task: str = ""
    data: str = ""
    model: str = ""
    figure: str = ""
    seconds: float | None = None

    @property
    def install(self) -> str:
        """The command that it needs first; empty where it is installed."""
        return "" if self.version else f"pip install {self.distribution}"

    def line(self) -> str:
        """`digits   classification of digits by cnn, test.accuracy >= 0.985, 60 s: Handwritten digits ...`"""
        by = f" by {self.model}" if self.model else ""
        words = [f"{self.task} of {self.data}{by}" if self.task else f"{self.data}{by}", self.figure]
        words += [f"{self.seconds:g} s"] if self.seconds is not None else []
        said = ", ".join(word for word in words if word)
        missing = f" ({self.install})" if self.install else ""
        told = said or f"{self.distribution} {self.version}"
        return f"{self.name:<24} {told}{f': {self.teaches}' if self.teaches else ''}{missing}"


def describe(text: str, tables: dict[str, Any]) -> dict[str, Any]:
    """What a recipe says of itself: its first comment, its data, its model, what it expects."""
    comment = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        comment.append(line.lstrip("# "))
    sentence = " ".join(comment).partition(". ")[0].rstrip(".")
    asked = tables.get("expect")
    expect = flat(asked) if isinstance(asked, dict) else {}
    figure = next((name for name in expect if name != "seconds"), "")
    limit = str(expect.get(figure, ""))
    measure = figure.rpartition(".")[2]
    return {
        "teaches": sentence,
        "task": MEASURES.get(measure, ""),
        "data": _use(tables.get("data")) or _of_role(tables.get("data"), "train", "env"),
        "model": _use(tables.get("model")),
        "figure": f"{figure} {limit}".strip(),
        "seconds": float(expect["seconds"]) if isinstance(expect.get("seconds"), (int, float)) else None,
    }


def _use(section: Any) -> str:
    if isinstance(section, str):
        return section
    found = section.get("use", "") if isinstance(section, dict) else ""
    return found if isinstance(found, str) else ""


def _of_role(section: Any, *roles: str) -> str:
    """What the first of some roles uses."""
    found = [_use(section.get(role)) for role in roles] if isinstance(section, dict) else []
    return next((name for name in found if name), "")


def catalog(plugins: Registry) -> list[Entry]:
    """Every recipe, the engine's first. Nothing of a distribution is imported: of a stranger's the file is read, if it
    lies where its name says."""
    raw = json.loads(read_file(Path(__file__).with_name("catalog.json")))
    names = {field.name for field in fields(Entry)}
    known = {(row["distribution"], row["name"]): {key: row[key] for key in row if key in names} for row in raw}
    found = {}
    for plugin in plugins.plugins("recipe"):
        row = known.pop((plugin.distribution, plugin.name), None) or {
            "name": plugin.name,
            "distribution": plugin.distribution,
            **_of_file(plugin),
        }
        found[plugin.distribution, plugin.name] = Entry(**{**row, "version": plugin.version})
    missing = [Entry(**row) for row in known.values()]
    order = sorted(
        [*found.values(), *missing], key=lambda one: (one.distribution != ENGINE, one.distribution, one.name)
    )
    return order


def _of_file(plugin: Plugin) -> dict[str, Any]:
    """What a recipe says of itself in NAME.toml beside the module of its entry point; empty without such a file."""
    from powertrain.recipe.source import RecipeError, read

    top, *below = plugin.target.partition(":")[0].strip().split(".")
    try:
        spec = importlib.util.find_spec(top)  # of a name without points, which imports nothing
    except (ImportError, ValueError):
        return {}
    places = list(spec.submodule_search_locations or ()) if spec else []
    for folder in (Path(place, *below[:-1]) for place in places):
        file = folder / f"{plugin.name}.toml"
        if file.is_file():
            try:
                source = read(file)
                return describe(source.text, source.tables)
            except RecipeError:
                return {}
    return {}


def as_json(entries: list[Entry]) -> list[dict[str, Any]]:
    return [{**asdict(one), "install": one.install} for one in entries]


def text_of(name: str, plugins: Registry) -> str:
    """The text of a recipe, given by name or path."""
    from powertrain.recipe.source import find, read

    return read(Path(find(name, plugins))).text
