"""Pictures drawn from text: two phases in one run, captions, the same bits, measures and pages, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vision_runs import draw_boxes, go, open_data

import powertrain as pt
from powertrain.data import DataError
from powertrain.plugin.testing import killed_and_resumed, powertrain
from powertrain_vision.captions import decoded
from powertrain_vision.errors import VisionError

pytest.importorskip("PIL.Image", reason="Pillow is not installed")
pytest.importorskip("powertrain_generative", reason="powertrain-generative is not installed")

RECIPE = """\
strategy       = { use = "text-to-image", code = [4, 4, 4], code_steps = 17, keep = 0.9, judged = 0, round_steps = 5 }
model.encoder  = { use = "map-encoder", channels = [8, 16] }
model.decoder  = { use = "map-decoder", channels = [16, 8] }
model.model    = { use = "unet", widths = [16, 32], condition = 16 }
model.captions = { use = "caption-encoder", width = 16 }
optimizer      = { use = "adam", lr = 3e-3, clip = 1.0 }
run            = { until = "40 steps", batch_size = 40, evaluate = { every = "10 steps" }, save_seconds = 0 }

[data]
use = "captioned-folder"
path = "boxes"
context = 32
height = 16
width = 16
split = { valid = 0.2, test = 0.2 }
"""
LONG = (
    "run.until=700 steps", "strategy.code_steps=300", "run.evaluate.every=700 steps", "strategy.judged=32",
    "optimizer.lr=5e-3", "strategy.code_noise=0.1", "model.encoder.channels=[16, 32]",
    "model.decoder.channels=[32, 16]",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of boxes that has learned their colours."""
    folder = draw_boxes(tmp_path_factory.mktemp("drawn"))
    go(folder, RECIPE, "run", *LONG, "strategy.round_steps=64")
    return folder


def test_the_picture_has_the_colour_of_its_caption(folder: Path) -> None:
    run = pt.load(folder / "run")
    drawn = {colour: run.sample(16, seed=1, caption=f"a {colour} box", steps=20) for colour in ("blue", "yellow")}
    for made in drawn.values():
        assert made.shape == (16, 16, 16, 3) and made.min() >= 0 and made.max() <= 1
    bluer = {colour: (made[..., 2] - made[..., :2].mean(axis=-1)).mean() for colour, made in drawn.items()}
    assert bluer["blue"] > bluer["yellow"] + 0.02
    unguided = [run.sample(2, caption=caption, steps=3, guidance=0.0) for caption in ("a red box", "a blue box")]
    assert (unguided[0] == unguided[1]).all()
    assert (run.sample(2, seed=1, caption="a blue box", steps=20) == drawn["blue"][:2]).all()
    assert run.sample(1, caption="zyx qwv?!", steps=2).shape == (1, 16, 16, 3)  # words that training never saw
    assert (run.sample(3, seed=1, caption="a blue box", noise=1.0, steps=20) != drawn["blue"][:3]).any()


def test_without_a_caption_it_draws_those_held_out(folder: Path) -> None:
    """A run keeps them, so that it needs no data."""
    run: Any = pt.load(folder / "run")
    strategy, data = run.run.strategy, open_data(folder / "run").dataset
    held = data.splits["test"].fetch(np.arange(32))["y"]
    assert (strategy.held.value.numpy() == held).all() and len(set(decoded(held))) > 5
    drawn = run.sample(40, seed=3, steps=4)
    assert (drawn == strategy.drawn(run.run, np.resize(held, (40, 32)), 3, steps=4)).all()
    powertrain("sample", "run", "--count", "2", "--set", "caption=a red box", "--set", "steps=2", "--out", "a.png",
               folder=folder)  # fmt: skip
    assert (folder / "a.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("caption", "said"),
    [
        ("", "[captions] the caption has no words; expected one or more in each caption; write what the picture shows, "
         "or leave it out"),
        (" \n", "[captions] the caption has no words; expected one or more"),
        ("a red box " * 4, "[captions] the caption, 'a red box a red box a red box a red box', has 41 bytes with a "
         "space on both sides; expected at most 32, the context; shorten it, or raise data.context"),
    ],
)  # fmt: skip
def test_captions_that_cannot_be_are_refused(folder: Path, caption: str, said: str) -> None:
    with pytest.raises(DataError) as caught:
        pt.load(folder / "run").sample(1, caption=caption)
    assert str(caught.value).startswith(said)


