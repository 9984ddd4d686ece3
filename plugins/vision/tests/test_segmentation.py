"""Segmentation: IoU by hand, cutouts whose masks are their alpha channels, the network, refusals, a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vision_runs import go

import powertrain as pt
from powertrain.data import ArrayDataset, DataError, DataModule
from powertrain.plugin import Inputs, ModelError
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_vision.cutouts import Cutouts, CutoutSplit, objects_below
from powertrain_vision.fetch import cut_out
from powertrain_vision.segmentation import MeanIoU, PixelUNet, Segmentation

Image = pytest.importorskip("PIL.Image", reason="Pillow is not installed")
RECIPE = """\
data      = { use = "cutouts", path = "shapes", size = 16, times = 6, split = { valid = 0.2, test = 0.3 } }
model     = { use = "pixel-unet", widths = [8, 16] }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "24 epochs", batch_size = 16, save_seconds = 0 }
"""


def draw_shapes(folder: Path, count: int = 20) -> None:
    """Discs and boxes of bright colours on nothing."""
    draw = np.random.default_rng(0)
    across, down = np.meshgrid(np.arange(40), np.arange(40))
    (folder / "shapes").mkdir()
    for number in range(count):
        inside = np.hypot(across - 20, down - 20) < 14 if number % 2 else np.maximum(abs(across - 20), down) < 15
        pixels = np.zeros((40, 40, 4), np.uint8)
        pixels[..., :3] = draw.integers(0, 256, 3) // (1 + 3 * (number % 2))
        pixels[..., 3] = 255 * inside
        Image.fromarray(pixels).save(folder / "shapes" / f"{number:02}.png")


def test_mean_iou_by_hand_however_the_pictures_are_cut() -> None:
    there = np.array([[[0, 0], [1, 1]], [[1, 1], [1, 0]], [[2, 2], [2, 2]]])
    said = np.array([[[0, 1], [1, 1]], [[1, 0], [1, 0]], [[0, 0], [0, 0]]])
    scores = np.eye(3)[said].astype(np.float32)
    weight = np.array([1.0, 1, 0])  # the last one is padding
    overlap, union = np.array([1 + 1, 2 + 2]), np.array([2 + 2, 3 + 3])
    metric = MeanIoU()
    metric.update(scores, there, weight)
    assert metric.compute() == pytest.approx(np.mean(overlap / union))
    metric.reset()
    for row in range(2):
        metric.update(scores[row : row + 1], there[row : row + 1], np.ones(1))
    assert metric.compute() == pytest.approx(np.mean(overlap / union))
    assert np.isnan(MeanIoU().compute())


def test_a_mask_is_where_the_object_lies(tmp_path: Path) -> None:
    draw_shapes(tmp_path)
    params = Cutouts.Params(path=tmp_path / "shapes", size=24, times=2, split=CutoutSplit(valid=0.1, test=0.2))
    made = Cutouts.build(params, Path())
    assert {part: len(source) for part, source in made.splits.items()} == {"train": 28, "valid": 2, "test": 4}
    fields = made.train.fetch(np.arange(28))
    assert fields["x"].shape == (28, 24, 24, 3) and fields["y"].shape == (28, 24, 24)
    colours = {name: pixels[20, 20, :3] / 255 for name, pixels in objects_below(tmp_path / "shapes")}
    names = made.train.example_names(np.arange(28))  # type: ignore[attr-defined]
    for x, y, name in zip(fields["x"], fields["y"], names, strict=True):
        assert 0.1 < y.mean() < 0.95
        inside = x[y == 1]
        assert (np.abs(inside - colours[name]).max(axis=1) < 0.02).mean() > 0.5  # but for its soft edge
    held = {name for part in ("valid", "test") for name in made.splits[part].example_names(range(2))}
    assert not held & set(names)


def test_it_finds_shapes_that_it_has_not_seen(tmp_path: Path) -> None:
    draw_shapes(tmp_path, 80)
    found = go(tmp_path, RECIPE, "run")
    dummy = next(one["value"] for one in found["baselines"] if one["name"] == "dummy")
    assert found["test"]["mean-iou"] > 0.8 and found["test"]["mean-iou"] > dummy + 0.1
    said = pt.load(tmp_path / "run").predict(np.ones((1, 16, 16, 3), np.float32))
    (answer,) = said
    assert np.shape(answer["mask"]) == (16, 16) and sum(answer["shares"].values()) == pytest.approx(1)
    asked = np.full((40, 40, 3), 200, np.uint8)
    asked[10:32, 10:32] = (20, 60, 30)
    Image.fromarray(asked).save(tmp_path / "box.png")
    answers = powertrain("predict", "run", "box.png", "--json", folder=tmp_path)
    (of_file,) = pt.load(tmp_path / "run").predict(tmp_path / "box.png")
    (of_picture,) = pt.load(tmp_path / "run").predict(Image.fromarray(asked))
    assert str(of_file["file"]).endswith("box.png") and of_file["mask"] == of_picture["mask"] and '"shares"' in answers
    report = (tmp_path / "run" / "report.html").read_text()
    assert "From the worst picture to the best" in report and "IoU" in report


def test_a_kill_changes_nothing(tmp_path: Path) -> None:
    draw_shapes(tmp_path)
    killed_and_resumed(RECIPE, tmp_path)


def test_stamps_keep_their_alpha_channels(tmp_path: Path) -> None:
    draw_shapes(tmp_path, 2)
    files: dict[str, Any] = {f"a/{path.name}": path.read_bytes() for path in (tmp_path / "shapes").iterdir()}
    cut_out({**files, "a/00.txt": b"words"}, tmp_path / "made")
    found = objects_below(tmp_path / "made")
    assert [name for name, _ in found] == ["a/00.png", "a/01.png"] and found[0][1].shape == (40, 40, 4)


def test_what_cannot_be_segmented_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, y = np.zeros((2, 4, 4, 3), np.float32), np.zeros((2, 4, 4), np.int64)

    def check(y: Any) -> None:
        Segmentation().check(DataModule("streets", "segmentation", {"train": ArrayDataset(x=x, y=y)}, 2))

    check(y)
    with pytest.raises(DataError, match=r"x \[4, 4, 3\] and y int64\[\] of train; expected a class number for each"):
        check(y[:, 0, 0])
    with pytest.raises(DataError, match=r"class 2 of train; expected 0 to 1"):
        check(y + 2)
    with pytest.raises(ModelError, match=r"pictures of 6 x 8 for 3 widths; expected a multiple of 4"):
        PixelUNet.build(PixelUNet.Params(), Inputs("segmentation", (6, 8, 3), 2))
    with pytest.raises(ModelError, match=r"a classification task; expected segmentation"):
        PixelUNet.build(PixelUNet.Params(), Inputs("classification", (8, 8, 3), 2))
    Image.new("RGB", (8, 8)).save(tmp_path / "full.png")
    with pytest.raises(DataError, match=r"0 pictures below .* whose alpha channel shows an object; expected at least"):
        objects_below(tmp_path)
    monkeypatch.delenv("POWERTRAIN_DATA", raising=False)
    with pytest.raises(DataError, match=r"\[cutouts\] POWERTRAIN_DATA is not set, and no path"):
        Cutouts.build(Cutouts.Params(), Path())
