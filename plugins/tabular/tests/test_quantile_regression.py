"""Quantile regression: quantiles of noise that is known, scores by hand, refusals, a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.data import DataError
from powertrain.plugin.testing import killed_and_resumed
from powertrain.recipe import RecipeError, load_recipe
from powertrain.train.display.display import Display
from powertrain.train.evaluate.review import open_run
from powertrain.train.session import train
from powertrain_tabular.quantile_page import pinball

RECIPE = """\
data      = { use = "arrays", path = "rows.npz", split = { valid = 0.1, test = 0.4 } }
model     = { use = "mlp", hidden = [16] }
strategy  = { use = "quantiles", levels = [0.1, 0.5, 0.9] }
optimizer = { use = "adamw", lr = 1e-2, schedule = "cosine" }
run       = { until = "30 epochs", batch_size = 64, save_seconds = 0 }
"""


def rows(folder: Path) -> None:
    """Amounts whose spread grows with x, from 1 to 3."""
    draw = np.random.default_rng(0)
    x = draw.uniform(-1, 1, (3000, 1)).astype(np.float32)
    y = np.exp(2 * x[:, 0] + (2 + x[:, 0]) * draw.normal(size=3000) / 4)
    np.savez(folder / "rows.npz", x=x, y=y.astype(np.float32))


def go(folder: Path, text: str, *settings: str) -> Any:
    (folder / "quantiles.toml").write_text(text)
    recipe = load_recipe(str(folder / "quantiles.toml"), settings)
    return train(recipe, folder / "run", display=Display(quiet=True)).results


@pytest.mark.parametrize("scale", ["none", "log"])
def test_it_finds_the_quantiles_of_noise(tmp_path: Path, scale: str) -> None:
    rows(tmp_path)
    found = go(tmp_path, RECIPE, f'target.scale="{scale}"')
    assert found["test"]["coverage"] == pytest.approx(0.8, abs=0.05)
    run = open_run(tmp_path / "run")
    x = np.array([[-0.5], [0.5]], np.float32)
    said = run.predict(x).outputs
    assert (np.diff(said, axis=1) > 0).all()
    spread = (2 + x[:, 0]) / 4 * 1.2816  # of the logarithm, at the level 0.9
    wanted = np.exp(2 * x + spread[:, None] * [-1, 0, 1])
    assert np.abs(np.log(said / wanted)).max() < 0.25


def test_scores_are_in_the_unit_of_the_targets(tmp_path: Path) -> None:
    rows(tmp_path)
    found = go(tmp_path, RECIPE, 'target.scale="log"', 'target.unit="dollars"', "run.until=5 epochs")["test"]
    made = open_run(tmp_path / "run", data=True).run
    fields = made.dataset.splits["test"].fetch(np.arange(1200))
    said = open_run(tmp_path / "run").predict(fields["x"]).outputs
    y = fields["y"].astype(np.float64)
    assert found["coverage"] == pytest.approx(np.mean((y >= said[:, 0]) & (y <= said[:, 2])))
    assert found["width"] == pytest.approx(np.mean(said[:, 2] - said[:, 0]), rel=1e-5)
    assert found["pinball"] == pytest.approx(pinball(said, y, (0.1, 0.5, 0.9)), rel=1e-5)
    assert pinball(np.array([[1.0, 4.0]]), np.array([2.0]), (0.25, 0.5)) == pytest.approx((0.25 + 1.0) / 2)
    report = (tmp_path / "run" / "report.html").read_text()
    assert "lie between the levels 0.1 and 0.9" in report and "targets below it" in report


def test_a_kill_changes_nothing(tmp_path: Path) -> None:
    rows(tmp_path)
    killed_and_resumed(RECIPE.replace("30 epochs", "12 epochs"), tmp_path)


def test_levels_out_of_order_and_several_numbers_are_refused(tmp_path: Path) -> None:
    rows(tmp_path)
    for levels in ("[0.9, 0.1]", "[0.5]", "[0.5, 0.5]"):
        with pytest.raises(RecipeError, match=r"expected at least two, in rising order"):
            go(tmp_path, RECIPE.replace("[0.1, 0.5, 0.9]", levels))
    with pytest.raises(RecipeError, match=r"levels"):
        go(tmp_path, RECIPE.replace("[0.1, 0.5, 0.9]", "[0.1, 1.0]"))
    np.savez(tmp_path / "rows.npz", x=np.ones((40, 1), np.float32), y=np.ones((40, 2), np.float32))
    with pytest.raises(DataError, match=r"\[quantiles\] 2 numbers for each example; expected one"):
        go(tmp_path, RECIPE)
