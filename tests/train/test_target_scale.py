"""Targets learned on another scale: answers, metrics, baselines and the report are in the unit of the targets."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import DataError
from powertrain.data.targets import SCALES, TargetScale
from running import run


def prices(count: int = 400, seed: int = 0) -> tuple[Any, Any]:
    """Prices around 150,000 whose logarithm is linear in x."""
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 3)).astype(np.float32)
    return x, np.exp(12 + x @ np.array([0.5, -0.3, 0.2]) + 0.05 * draw.normal(size=count)).astype(np.float32)


# Which brings the bias to the mean of the logarithms, about 12.
OPTIMIZER = {"use": "adamw", "lr": 0.3, "weight_decay": 0.0, "schedule": "cosine"}


def linear() -> pt.nn.Module:
    return pt.nn.Linear(3, 1)


def trained(folder: Path, scale: str, seed: int = 0) -> Any:
    x, y = prices(seed=seed)
    return pt.fit(
        model=linear(), data=(x, y), validation=0.25, epochs=60, optimizer=OPTIMIZER, batch_size=50, verbose=False,
        folder=folder,
        target={"scale": scale, "unit": "dollars"}, metrics=["mse", "rmse", "mae", "r2"],
    )  # fmt: skip


@pytest.mark.parametrize("scale", ["log", "log1p", "standardize"])
def test_answers_and_metrics_are_in_the_unit_of_the_targets(scale: str, tmp_path: Path) -> None:
    done = trained(tmp_path / "run", scale)
    x, y = prices(200, seed=1)
    said = done.predict(x)
    assert said.unit == "dollars" and said.values.shape == (200,)
    assert np.median(said.values) == pytest.approx(np.median(y), rel=0.25)
    found = done.evaluate((x, y))
    off = said.values - y.astype(np.float64)
    assert found["mae"] == pytest.approx(np.abs(off).mean(), rel=1e-6)
    assert found["mse"] == pytest.approx(np.square(off).mean(), rel=1e-6)
    assert found["rmse"] == pytest.approx(np.sqrt(np.square(off).mean()), rel=1e-6)
    assert found["r2"] == pytest.approx(
        1 - np.square(off).sum() / np.square(y - y.mean(dtype=np.float64)).sum(), abs=1e-6
    )
    # The loss is what training lowers: the squared error on the scale that is learned.
    learned = TargetScale.restored(scale, "", done.run.dataset.target.state())
    wanted = np.square(learned.learned(said.values.astype(np.float64)) - learned.learned(y)).mean()
    assert found["loss"] == pytest.approx(wanted, rel=1e-3)
    if scale != "standardize":
        assert found["r2"] > 0.9
    assert done.units == {"mse": "dollars^2", "rmse": "dollars", "mae": "dollars"}


def test_the_baselines_are_in_the_unit_of_the_targets(tmp_path: Path) -> None:
    done = trained(tmp_path / "run", "log")
    simple = {one["name"]: one["value"] for one in done.results["baselines"]}
    parts = done.run.dataset.splits
    y, held = (part.fetch(np.arange(len(part)))["y"].astype(np.float64) for part in (parts["train"], parts["valid"]))
    assert {one["metric"] for one in done.results["baselines"]} == {"mae"}
    assert simple["dummy"] == pytest.approx(np.abs(held - y.mean()).mean(), rel=1e-5)
    # It is fitted on the scale that the model learns, where these prices are linear.
    assert simple["linear"] < simple["dummy"] / 4
    assert done.results["units"]["mae"] == "dollars"


def test_it_is_fitted_on_the_training_part_alone(tmp_path: Path) -> None:
    done = trained(tmp_path / "run", "standardize")
    parts = done.run.dataset.splits
    y = parts["train"].fetch(np.arange(len(parts["train"])))["y"].astype(np.float64)
    assert done.run.dataset.target.mean == pytest.approx(y.mean(), rel=1e-12)
    assert done.run.dataset.target.deviation == pytest.approx(y.std(), rel=1e-12)
    assert y.mean() != pytest.approx(prices()[1].mean(dtype=np.float64), rel=1e-6)


@pytest.mark.parametrize("scale", ["log", "log1p"])
def test_logarithms_are_standardized(scale: str) -> None:
    """A network learns numbers around 0: log(y) of prices is around 12."""
    _, y = prices()
    made = TargetScale.fit(scale, "dollars", pt.data.ArrayDataset(x=y, y=y))
    learned = made.learned(y)
    assert abs(learned.mean()) < 1e-5 and learned.std() == pytest.approx(1, abs=1e-5)
    np.testing.assert_allclose(made.original(learned), y, rtol=1e-5)
    again = TargetScale.restored(scale, "dollars", made.state())
    np.testing.assert_array_equal(again.original(learned), made.original(learned))


def test_a_network_learns_prices_with_the_usual_rate() -> None:
    x, y = prices()
    pt.random.seed(0)
    done = pt.fit(
        model={"use": "mlp", "hidden": [64]}, data=(x, y), validation=0.25, epochs=30, lr=3e-3, batch_size=64,
        target={"scale": "log", "unit": "euros"}, verbose=False,
    )  # fmt: skip
    assert done.evaluate("valid")["r2"] > 0.8
    headline = {one["name"]: one for one in done.results["baselines"]}
    assert headline["dummy"]["metric"] == "mae" and headline["linear"]["value"] < headline["dummy"]["value"]
    assert done.results["valid"]["mae"] < headline["dummy"]["value"] / 2


@pytest.fixture
def of_version_0_1(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run whose model has learned log(y) itself, with nothing of the scale in its checkpoint."""
    with monkeypatch.context() as patch:
        patch.setattr(TargetScale, "fit", lambda name, unit, train: TargetScale(name, unit))
        patch.setattr(TargetScale, "state", lambda self: {})
        return trained(tmp_path / "run", "log")


