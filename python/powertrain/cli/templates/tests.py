"""The plugins of this distribution keep what their protocols promise, and a recipe with them trains."""

from __future__ import annotations

from pathlib import Path

from powertrain.plugin.testing import powertrain

HERE = Path(__file__).parent.parent
NAME = "the-distribution"
(RECIPE,) = [*HERE.glob("example.toml"), *HERE.glob("src/*/*.toml")]


def test_every_plugin_passes_the_check(tmp_path: Path) -> None:
    powertrain("plugins", "check", NAME, folder=tmp_path)


def test_the_recipe_trains(tmp_path: Path) -> None:
    powertrain("train", str(RECIPE), "--smoke", "--run", "run", folder=tmp_path)
