"""The page of what a recipe may name: the plugins that come with the engine, and the recipes of this project."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from powertrain.plugin.listing import details
from powertrain.plugin.protocols import GROUPS
from powertrain.plugin.registry import ENGINE, registry
from powertrain.recipe.catalog import Entry, catalog
from website.docstrings import cell, prose

HEAD = """# Plugins and recipes

What a recipe can name. `powertrain plugins show NAME` prints the same for every plugin that is installed, also those of
other packages. `powertrain recipes show NAME` prints the text of a recipe.

## Recipes

| Recipe | What it teaches | Expected | Seconds | Package |
| --- | --- | --- | --- | --- |
"""


def plugins_page() -> str:
    """Return the page."""
    recipes = "\n".join(_recipe(entry) for entry in catalog(registry()) if entry.distribution.startswith(ENGINE))
    return "\n".join([HEAD + recipes, "", *(line for group in GROUPS for line in _group(group))])


def _recipe(entry: Entry) -> str:
    seconds = "" if entry.seconds is None else f"{entry.seconds:g}"
    cells = (f"`{entry.name}`", cell(entry.teaches), cell(entry.figure), seconds, f"`{entry.distribution}`")
    return f"| {' | '.join(cells)} |"


def _group(group: str) -> Iterator[str]:
    found = [plugin for plugin in registry().plugins(group) if plugin.distribution == ENGINE]
    if not found or group == "recipe":
        return
    yield from (f"## {group.capitalize()} plugins", "")
    for plugin in found:
        yield from _plugin(details(f"{group}:{plugin.full_name}")[0])


def _plugin(told: dict[str, Any]) -> Iterator[str]:
    yield from (f"### {told['name']}", "")
    if told["doc"]:
        yield from (prose(told["doc"]), "")
    if told["parameters"]:
        yield from ("| Parameter | Meaning | Expected | Default |", "| --- | --- | --- | --- |")
        for row in told["parameters"]:
            default = "required" if row["required"] else f"`{row['default']}`".replace("|", "\\|")
            yield f"| `{row['name']}` | {cell(row['doc'])} | {cell(row['expected'])} | {default} |"
        yield ""