def test_runs_of_version_0_1_answer_are_measured_and_go_on(of_version_0_1: Any) -> None:
    x, y = prices(50, seed=2)
    folder, before = of_version_0_1.folder, of_version_0_1.predict(x)
    assert pt.load(folder, model=linear()).predict(x).values == pytest.approx(before.values)
    opened = pt.load(folder, model=linear(), data=prices())
    assert opened.evaluate((x, y)) == of_version_0_1.evaluate((x, y))
    more = pt.fit(
        model=linear(), data=prices(), validation=0.25, epochs=61, optimizer=OPTIMIZER, batch_size=50, verbose=False,
        folder=folder, resume=True, target={"scale": "log", "unit": "dollars"}, metrics=["mse", "rmse", "mae", "r2"],
    )  # fmt: skip
    assert more.finished and more.evaluate((x, y))["r2"] > 0.9


@pytest.mark.parametrize("scale", ["log", "standardize"])
def test_a_run_that_was_moved_answers_in_the_unit(scale: str, tmp_path: Path) -> None:
    done = trained(tmp_path / "run", scale)
    x, y = prices(50, seed=2)
    before, scores = done.predict(x), done.evaluate((x, y))
    shutil.move(tmp_path / "run", tmp_path / "moved")
    opened = pt.load(tmp_path / "moved", model=linear())
    np.testing.assert_array_equal(opened.predict(x), before)
    assert opened.evaluate((x, y)) == scores and opened.predict(x).unit == "dollars"


def test_a_resumed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    settings: dict[str, Any] = {
        "data": prices(), "validation": 0.25, "batch_size": 50, "lr": 0.05, "verbose": False,
        "target": {"scale": "standardize"},
    }  # fmt: skip
    pt.random.seed(3)
    whole = pt.fit(model=linear(), epochs=4, folder=tmp_path / "whole", **settings)
    pt.random.seed(3)
    pt.fit(model=linear(), epochs=2, folder=tmp_path / "parts", **settings)
    pt.random.seed(3)
    parts = pt.fit(model=linear(), epochs=4, folder=tmp_path / "parts", resume=True, **settings)
    assert parts.results["hash"] == whole.results["hash"]


RECIPE = """
data      = { use = "arrays", path = "prices.npz", split = { valid = 0.25 } }
target    = { scale = "log", unit = "dollars" }
model     = "linear"
optimizer = { use = "adamw", lr = 0.3 }
run       = { until = "40 epochs", batch_size = 50 }
evaluate  = { metrics = ["mae", "r2"] }
"""


