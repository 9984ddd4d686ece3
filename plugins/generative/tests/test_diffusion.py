"""Diffusion: what the network is asked, the way back against a known answer, classes, resumes, refusals."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import Inputs, ModelError
from powertrain.plugin.testing import killed_and_resumed
from powertrain_generative.diffusion import Diffusion
from powertrain_generative.errors import GenerativeError
from powertrain_generative.unet import UNet, gathered, spread

RECIPE: dict[str, Any] = {
    "data": {"use": "digits", "split": {"valid": 0.1, "test": 0.2, "stratify": True}},
    "features": [{"use": "scale", "by": 0.0625}],
    "model": {"use": "unet", "widths": [8, 16]},
    "strategy": {"use": "diffusion", "judged": 60},
    "optimizer": {"use": "adam", "lr": 3e-3},
    "run": {"until": "3 epochs", "batch_size": 64},
}


@pytest.fixture(scope="module")
def run() -> Any:
    return pt.fit(RECIPE, verbose=False)


class Known:
    """In the place of a run: the direction that a network says of data which are normal, of deviation `wide`."""

    def __init__(self, wide: float) -> None:
        self.wide = wide

    def compute(self, function: Any, **fields: Any) -> Any:
        angle = fields["when"].reshape(-1, 1, 1) * math.pi / 2
        cos, sin = np.cos(angle), np.sin(angle)
        total = (cos * self.wide) ** 2 + sin**2
        # E[noise | x] cos - E[clean | x] sin, of x = clean cos + noise sin.
        return fields["x"] * (sin * cos - self.wide**2 * cos * sin) / total


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_the_way_back_ends_where_the_data_is(noise: float) -> None:
    """With a network that knows the answer, samples have the deviation of the data."""
    strategy = Diffusion(Diffusion.Params())
    strategy.shape, strategy.labels = (4, 4), ()
    drawn: Any = strategy.sample(Known(0.2), 300, 0, steps=200, noise=noise)  # type: ignore[arg-type]
    x = 2 * drawn - 1
    assert abs(x.mean()) < 0.02 and abs(x.std() - 0.2) < 0.01


def test_samples_follow_the_seed_and_the_label(run: Any) -> None:
    one, again = run.sample(12, seed=1, steps=5), run.sample(12, seed=1, steps=5)
    assert one.shape == (12, 8, 8) and (one == again).all() and one.min() >= 0 and one.max() <= 1
    assert (run.sample(12, seed=2, steps=5) != one).any()
    three, four = run.sample(4, label="3", steps=5), run.sample(4, label="4", steps=5)
    assert (three != four).any()
    assert (run.sample(4, label="3", steps=5, guidance=0.0) == run.sample(4, label="4", steps=5, guidance=0.0)).all()
    with pytest.raises(GenerativeError) as caught:
        run.sample(4, label="ten")
    assert str(caught.value) == (
        "[diffusion] label 'ten'; expected one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9; leave it out for samples of each class"
    )


def test_it_learns_and_is_measured(run: Any) -> None:
    (simple,) = run.results["baselines"]
    assert run.results["test"]["loss"] < 0.9 * simple["value"]
    assert run.results["test"]["frechet"] > 0 and 0 <= run.results["test"]["precision"] <= 1
    assert "frechet" not in run.results["valid"]
    # Of digits of any kind, one in ten would be the one that was asked for.
    assert 0.2 < run.results["test"]["recognised"] <= 1
    (page,) = run.run.strategy.sections(run.run)
    assert page.title == "Samples" and page.png() is not None


def test_the_average_follows_the_weights(run: Any) -> None:
    arrays = run.run.table.snapshot()
    slow, quick = (np.asarray(arrays[f"{role}.last.weight"]) for role in ("average", "model"))
    assert (slow != quick).any() and np.abs(slow - quick).max() < 0.5 * np.abs(quick).max()
    assert float(arrays["diffusion.steps"]) == run.run.progress.steps


def test_a_killed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    text = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "unet", widths = [4, 8], condition = 8 }
strategy  = { use = "diffusion", judged = 0, round_steps = 4 }
optimizer = { use = "adam", lr = 3e-3 }
run       = { until = "4 epochs", batch_size = 64, save_seconds = 0 }
"""
    killed_and_resumed(text, tmp_path, after="epoch 2/")


def test_pictures_of_another_size_are_refused() -> None:
    with pytest.raises(ModelError) as caught:
        UNet.build(UNet.Params(), Inputs("regression", (30, 28), 840))
    assert str(caught.value) == (
        "[unet] pictures of 30 x 28 for 3 widths; expected a multiple of 4 pixels each way, since each width but the "
        "first halves them; give fewer widths"
    )
    with pytest.raises(ModelError, match=r"\[unet\] 10 outputs for pictures of 64 numbers; expected as many"):
        UNet.build(UNet.Params(), Inputs("regression", (8, 8), 10))
    with pytest.raises(
        ModelError, match=r"8 x 6 for 2 widths of patches of 2; expected a multiple of 4 pixels each way"
    ):
        UNet((8, 6, 1), params=UNet.Params(widths=(4, 8), patch=2))


def test_a_patch_is_one_place_and_comes_back_as_it_was() -> None:
    x = np.arange(2 * 4 * 6 * 3, dtype="f").reshape(2, 4, 6, 3)
    places = gathered(pt.asarray(x), 2)
    assert places.shape == (2, 2, 3, 12)
    assert (places.numpy()[1, 0, 2].reshape(2, 2, 3) == x[1, 0:2, 4:6]).all()
    assert (spread(places, 2).numpy() == x).all()
    assert UNet((8, 4, 3), params=UNet.Params(widths=(4, 8), patch=2))(pt.ones((5, 8, 4, 3))).shape == (5, 96)


def test_guidance_1_is_what_the_class_says(run: Any) -> None:
    """The way that leaves out half of the work ends where the whole one does."""
    drawn = [run.sample(6, seed=1, steps=4, guidance=guidance) for guidance in (1.0, 1.0 + 1e-6, 3.0)]
    np.testing.assert_allclose(drawn[0], drawn[1], atol=1e-4)
    assert np.abs(drawn[0] - drawn[2]).max() > 0.01


def test_a_class_without_an_example_is_refused(tmp_path: Path) -> None:
    train = pt.data.ArrayDataset(x=np.zeros((6, 8, 8), "f"), y=np.zeros(6, np.int64))
    data = pt.data.DataModule("points", "classification", {"train": train}, outputs=2, labels=("cat", "dog"))
    with pytest.raises(GenerativeError) as caught:
        pt.fit({"strategy": "diffusion", "optimizer": "adam", "run": {"until": "1 epochs"}}, data=data,
               model={"use": "unet", "widths": [4, 8]}, folder=tmp_path / "a", verbose=False)  # fmt: skip
    assert str(caught.value) == (
        "[diffusion] no training example of the class dog; expected some of each, since samples are asked for by "
        "class; add some, or take the class out of the data"
    )
    assert not (tmp_path / "a" / "run.json").exists()


def test_the_condition_changes_the_answer() -> None:
    model, x = UNet((8, 8, 1), kinds=2), pt.ones((3, 8, 8))
    plain = model(x).numpy()
    assert plain.shape == (3, 64)
    assert (model(x, pt.full((3,), 0.7), pt.zeros((3,), dtype="int64")).numpy() != plain).any()
    assert (model(x, pt.zeros((3,)), pt.tensor([0, 1, 2])).numpy()[1:] != plain[1:]).any()