def test_what_is_drawn_is_measured_and_shown(folder: Path) -> None:
    results: Any = pt.load(folder / "run").results
    found = results["test"]
    assert found["frechet"] > 0 and 0 <= found["precision"] <= 1 and 0 <= found["recall"] <= 1
    assert 1 >= found["caption_recall@10"] > found["shuffled_caption_recall@10"]
    assert found["real_caption_recall@10"] > found["shuffled_caption_recall@10"] and "frechet" not in results["valid"]
    run = open_data(folder / "run")
    simple = {(one.name, one.metric): one.value for one in run.strategy.simple(run.dataset, "test")}
    assert simple["retrieval", "caption_recall@10"] > simple["dummy", "caption_recall@10"]
    page, free = run.strategy.sections(run)
    assert page.rows[0] == ("column", "its caption") and len(page.rows) == 9 and page.png() is not None
    assert free.title == "Captions of our own" and free.png() is not None


def test_codes_are_learned_first_and_then_stay(folder: Path) -> None:
    found = {}
    for until, learned in ((17, 16), (18, 17), (30, 17)):
        go(folder, RECIPE, f"until{until}", f"run.until={until} steps", f"strategy.code_steps={learned}")
        found[until] = pt.load(folder / f"until{until}").run.table.snapshot()
    for name in ("encoder.last.weight", "decoder.last.weight", "text-to-image.spread", "text-to-image.center"):
        assert (found[18][name] == found[30][name]).all()
    assert (found[18]["model.last.weight"] != found[30]["model.last.weight"]).any()
    assert [float(found[until]["text-to-image.steps"]) for until in (17, 18, 30)] == [1, 1, 13]
    assert (found[17]["encoder.last.weight"] != found[18]["encoder.last.weight"]).any()
    run = open_data(folder / "until30")
    x, strategy = run.dataset.splits["train"].fetch(np.arange(96))["x"], run.strategy
    codes = run.compute(lambda t, batch: strategy.codes.scaled(batch.x), x=x)
    np.testing.assert_allclose(codes.mean(axis=(0, 1, 2)), 0, atol=1e-4)
    np.testing.assert_allclose(codes.std(axis=(0, 1, 2)), 1, atol=1e-3)


def test_bits_depend_neither_on_rounds_nor_on_threads(folder: Path) -> None:
    ways = (("strategy.round_steps=64", "run.threads=1"), ("strategy.round_steps=7", "run.threads=2"))
    found, rounds = [], []
    for at, way in enumerate(ways):
        go(folder, RECIPE, f"way{at}", *way, "run.evaluate.every=20 steps")
        run = pt.load(folder / f"way{at}").run
        rounds.append(run.progress.rounds)
        found.append({name: array for name, array in run.table.snapshot().items() if name != "progress"})
    assert rounds == [2, 6] and found[0].keys() == found[1].keys()
    assert all((found[0][name] == found[1][name]).all() for name in found[0])


@pytest.mark.parametrize("step", [10, 20])
def test_killed_in_either_phase_it_ends_with_the_same_bits(step: int, tmp_path: Path) -> None:
    draw_boxes(tmp_path)
    killed_and_resumed(RECIPE, tmp_path, after=f"step {step}/")


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ('model.model={ use = "mlp" }', "[text-to-image] MLP as model.model; expected unet, which can be told"),
        ("strategy.code=[4, 4, 4, 4]", "[text-to-image] strategy.code = [4, 4, 4, 4]; expected height, width and "
         "numbers, such as [8, 8, 4]"),
        ("strategy.code=[2, 8, 4]", "[text-to-image] strategy.code = [2, 8, 4], and an encoder that makes [4, 4, 4]; "
         "expected the same; change the code, or give the encoder other channels"),
        ("strategy.code=[4, 4, 1]\nmodel.encoder.channels=[4]", "[map-encoder] 16 outputs for a map of 8 x 8;"),
        ('data={ use = "digits" }', "[strategy] text-to-image on digits, a classification task; expected captions"),
    ],
)  # fmt: skip
def test_what_it_cannot_learn_from_is_refused(folder: Path, setting: str, said: str) -> None:
    with pytest.raises(pt.Error) as caught:
        go(folder, RECIPE, "refused", *setting.split("\n"))
    assert str(caught.value).startswith(said), str(caught.value)
    assert not (folder / "refused" / "run.json").exists()


def test_a_run_that_only_learned_codes_draws_nothing(folder: Path) -> None:
    results: Any = go(folder, RECIPE, "codes", "run.until=17 steps", "strategy.judged=16")
    assert "caption_recall@10" not in results["test"] and open_data(folder / "codes").strategy.sections(None) == []
    with pytest.raises(VisionError) as caught:
        pt.load(folder / "codes").sample(1, caption="a red box")
    assert str(caught.value) == (
        "[text-to-image] a run that ended while codes were learned, for 17 steps; expected one that learned to draw "
        "after them; train longer, or lower strategy.code_steps"
    )
    assert pt.load(folder / "codes").predict(np.zeros((2, 16, 16, 3), "f")).outputs.shape == (2, 768)