def test_the_command_says_the_unit(tmp_path: Path) -> None:
    x, y = prices()
    np.savez(tmp_path / "prices.npz", x=x, y=y)
    (tmp_path / "prices.toml").write_text(RECIPE, encoding="utf-8")
    said = run(["train", "prices.toml", "--run", "run"], tmp_path).stdout
    assert " dollars" in said
    shown = run(["evaluate", "run"], tmp_path).stdout.splitlines()
    assert shown[0].startswith("valid ") and " dollars  r2 0." in shown[0]
    found = json.loads(run(["evaluate", "run", "--json"], tmp_path).stdout)
    assert found["units"] == {"mae": "dollars"} and found["valid"]["mae"] > 1000
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "The loss is that of (log(y) - mean) / deviation, which is learned; all else is in dollars." in page
    np.save(tmp_path / "x.npy", x[:2])
    rows = [json.loads(line) for line in run(["predict", "run", "x.npy", "--json"], tmp_path).stdout.splitlines()]
    assert rows[0]["unit"] == "dollars" and rows[0]["value"] == pytest.approx(float(y[0]), rel=0.5)
    assert run(["predict", "run", "x.npy"], tmp_path).stdout.splitlines()[0].endswith(" dollars")


def test_a_unit_alone_changes_no_number(tmp_path: Path) -> None:
    x, y = prices()
    settings: dict[str, Any] = {"data": (x, np.log(y)), "validation": 0.25, "epochs": 2, "verbose": False}
    pt.random.seed(0)
    plain = pt.fit(model=linear(), **settings)
    pt.random.seed(0)
    named = pt.fit(model=linear(), target={"unit": "log dollars"}, **settings)
    assert named.evaluate() == plain.evaluate() and named.results["hash"] == plain.results["hash"]
    assert named.units["mae"] == "log dollars" and plain.units == {}


@pytest.mark.parametrize("name", SCALES)
@pytest.mark.parametrize("shape", [(6,), (6, 2), (6, 2, 3)])
def test_the_way_back_is_the_inverse(name: str, shape: tuple[int, ...]) -> None:
    y = np.random.default_rng(0).uniform(1, 9, shape).astype(np.float32)
    scale = TargetScale.fit(name, "", pt.data.ArrayDataset(x=y, y=y))
    np.testing.assert_allclose(scale.original(scale.learned(y)), y, rtol=2e-6)
    # A model gives the outputs of an example in a row.
    flat = scale.original(scale.learned(y).reshape(6, -1))
    np.testing.assert_allclose(flat, y.reshape(6, -1), rtol=2e-6)


def test_a_target_that_never_varies_is_learned_as_zero() -> None:
    y = np.full(5, 7.0, np.float32)
    scale = TargetScale.fit("standardize", "", pt.data.ArrayDataset(x=y, y=y))
    assert scale.learned(y).tolist() == [0.0] * 5 and scale.original(np.zeros(2)).tolist() == [7.0, 7.0]


@pytest.mark.parametrize(
    ("scale", "value", "fix"),
    [
        ("log", 0.0, 'take scale = "log1p", which takes 0, or leave the row out'),
        ("log", -2.0, 'take scale = "standardize", or leave the row out'),
        ("log1p", -1.0, 'take scale = "standardize", or leave the row out'),
    ],
)
def test_targets_without_a_logarithm_are_refused(scale: str, value: float, fix: str) -> None:
    x, y = prices(8)
    y[5] = value
    with pytest.raises(DataError) as caught:
        pt.fit(model=linear(), data=(x, y), epochs=1, verbose=False, target={"scale": scale})
    least = 0 if scale == "log" else -1
    assert str(caught.value) == (
        f"[target of train] {value:g} in row 5 for the scale {scale}; expected targets above {least}; {fix}"
    )


def test_classes_have_no_scale() -> None:
    with pytest.raises(DataError) as caught:
        pt.fit("digits", epochs=1, verbose=False, target={"scale": "log"})
    assert str(caught.value) == (
        "[target] scale = 'log', unit = '' for a classification task; expected targets that are numbers; leave the "
        "section target out"
    )


def test_a_stream_is_learned_on_the_scale_too() -> None:
    x, y = prices()

    class Sales(pt.data.IterableDataset):
        def __iter__(self) -> Any:
            return ({"x": one, "y": price} for one, price in zip(x, y, strict=True))

    run_ = pt.fit(
        model=linear(), data=Sales(), validation=(x, y), steps=400, optimizer=OPTIMIZER, batch_size=50, verbose=False,
        target={"scale": "log"}, report={"baseline": False},
    )  # fmt: skip
    assert run_.evaluate("valid")["r2"] > 0.9


def test_a_damaged_scale_is_an_error() -> None:
    one, zero = np.array(1.0), np.array(0.0)
    for state in ({}, {"mean": np.array(np.nan), "deviation": one}, {"mean": np.zeros(2), "deviation": np.ones(3)},
                  {"mean": zero, "deviation": zero}):  # fmt: skip
        with pytest.raises(DataError, match=r"^\[target\] a mean"):
            TargetScale.restored("standardize", "", state)
