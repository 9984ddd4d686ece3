"""The masked autoencoder: what is hidden, that it tells the model nothing, the loss, the report, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from vision_runs import go, open_data

import powertrain as pt
from powertrain.plugin import ExportError
from powertrain.plugin.testing import killed_and_resumed
from powertrain_vision.errors import VisionError
from powertrain_vision.patches import PatchDecoder, chosen, cut, joined

RECIPE = """\
data          = { use = "digits", split = { valid = 0.1, test = 0.2, stratify = true } }
features      = [{ use = "scale", by = 0.0625 }]
model.model   = { use = "vit", patch = 2, layers = 1, heads = 2, width = 32 }
model.decoder = { use = "patch-decoder", heads = 2 }
strategy      = { use = "masked-autoencoder", code = 32, probe = 5, round_steps = 5 }
optimizer     = { use = "adamw", lr = 3e-3 }
run           = { until = "60 steps", batch_size = 64, evaluate = { every = "10 steps" }, save_seconds = 0 }
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A short run."""
    made = tmp_path_factory.mktemp("masked")
    go(made, RECIPE, "run")
    return made / "run"


def test_patches_are_cut_row_by_row_and_joined_again() -> None:
    x = np.arange(2 * 6 * 4 * 3, dtype="f").reshape(2, 6, 4, 3)
    patches = cut(pt.asarray(x), 2)
    assert patches.shape == (2, 6, 12)
    assert (patches[:, 1].numpy().reshape(2, 2, 2, 3) == x[:, :2, 2:]).all()
    assert (joined(patches, 2, (6, 4, 3)).numpy() == x).all()


def test_so_many_patches_are_chosen_each_as_often_as_others() -> None:
    pt.random.seed(0)
    picked = chosen(pt.random.default_generator(), 4000, 8, 3).numpy()
    assert picked.shape == (4000, 3, 8) and set(np.unique(picked)) == {0.0, 1.0}
    assert (picked.sum(axis=2) == 1).all() and picked.sum(axis=1).max() == 1  # none twice
    assert np.abs(picked.sum(axis=(0, 1)) / 4000 - 3 / 8).max() < 0.04


def test_a_hidden_patch_tells_the_model_nothing(folder: Path) -> None:
    """Whatever stands in it, the same is made of all patches; and the loss is that of the hidden ones alone."""
    run = pt.load(folder).run
    strategy: Any = run.strategy
    assert (strategy.patches, strategy.kept) == (16, 4)
    x = np.random.default_rng(0).random((5, 8, 8)).astype("f")

    def parts(t: Any, batch: Any) -> Any:
        wanted, made, hidden = strategy.rebuilt(t, batch.x)
        return pt.concat([wanted, made, pt.reshape(hidden, (*hidden.shape, 1))], axis=2)

    found = run.compute(parts, x=x)
    wanted, made, hidden = found[..., :4], found[..., 4:8], found[..., 8]
    assert (hidden.sum(axis=1) == 12).all()
    noise = np.random.default_rng(1).random(wanted.shape).astype("f")
    other = np.asarray(joined(pt.asarray(np.where(hidden[..., None] == 1, noise, wanted)), 2, (8, 8, 1)))[..., 0]
    again = run.compute(parts, x=other)
    assert (again[..., 8] == hidden).all() and (again[..., :4] != wanted).any()
    np.testing.assert_array_equal(again[..., 4:8], made)
    apart = np.square(made.astype(np.float64) - wanted).mean(axis=2)
    losses = run.compute(strategy.losses, x=x)
    np.testing.assert_allclose(losses, (apart * hidden).sum(axis=1) / 12, rtol=1e-5)


def test_it_completes_pictures_better_than_their_mean(tmp_path: Path) -> None:
    found = go(tmp_path, RECIPE, "run", "run.until=300 steps", "run.evaluate.every=100 steps")
    mean = next(one["value"] for one in found["baselines"] if one["name"] == "dummy")
    assert found["test"]["loss"] < 0.95 * mean
    x = np.stack([open_data(tmp_path / "run").dataset.splits[part].fetch(np.arange(100))["x"]
                  for part in ("train", "test")])  # fmt: skip
    assert mean == pytest.approx(np.square(x[1] - x[0].mean(axis=0)).mean(), rel=0.15)


def test_the_report_shows_what_was_hidden(folder: Path) -> None:
    run = open_data(folder)
    x = np.random.default_rng(0).random((4, 8, 8)).astype("f")
    seen, completed = run.compute(run.strategy.pictures, x=x)
    grey = seen[..., 0] == np.float32((x.min() + x.max()) / 2)
    assert (grey.sum(axis=(1, 2)) == 48).all()  # 12 of 16 patches of 4 pixels
    for shown in (seen, completed):
        assert (shown[..., 0][~grey] == x[~grey]).all()
    assert [one.title for one in run.strategy.sections(run)] == ["Reconstructions", "Map of what was learned"]
    page = (folder / "report.html").read_text(encoding="utf-8")
    assert "It sees 4 of 16 patches of each." in page and "nearest of each" in page


def test_killed_and_resumed_it_ends_with_the_same_bits(tmp_path: Path) -> None:
    killed_and_resumed(RECIPE, tmp_path, after="step 20/")


def test_a_finished_run_takes_every_verb(folder: Path, tmp_path: Path) -> None:
    """Answers are the representation; without the data too, and in another form."""
    run, x = pt.load(folder), np.random.default_rng(0).random((3, 8, 8)) * 16
    outputs = run.predict(x).outputs
    assert outputs.shape == (3, 16 * 32)
    np.testing.assert_array_equal(outputs, open_data(folder).predict((x / 16).astype("f")))
    for to in ("c", "wheel"):
        assert run.export(to, tmp_path).path.exists()
    with pytest.raises(ExportError, match="does not predict with one module"):
        run.export("safetensors", tmp_path)
    assert run.quantize(8, folder=tmp_path / "small").metric == "probe"
    assert run.report().is_file()
    with pytest.raises(pt.Error, match="8, 8"):
        run.predict(np.zeros((2, 9, 9)))


CLASSIFIER = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2, stratify = true } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "vit", patch = 2, layers = 1, heads = 2, width = 32, weights = "RUN", fresh = "head.*" }
optimizer = { use = "sgd", lr = 1e-9 }
run       = { until = "1 step" }
"""


