"""Checks of recipes: files that can be read, without mistakes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from powertrain.conformance.finding import Finding, Subject


def check_recipe(subject: Subject) -> Iterator[Finding]:
    from powertrain.recipe import load_recipe

    if not isinstance(subject.plugin, (str, Path)):
        yield subject.finding(
            "recipe",
            f"it is a {type(subject.plugin).__name__}",
            "the path of a TOML file",
            'write it = Path(__file__).with_name("it.toml")',
        )
        return
    try:
        load_recipe(str(subject.plugin))
    except Exception as error:
        yield subject.finding(
            "recipe", f"it cannot be read: {str(error).splitlines()[0]}", "a recipe without mistakes", "fix the file"
        )
