"""Forecasts: windows that meet no value of another part, the seasonal naive forecast, errors by hand, a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.data import DataError, DataModule
from powertrain.plugin import Inputs, ModelError
from powertrain.plugin.testing import killed_and_resumed
from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.evaluate.review import open_run
from powertrain.train.session import train
from powertrain_tabular.forecast import Forecast, SeriesWindows, measures, season_error
from powertrain_tabular.seasonal import SeasonalMLP
from powertrain_tabular.series import Demand, Series, SeriesParams, TimeSplit, windows_of

RECIPE = """\
data.use    = "series"
data.path   = "waves.csv"
data.column = "height"
data.past   = 24
data.ahead  = 6
data.season = 12
data.split  = { valid = 0.2, test = 0.2 }
features  = ["standardize"]
target    = { scale = "standardize", unit = "m" }
model     = "linear"
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "40 epochs", batch_size = 32, save_seconds = 0 }
"""
WAVES = Path(Series.examples_folder) / "waves.csv"


def made(values: Any, **settings: Any) -> DataModule:
    return windows_of("numbers", np.asarray(values, np.float64), SeriesParams(**settings), "numbers")


def go(folder: Path, text: str = RECIPE) -> Any:
    (folder / "waves.csv").write_bytes(WAVES.read_bytes())
    (folder / "waves.toml").write_text(text)
    return train(load_recipe(str(folder / "waves.toml")), folder / "run", display=Display(quiet=True)).results


def test_each_value_is_forecast_in_one_part_alone() -> None:
    split = TimeSplit(valid=0.2, test=0.3)
    data = made(np.arange(40), past=4, ahead=3, season=5, split=split)
    rows = {part: source.fetch(np.arange(len(source))) for part, source in data.splits.items()}
    first = rows["train"]
    assert first["x"][0].tolist() == [1, 2, 3, 4] and first["y"][0].tolist() == [5, 6, 7]
    spans = {part: (int(one["y"].min()), int(one["y"].max())) for part, one in rows.items()}
    assert spans == {"train": (5, 19), "valid": (20, 27), "test": (28, 39)}
    assert all((one["x"][:, -1] + 1 == one["y"][:, 0]).all() for one in rows.values())
    assert data.outputs == 3 and data.inputs().shape == (4,)


def test_the_naive_forecast_is_one_season_back() -> None:
    windows = SeriesWindows(np.arange(30, dtype=np.float32), 10, 5, past=4, ahead=6, season=4)
    assert windows.naive([0, 1]).tolist() == [[6, 7, 8, 9, 6, 7], [7, 8, 9, 10, 7, 8]]
    assert season_error(np.array([1.0, 5, 2, 8]), 2) == 2.0
    found = measures(np.array([1.0, 4]), np.array([2.0, 2]))
    assert found == {"mae": 1.5, "rmse": pytest.approx(np.sqrt(2.5)), "mape": 0.75}


def test_the_baselines_and_pages_are_of_the_judged_part(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    found = go(tmp_path)
    values = np.genfromtxt(WAVES, delimiter=",", skip_header=1)[:, 1]
    part = values[-48:]
    naive = np.array([[values[192 + at + step - 12] for step in range(6)] for at in range(43)])
    came = np.array([part[at : at + 6] for at in range(43)])
    wanted = float(np.abs(naive - came).mean())
    baselines = {one["metric"]: one["value"] for one in found["baselines"] if one["name"] == "seasonal naive"}
    assert baselines["mae"] == pytest.approx(wanted, rel=1e-5)
    assert found["test"]["mae"] < 0.6 * wanted
    report = (tmp_path / "run" / "report.html").read_text()
    assert "MASE" in report and "Error by steps ahead" in report and "Forecasts" in report


def test_a_trained_run_forecasts_the_end_of_a_file(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    go(tmp_path)
    (tmp_path / "waves.csv").unlink()  # a trained run needs its data no more
    run = open_run(tmp_path / "run")
    (tmp_path / "next.csv").write_bytes(WAVES.read_bytes())
    (said,) = run.predict(tmp_path / "next.csv")
    values = np.genfromtxt(WAVES, delimiter=",", skip_header=1)[:, 1]
    (same,) = run.predict(values[None, -24:].astype(np.float32))
    assert said["forecast"] == same["forecast"] and len(said["forecast"]) == 6
    assert abs(said["forecast"][0] - values[-12]) < 1  # in the unit of the file
    (tmp_path / "short.csv").write_text("height\n1\n2\n")
    with pytest.raises(DataError, match=r"2 values of height; expected the 24 before the forecast"):
        run.predict(tmp_path / "short.csv")


def test_a_seasonal_network_begins_as_the_naive_forecast() -> None:
    windows = SeriesWindows(np.random.default_rng(0).normal(size=60).astype(np.float32), 20, 9, 20, 7, season=5)
    model = SeasonalMLP.build(SeasonalMLP.Params(season=5, hidden=(4,)), Inputs("forecast", (20,), 7))
    rows = np.arange(9)
    np.testing.assert_allclose(np.asarray(model(windows.fetch(rows)["x"])), windows.naive(rows), atol=0.05)
    with pytest.raises(ModelError, match=r"windows of 5 values for a season of 5; expected longer ones"):
        SeasonalMLP.build(SeasonalMLP.Params(season=5), Inputs("forecast", (5,), 7))


@pytest.mark.parametrize("model", ["linear", "seasonal"])
def test_a_kill_changes_nothing(tmp_path: Path, model: str) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is not installed")
    (tmp_path / "waves.csv").write_bytes(WAVES.read_bytes())
    text = RECIPE.replace("40 epochs", "12 epochs")
    if model == "seasonal":
        text = text.replace('"linear"', '{ use = "seasonal-mlp", season = 12, hidden = [16], dropout = 0.1 }')
        text = text.replace('["standardize"]', '[{ use = "standardize", per_feature = false }]')
    killed_and_resumed(text, tmp_path)


@pytest.mark.parametrize(
    "values, settings, said",
    [
        (np.arange(9), {}, r"4 values of train; expected at least 8 for one window; take a longer series"),
        (np.arange(30), {"split": TimeSplit(test=0.05)}, r"2 values of test; expected at least 3 for one window"),
        ([*range(20), np.nan, *range(20)], {}, r"no number in row 21; expected one in each row"),
    ],
)
def test_series_that_cannot_be_cut_are_refused(values: Any, settings: dict[str, Any], said: str) -> None:
    with pytest.raises(DataError, match=said):
        made(values, past=4, ahead=3, season=5, **{"split": TimeSplit(test=0.55), **settings})


def test_targets_of_another_form_are_refused() -> None:
    data = made(np.arange(40), past=4, ahead=3)
    with pytest.raises(DataError, match=r"targets float32\[3\] and outputs = 5; expected a number for each step"):
        Forecast().check(DataModule("numbers", "forecast", data.splits, 5))
    with pytest.raises(ValueError, match="expected less than 1 together"):
        TimeSplit(valid=0.5, test=0.5)


def test_the_demand_is_found_or_told_how_to_get(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"\[demand\].*powertrain_tabular.fetch"):
        Demand.build(Demand.Params(path=tmp_path), Path())