def test_a_classifier_begins_with_its_vit(folder: Path, tmp_path: Path) -> None:
    """With all but the head, which gave numbers of patches and now gives classes."""
    go(tmp_path, CLASSIFIER.replace("RUN", folder.as_posix()), "classifier")
    found, before = (pt.load(run).model.state_dict() for run in (tmp_path / "classifier", folder))
    assert found["head.weight"].shape == (32, 10)
    taken = [name for name in found if not name.startswith("head.")]
    assert len(taken) > 10
    for name in taken:
        np.testing.assert_allclose(found[name], before[name], atol=1e-6)


def test_what_cannot_be_learned_from_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    def refused(*settings: str) -> str:
        with pytest.raises(VisionError) as caught:
            go(tmp_path, RECIPE, "refused", *settings)
        assert not (tmp_path / "refused").exists()
        return str(caught.value)

    assert refused("model.model={use='mlp'}") == (
        "[masked-autoencoder] model.model is a MLP; expected a vit, of which patches can be left out; model.model = { "
        'use = "vit", patch = 4 }'
    )
    assert refused("model.model.patch=8").startswith("[masked-autoencoder] pictures of 8 x 8 are one patch of 8")
    assert refused("model.decoder.heads=3").startswith("[patch-decoder] tokens of 32 numbers, heads = 3")


def test_the_decoder_refuses_what_is_no_row_of_tokens() -> None:
    with pytest.raises(VisionError) as caught:
        PatchDecoder.build(PatchDecoder.Params(), pt.plugin.Inputs("regression", (8, 8, 3), 10))
    assert str(caught.value).startswith("[patch-decoder] examples of shape [8, 8, 3] for 10 outputs; expected tokens")
