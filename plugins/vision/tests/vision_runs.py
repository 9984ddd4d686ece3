"""Short runs of a recipe that a test writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.evaluate.review import open_run
from powertrain.train.session import train


def go(folder: Path, text: str, name: str, *settings: str) -> dict[str, Any]:
    """The results of a recipe, trained in `folder/name`."""
    (folder / "recipe.toml").write_text(text)
    recipe = load_recipe(str(folder / "recipe.toml"), settings)
    return train(recipe, folder / name, display=Display(quiet=True)).results


def open_data(folder: Path) -> Any:
    """A finished run with its data."""
    return open_run(folder, data=True).run
