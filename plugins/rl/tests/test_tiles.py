"""Tile coding: which tiles an observation lies in, what one step teaches around it, and a car that learns by it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_rl.errors import MakingError
from powertrain_rl.tiles import TileCoding

CAR = """\
data.env  = { use = "rl/mountain-car", copies = 4 }
model     = { use = "rl/tile-coding", low = [-1.2, -0.07], high = [0.6, 0.07] }
strategy  = { use = "rl/q-learning", explore = 0.0 }
optimizer = { use = "sgd", lr = 0.05 }
run       = { until = "12_800 env_steps", save_seconds = 0, evaluate = { every = "2_560 env_steps", episodes = 10 } }
report    = { baseline = false }
"""


def made(**params: Any) -> TileCoding:
    return TileCoding(2, 3, TileCoding.Params(**params))


def test_an_observation_lies_in_one_tile_of_each_grid() -> None:
    """Against grids written out: the second axis is shifted three times as far as the first."""
    model, rng = made(tilings=4, tiles=5, low=(-1.0, 0.0), high=(1.0, 10.0)), np.random.default_rng(0)
    table = rng.normal(size=(4 * 36, 3)).astype(np.float32)
    model.table.weight.value = pt.tensor(table)
    x = np.float32(rng.uniform((-1, 0), (1, 10), (200, 2)))
    wanted = np.zeros((200, 3))
    for grid in range(4):
        across = np.floor((x[:, 0].astype(np.float64) + 1) / 2 * 5 + grid / 4)
        down = np.floor(x[:, 1].astype(np.float64) / 10 * 5 + 3 * grid % 4 / 4)
        wanted += table[(36 * grid + across + 6 * down).astype(int)]
    np.testing.assert_allclose(model(pt.tensor(x)).numpy(), wanted, rtol=1e-5, atol=1e-5)


def test_what_is_learned_in_one_place_counts_around_it() -> None:
    model = made(tilings=8, tiles=8)
    x = pt.tensor(np.float32([[0.5, 0.5], [0.52, 0.5], [0.7, 0.5]]))
    _, slopes = pt.nn.value_and_grad(model, lambda: pt.sum(model(x[:1])))()
    model.table.weight.value = slopes["table.weight"]  # a step of plain gradient descent, upwards
    worth = model(x).numpy()[:, 0]
    assert worth[0] == 8 and 0 < worth[1] < 8 and worth[2] == 0


def test_beyond_the_bounds_is_as_on_them() -> None:
    model = made(low=(-1.0,))
    model.table.weight.value = pt.random.normal(size=tuple(model.table.weight.shape))
    x = pt.tensor(np.float32([[-1, 1], [-3, 1e9], [1, -1], [40, -1.5]]))
    values = model(x).numpy()
    assert (values[0] == values[1]).all() and (values[2] == values[3]).all() and (values[0] != values[2]).any()


def test_what_makes_no_grid_is_refused() -> None:
    for params, said in (
        ({"low": (0.0, 0.0, 0.0)}, "[tile-coding] low has 3 values for observations of 2 numbers; expected one value, "
         "or one for each number; look at the environment's observation"),
        ({"low": (0.0, 1.0)}, "[tile-coding] low = 1.0, high = 1.0; expected low below high for each number of an "
         "observation; swap them, or widen the bounds"),
        ({"tilings": 64, "tiles": 256}, "[tile-coding] 64 tilings of 257 tiles along each of 2 axes; expected "
         "at most 1,048,576 tiles in all; lower tiles, or use a network such as rl/q-network"),
    ):  # fmt: skip
        with pytest.raises(MakingError) as caught:
            made(**params)
        assert str(caught.value) == said


def test_a_car_gets_out_of_its_valley_and_goes_on_with_the_same_bits(tmp_path: Path) -> None:
    whole = killed_and_resumed(CAR, tmp_path, after="env_step  5,120")
    assert whole["env"]["return"] > -200  # which an episode has that never gets there
    report = (tmp_path / "whole" / "report.html").read_text(encoding="utf-8")
    assert "An episode" in report and "could not be drawn" not in report


def test_a_trained_table_leaves_home(tmp_path: Path) -> None:
    (tmp_path / "car.toml").write_text(CAR, encoding="utf-8")
    powertrain("train", "car.toml", "--run", "run", "--set", "run.until=512 env_steps", folder=tmp_path)
    np.save(tmp_path / "seen.npy", np.float32([[-0.5, 0.0], [0.1, 0.02]]))
    assert '"action"' in powertrain("predict", "run", "seen.npy", "--json", folder=tmp_path)
    for form in ("c", "wheel"):
        assert "drawn inputs" in powertrain("export", "run", "--to", form, folder=tmp_path)
    written = powertrain("export", "run", "--to", "safetensors", "--out", "torch", folder=tmp_path)
    assert "drawn inputs" in written and "self.shifts" in (tmp_path / "torch/model.py").read_text(encoding="utf-8")
