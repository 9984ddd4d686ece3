"""Short runs of a recipe that a test writes, and captioned pictures for them."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np

from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.evaluate.review import open_run
from powertrain.train.session import train

COLOURS = {"red": (255, 0, 0), "green": (0, 255, 0), "blue": (0, 0, 255), "yellow": (255, 255, 0), "grey": (128,) * 3}
PLACES = ("left", "right", "top", "bottom")


def go(folder: Path, text: str, name: str, *settings: str) -> dict[str, Any]:
    """The results of a recipe, trained in `folder/name`."""
    (folder / "recipe.toml").write_text(text)
    recipe = load_recipe(str(folder / "recipe.toml"), settings)
    return train(recipe, folder / name, display=Display(quiet=True)).results


def open_data(folder: Path) -> Any:
    """A finished run with its data."""
    return open_run(folder, data=True).run


def draw_boxes(folder: Path, times: int = 8) -> Path:
    """Boxes of some colour at some place, as their captions say."""
    from PIL import Image

    noise = np.random.default_rng(0)
    for number, colour, place in itertools.product(range(times), COLOURS, PLACES):
        picture = np.full((32, 32, 3), 255, np.uint8)
        rows = {"top": slice(2, 12), "bottom": slice(20, 30)}.get(place, slice(11, 21))
        columns = {"left": slice(2, 12), "right": slice(20, 30)}.get(place, slice(11, 21))
        picture[rows, columns] = COLOURS[colour]
        file = folder / "boxes" / str(number) / f"{colour}-{place}.png"
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.clip(picture + noise.normal(0, 8, picture.shape), 0, 255).astype(np.uint8)).save(file)
        file.with_suffix(".txt").write_text(f"A {colour} box, {place}.\nUna caja.\n", encoding="utf-8")
    return folder
