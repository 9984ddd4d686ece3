"""Flows: the change of volume against the Jacobian, densities that add up to one, samples, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import Inputs, ModelError
from powertrain.plugin.testing import killed_and_resumed
from powertrain_generative.coupling import RealNVP
from powertrain_generative.errors import GenerativeError

RECIPE: dict[str, Any] = {
    "data": {"use": "digits", "split": {"valid": 0.1, "test": 0.2, "stratify": True}},
    "features": [{"use": "scale", "by": 0.0625}],
    "model": {"use": "real-nvp", "layers": 4, "hidden": [64]},
    "strategy": {"use": "flow", "levels": 17},
    "optimizer": {"use": "adamw", "lr": 2e-3},
    "run": {"until": "5 epochs", "batch_size": 64},
}


def trained_like(size: int) -> Any:
    """A model whose every weight matters."""
    pt.random.seed(0)
    model = RealNVP(size, RealNVP.Params(layers=4, hidden=(16,)))
    for _, slot in model.named_slots():
        slot.value = slot.value + 0.3 * pt.random.normal(size=tuple(slot.value.shape))
    return model


def test_the_change_of_volume_is_that_of_the_jacobian() -> None:
    model, x = trained_like(4), np.random.default_rng(0).normal(size=(6, 4)).astype("f")
    found = model(pt.asarray(x)).numpy()
    for row, said in zip(x, found, strict=True):
        step = 1e-2
        moved = [model(pt.asarray(np.stack([row + step * one, row - step * one]).astype("f"))).numpy()[:, :4]
                 for one in np.eye(4)]  # fmt: skip
        jacobian = np.stack([(up - down) / (2 * step) for up, down in moved], axis=1)
        assert said[4] == pytest.approx(np.linalg.slogdet(jacobian)[1], abs=2e-2)


def test_it_can_be_undone() -> None:
    model, x = trained_like(5), np.random.default_rng(0).normal(size=(6, 5)).astype("f")
    np.testing.assert_allclose(model.invert(model(pt.asarray(x))[:, :5]).numpy(), x, atol=2e-4)


@pytest.fixture(scope="module")
def moons() -> Any:
    """Two numbers on a bent line; what any flow should learn better than one normal distribution does."""
    draw = np.random.default_rng(0)
    a = draw.uniform(-2, 2, 3000)
    x = np.stack([a, a * a - 1 + 0.1 * draw.normal(size=3000)], axis=1).astype("f")
    return pt.fit(
        model={"use": "real-nvp", "layers": 8, "hidden": [64]}, data=(x, x[:, :1]), strategy="flow", epochs=30,
        optimizer={"use": "adam", "lr": 2e-3, "schedule": "cosine"}, batch_size=100, validation=0.1, verbose=False,
    )  # fmt: skip


def test_a_density_adds_up_to_one_and_is_that_of_the_data(moons: Any) -> None:
    side = np.linspace(-6, 6, 400)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2).astype("f")
    density = np.exp(moons.predict(grid).outputs.astype(np.float64))
    assert density.sum() * (side[1] - side[0]) ** 2 == pytest.approx(1, abs=0.03)
    (normal,) = moons.results["baselines"]
    # The entropy of what was drawn: log 4 of the line, and that of the noise around it.
    entropy = np.log(4) + 0.5 * np.log(2 * np.pi * np.e * 0.01)
    assert entropy - 0.05 < moons.results["valid"]["loss"] < entropy + 0.5 < normal["value"]


def test_samples_lie_where_the_data_does(moons: Any) -> None:
    drawn = moons.sample(2000, seed=1)
    assert drawn.shape == (2000, 2) and (drawn == moons.sample(2000, seed=1)).all()
    off = np.abs(drawn[:, 1] - drawn[:, 0] ** 2 + 1)
    assert np.median(off) < 0.3


def test_bits_of_levels_fall_and_samples_are_levels() -> None:
    run = pt.fit(RECIPE, verbose=False)
    assert 0 < run.results["test"]["loss"] < np.log2(17)
    drawn = run.sample(5)
    assert drawn.shape == (5, 8, 8)
    np.testing.assert_allclose(drawn * 16, np.rint(drawn * 16), atol=1e-5)


def test_a_killed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    text = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "real-nvp", layers = 2, hidden = [32] }
strategy  = { use = "flow", levels = 17 }
optimizer = { use = "adam", lr = 2e-3 }
run       = { until = "8 epochs", batch_size = 64, save_seconds = 0 }
"""
    killed_and_resumed(text, tmp_path, after="epoch 3/")


def test_models_that_cannot_be_undone_are_refused() -> None:
    with pytest.raises(GenerativeError) as caught:
        pt.fit({**RECIPE, "model": "mlp"}, verbose=False)
    assert str(caught.value) == ('[flow] the model MLP has no invert; expected an invertible model; model = "real-nvp"')
    with pytest.raises(ModelError, match=r"\[real-nvp\] 10 outputs for 6 numbers; expected one more than these"):
        RealNVP.build(RealNVP.Params(), Inputs("regression", (6,), 10))
    with pytest.raises(ModelError, match=r"\[real-nvp\] rows of 1 numbers; expected 2 or more"):
        RealNVP(1)
