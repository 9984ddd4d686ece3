"""Few labelled pictures and many without labels: what the views are, and that they help."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vision_runs import go

import powertrain as pt
from powertrain.data import DataError
from powertrain.plugin.semi_supervised import LabelError
from powertrain.plugin.testing import killed_and_resumed
from powertrain.train.folder.ledger import read_history
from powertrain.train.run.step import Step
from powertrain_vision.errors import VisionError
from powertrain_vision.views import ViewParams, strong, weak

# Digits with five labels of each class: 50 are labelled, 1,387 are not.
FEW = """\
data      = { use = "digits", split = { test = 0.2, labelled = 5, stratify = true } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "cnn", channels = [16, 32] }
optimizer = { use = "adamw", lr = 3e-3, weight_decay = 0.05 }
run       = { until = "400 steps", batch_size = 25, evaluate = { every = "50 steps" }, save_seconds = 0 }
report    = { baseline = false, worst = 0 }
"""
FIXMATCH = 'strategy  = { use = "fixmatch", ratio = 4, sure = 0.9, keep = 0.95, flip = false, erase = 0.3 }\n'
MIXMATCH = 'strategy  = { use = "mixmatch", flip = false, keep = 0.95, ramp = 200, share = 10.0 }\n'


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> float:
    """Accuracy of supervised learning on the few labels alone."""
    accuracy: float = go(tmp_path_factory.mktemp("alone"), FEW, "alone")["test"]["accuracy"]
    return accuracy


def views(x: np.ndarray, view: Any, **params: Any) -> np.ndarray:
    pt.random.seed(3)
    return np.asarray(view(Step(), pt.tensor(x), ViewParams(**params)).numpy())


def pictures(shape: tuple[int, ...], count: int = 40) -> np.ndarray:
    return np.random.default_rng(0).normal(size=(count, *shape)).astype(np.float32)


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 3)])
def test_a_weak_view_is_the_picture_moved_by_whole_pixels_and_mirrored_beyond_its_edges(shape: tuple[int, ...]) -> None:
    x = pictures(shape)
    made = views(x, weak, shift=0.2).reshape(x.shape)
    around = [(0, 0), (2, 2), (2, 2), *[(0, 0)] * (x.ndim - 3)]
    larger, flipped = (np.pad(one, around, mode="symmetric") for one in (x, x[:, :, ::-1]))
    seen = set()
    for row in range(len(x)):
        found = [
            (is_flipped, down, right)
            for is_flipped, source in enumerate((larger, flipped))
            for down in range(5)
            for right in range(5)
            if (source[row, down : down + 12, right : right + 10] == made[row]).all()
        ]
        assert len(found) == 1
        seen.add(found[0])
    assert len(seen) > 15 and {one[0] for one in seen} == {0, 1}
    assert (views(x, weak, shift=0.0, flip=False).reshape(x.shape) == x).all()


def test_a_turned_view_is_the_picture_turned() -> None:
    """A quarter turn, which reads whole pixels, and of a picture that is no square half a turn."""
    still = {"flip": False, "shift": 0.0, "zoom": 0.0, "shear": 0.0, "contrast": 0.0, "light": 0.0, "erase": 0.0}
    x = np.repeat(pictures((9, 9), 1), 400, axis=0)
    made = views(x, strong, turn=180.0, **still)[..., 0]
    apart = np.stack([np.abs(made - np.rot90(x, times, axes=(1, 2))).max(axis=(1, 2)) for times in range(4)])
    assert (apart.min(axis=1) < 0.3).all() and (apart.min(axis=0) > 1).any()


def test_a_cropped_view_is_a_part_of_the_picture_stretched() -> None:
    """Pixels that say where they are tell the part. It lies inside, has an area from the least to the whole, and a form
    that is not far from a square."""
    still = {"flip": False, "shift": 0.0, "turn": 0.0, "zoom": 0.0, "shear": 0.0, "contrast": 0.0, "light": 0.0}
    high, wide = 31, 21
    places = np.meshgrid((2 * np.arange(high) + 1) / high - 1, (2 * np.arange(wide) + 1) / wide - 1, indexing="ij")
    x = np.repeat(np.stack(places, axis=-1)[None].astype("f"), 600, axis=0)
    made = views(x, strong, erase=0.0, crop=0.25, **still).astype(np.float64)
    sides = np.stack([made[:, 16, 10, 0] - made[:, 14, 10, 0], made[:, 15, 11, 1] - made[:, 15, 9, 1]]) / 4
    sides *= [[high], [wide]]  # shares of the picture's height and width
    assert (sides <= 1 + 1e-4).all() and (np.abs(made[:, 15, 10].T) <= 1 - sides + 1e-4).all()
    area, form = sides.prod(axis=0), sides[1] / sides[0]
    assert 0.25 - 1e-4 <= area.min() < 0.3 and 0.95 < area.max() <= 1 + 1e-4
    assert 3 / 4 - 1e-4 <= form.min() < 0.78 and 1.28 < form.max() <= 4 / 3 + 1e-4
    assert np.abs(made[:, 15, 10].mean(axis=0)).max() < 0.05 and np.abs(made[:, 15, 10]).max() > 0.4
    np.testing.assert_allclose(views(x, strong, erase=0.0, crop=1.0, **still), x, atol=1e-6)


def test_a_strong_view_changes_contrast_and_light_and_erases_a_square() -> None:
    x = pictures((16, 16), 200)
    still = {"flip": False, "shift": 0.0, "turn": 0.0, "zoom": 0.0, "shear": 0.0}
    made = views(x, strong, erase=0.0, contrast=0.5, light=0.25, **still)[..., 0]
    factor = made.std(axis=(1, 2)) / x.std(axis=(1, 2))
    moved = (made.mean(axis=(1, 2)) - x.mean(axis=(1, 2))) / x.std(axis=(1, 2))
    assert 0.5 <= factor.min() < 0.6 and 1.4 < factor.max() <= 1.5001
    assert 0.2 < np.abs(moved).max() <= 0.2501
    erased = views(x, strong, erase=0.5, contrast=0.0, light=0.0, **still)[..., 0]
    changed = (np.abs(erased - x) > 1e-5).sum(axis=(1, 2))
    assert changed.max() == 64 and changed.min() >= 12  # a quarter of the picture, less where it lies over the edge


def test_fixmatch_uses_what_is_not_labelled(tmp_path: Path, alone: float) -> None:
    found = go(tmp_path, FEW + FIXMATCH, "fixmatch")["test"]["accuracy"]
    assert found > alone + 0.02
    history = [line["values"] for line in read_history(tmp_path / "fixmatch") if line["event"] == "metrics"]
    assert history[-1]["train.sure"] > history[0]["train.sure"] and history[-1]["train.right"] > 0.9


def test_mixmatch_uses_what_is_not_labelled(tmp_path: Path, alone: float) -> None:
    assert go(tmp_path, FEW + MIXMATCH, "mixmatch")["test"]["accuracy"] > alone + 0.02


@pytest.mark.parametrize(("strategy", "curves"), [(FIXMATCH, ("right", "sure")), (MIXMATCH, ("apart",))])
def test_killed_and_resumed_it_ends_with_the_same_bits(tmp_path: Path, strategy: str, curves: tuple[str, ...]) -> None:
    text = (FEW + strategy).replace("400 steps", "60 steps").replace("50 steps", "10 steps")
    text = text.replace('match"', 'match", round_steps = 5')
    killed_and_resumed(text, tmp_path, after="step 20/")
    report = (tmp_path / "whole" / "report.html").read_text()
    assert "curves of loss, " in report and all(curve in report for curve in curves)


def test_data_that_it_cannot_learn_from_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    def refused(kind: type[Exception], text: str) -> str:
        with pytest.raises(kind) as caught:
            go(tmp_path, text, "refused")
        assert not (tmp_path / "refused").exists()
        return str(caught.value)

    assert "there is no unlabelled" in refused(pt.Error, FEW.replace(", labelled = 5", "") + FIXMATCH)
    draw = np.random.default_rng(0)
    x = draw.normal(size=(60, 8, 8)).astype(np.float32)
    np.savez(tmp_path / "gap.npz", x=x, y=np.arange(60) % 3 * 2)
    gap = FEW.replace('use = "digits", split = { test = 0.2, labelled = 5, stratify = true }',
                      'use = "arrays", path = "gap.npz", split = { unlabelled = 0.5 }')  # fmt: skip
    assert refused(LabelError, gap + FIXMATCH) == (
        "[data] no labelled example of class 1, 3; expected one or more of each class; label some, or set "
        "data.split.labelled, which takes the same number of each"
    )
    assert refused(DataError, gap.replace("unlabelled = 0.5", "labelled = 2") + FIXMATCH) == (
        "[split] labelled = 2, and 0 training examples of class 1; expected 2 or more of each class; lower labelled or "
        "add examples"
    )
    np.savez(tmp_path / "gap.npz", x=x.reshape(60, 64), y=np.arange(60) % 3)
    assert refused(VisionError, gap + FIXMATCH).startswith("[fixmatch] examples of shape [64]; expected pictures")
