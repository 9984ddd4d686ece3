"""Clips: what a frame does not show, the two networks, refusals, a report, a kill."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vision_runs import go, open_data

import powertrain as pt
from powertrain.data.source import whole
from powertrain.plugin import Inputs, ModelError
from powertrain.plugin.testing import killed_and_resumed
from powertrain_vision.clips import ClipCNN, ClipGRU
from powertrain_vision.motions import WAYS, DigitMotions, offsets

RECIPE = """\
data      = { use = "digit-motions", frames = 6, side = 12, noise = 0, still = 0, train = 800, held = 160 }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "clip-cnn", channels = [8, 16] }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "6 epochs", batch_size = 32, save_seconds = 0 }
report    = { baseline = false }
"""


def built(**params: Any) -> Any:
    return DigitMotions.build(DigitMotions.Params(**params), Path())


def test_a_digit_moves_as_its_class_says() -> None:
    assert offsets(WAYS["right"], 4, 2)[0].tolist() == [[0, 0], [0, 2], [0, 4], [0, 6]]
    assert offsets(WAYS["to and fro"], 10, 1)[0, :, 1].tolist() == [0, 1, 2, 3, 4, 3, 2, 1, 0, 1]
    round_about = offsets(WAYS["clockwise"], 17, 1)[0]
    assert round_about[[0, 4, 8, 12, 16]].tolist() == [[0, 0], [0, 4], [4, 4], [4, 0], [0, 0]]
    assert offsets(WAYS["anticlockwise"], 9, 2)[0][[2, 4, 6, 8]].tolist() == [[0, 4], [-4, 4], [-4, 0], [0, 0]]
    clips = built(noise=0, still=0, train=64, held=8)
    fields = clips.train.fetch(np.arange(64))
    right = list(WAYS).index("right")
    for clip in fields["x"][fields["y"] == right][..., 0]:
        assert any(np.array_equal(np.roll(clip[:-1], by, 2), clip[1:]) for by in (1, 2))


def test_classes_are_even_and_parts_have_digits_of_their_own() -> None:
    data = built(noise=0, still=0, train=800, held=80)
    counts = np.bincount(whole(data.train, "y"))
    assert len(counts) == len(WAYS) == data.outputs and np.ptp(counts) == 0
    seen = {part: {frame.tobytes() for frame in _centred(whole(data.splits[part], "x"))} for part in data.splits}
    assert not seen["train"] & seen["test"] and not seen["valid"] & seen["test"]
    assert np.array_equal(whole(built(train=64).train, "x"), whole(built(train=64).train, "x"))
    assert whole(built(train=64, seed=1).train, "x").max() == 16


def _centred(clips: Any) -> Any:
    """The first frame of each clip, with its digit in the corner."""
    for clip in clips[:, 0, ..., 0]:
        rows, columns = np.flatnonzero(clip.any(1)), np.flatnonzero(clip.any(0))
        if np.ptp(rows) < 8 and np.ptp(columns) < 8:
            yield np.roll(clip, (-rows[0], -columns[0]), (0, 1))


def test_single_frames_of_all_classes_are_alike() -> None:
    data = built(noise=0, still=0, train=8000, held=8)
    x, y = whole(data.train, "x")[:, 5, ..., 0] / 16.0, whole(data.train, "y")
    means = np.stack([x[y == label].mean(axis=0) for label in range(len(WAYS))])
    spread = x.std() / np.sqrt(1000)  # of a mean of 1,000 pixels
    assert np.abs(means - means.mean(axis=0)).max() < 6 * spread


@pytest.mark.parametrize("model", [ClipCNN, ClipGRU])
def test_a_network_takes_clips_of_any_form(model: Any) -> None:
    for shape in ((6, 8, 8), (5, 9, 8, 3), (1, 7, 7, 1)):
        net = model.build(model.Params(channels=(4, 6)), Inputs("classification", shape, 3))
        x = np.random.default_rng(0).random((2, *shape), np.float32)
        assert net(x).shape == (2, 3)
    with pytest.raises(ModelError) as refused:
        model.build(model.Params(), Inputs("classification", (8, 8), 3))
    assert str(refused.value) == (
        f"[{'clip-cnn' if model is ClipCNN else 'clip-gru'}] examples of shape [8, 8]; expected clips [frames, height, "
        "width] or [frames, height, width, channels]; use cnn for single images"
    )


@pytest.mark.parametrize("model", [ClipCNN, ClipGRU])
def test_the_order_of_frames_counts(model: Any) -> None:
    pt.random.seed(0)
    net = model.build(model.Params(), Inputs("classification", (6, 8, 8, 1), 3))
    x = np.random.default_rng(0).random((4, 6, 8, 8, 1), np.float32)
    assert np.abs(net(x).numpy() - net(x[:, ::-1].copy()).numpy()).max() > 1e-4


@pytest.mark.slow
def test_it_tells_motions_apart_and_shows_them(tmp_path: Path) -> None:
    found = go(tmp_path, RECIPE, "run")
    assert found["test"]["accuracy"] > 0.4  # one frame tells 0.125
    page = (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert "Clips, frame by frame" in page and "of 160 clips of test are taken for another class." in page
    run = open_data(tmp_path / "run")
    x = run.dataset.splits["test"].fetch(np.arange(3))["x"]
    assert pt.load(tmp_path / "run").predict(x).outputs.shape == (3, 8)


MODELS = ('"clip-cnn", channels = [8, 16]', '"clip-gru", channels = [8, 16], width = 16')


@pytest.mark.slow
@pytest.mark.parametrize("model", MODELS)
def test_a_killed_run_resumes_to_the_same_bits(model: str, tmp_path: Path) -> None:
    killed_and_resumed(RECIPE.replace(MODELS[0], model), tmp_path, "epoch 2/")


@pytest.mark.peers
@pytest.mark.parametrize("model", MODELS)
def test_pytorch_answers_the_same(model: str, tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    go(tmp_path, RECIPE.replace(MODELS[0], model), "run", "run.until=3 steps")
    made = pt.load(tmp_path / "run").export("safetensors", tmp_path / "out")  # which compares them
    assert made.note == ""
