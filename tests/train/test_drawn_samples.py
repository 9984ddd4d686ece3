"""Samples of trained runs, and what a strategy measures once, at the end: a strategy in a file, settings, errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.cli.sample import as_png
from powertrain.plugin import FieldError, pictures_section
from powertrain.recipe import RecipeError
from powertrain.train.folder.run_folder import RunError
from running import inside, results

WAY = '''
from typing import Annotated

import numpy as np
import powertrain as pt
from powertrain.plugin import Range, Strategy

class Bell(Strategy):
    """Learns where the examples lie, and draws around it."""

    needs = ()
    scores = ("miss",)
    forms = (".txt",)

    def write(self, run, drawn, form):
        return f"{len(drawn)} samples as {form}".encode()

    def setup(self, run):
        self.data = run.data("train")
        self.middle = run.slot("bell.middle", np.zeros(64, np.float32))

    def step(self, t, batch):
        mean = pt.sum(pt.reshape(batch.x, (-1, 64)) * pt.reshape(batch.weight, (-1, 1)), axis=0) / pt.sum(batch.weight)
        self.middle.value = self.middle.value * 0.9 + mean * 0.1
        t.log("loss", pt.sum(batch.weight), pt.sum(batch.weight))

    def losses(self, t, batch):
        return pt.mean(pt.square(pt.reshape(batch.x, (-1, 64)) - self.middle.value), axis=1)

    def predict(self, t, batch):
        return pt.reshape(batch.x, (-1, 64))

    def spread(self, t, batch):
        return self.middle.value + batch.wide * batch.noise + 0.0 * t.rng.normal(size=batch.noise.shape)

    def sample(self, run, count, seed, *, wide: Annotated[float, Range(low=0, high=1)] = 0.1):
        noise = pt.random.Generator(seed).normal(size=(count, 64)).numpy()
        made = run.compute(self.spread, noise=noise, wide=np.full((count, 1), wide, np.float32))
        return made.reshape(-1, 8, 8)

    def score(self, run, part):
        real = run.dataset.splits[part].fetch(np.arange(10))["x"]
        return {"miss": float(np.abs(self.sample(run, 10, 0).mean() - real.mean()))}
'''
RECIPE = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
features  = [{ use = "scale", by = 0.0625 }]
strategy  = "./way.py:Bell"
run       = { until = "2 epochs", batch_size = 64 }
report    = { baseline = false }
expect    = { "test.miss" = "<= 0.2" }
"""


@pytest.fixture
def bell(tmp_path: Path) -> Path:
    (tmp_path / "way.py").write_text(WAY)
    (tmp_path / "way.toml").write_text(RECIPE)
    return tmp_path


def test_samples_of_a_run(bell: Path) -> None:
    found = results(inside(["train", "way.toml", "--run", "a", "--json"], bell))
    assert (bell / "a" / "profile.json").exists()  # answers of 64 numbers are no scores of 10 classes
    assert 0 <= found["test"]["miss"] <= 0.2 and "miss" not in found["valid"] and found["expect"][0]["met"]
    trained = pt.load(bell / "a")
    drawn = trained.sample(5, seed=2)
    assert drawn.shape == (5, 8, 8) and (drawn == trained.sample(5, seed=2)).all()
    assert np.ptp(trained.sample(5, wide=0.0), axis=0).max() == 0
    said = inside(["sample", "a", "--count", "5", "--seed", "2", "--set", "wide=0.1", "--out", "b.npy"], bell)
    assert said.stdout == "5 samples in b.npy\n" and (np.load(bell / "b.npy") == drawn).all()
    inside(["sample", "a", "--out", "b.png"], bell)
    assert (bell / "b.png").read_bytes().startswith(b"\x89PNG")
    inside(["sample", "a", "--count", "3", "--out", "b.TXT"], bell)
    assert (bell / "b.TXT").read_bytes() == b"3 samples as .txt"
    said = inside(["sample", "a", "--out", "b.wav"], bell, expect=2).stderr.strip()
    assert said == "[sample --out] received b.wav; expected a name that ends in .npy, .png or .txt; rename it"
    # Looking at a run moves none of its random numbers.
    before = pt.random.default_generator().slot.numpy().tolist()
    trained.sample(3)
    assert pt.random.default_generator().slot.numpy().tolist() == before


def test_what_is_no_picture_is_not_drawn_as_one() -> None:
    for shape in ((3, 5), (3, 8, 8, 2), (3,)):
        with pytest.raises(RunError, match=r"a \.png shows pictures; expected another kind of file; write a \.npy"):
            as_png(np.zeros(shape))


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"wide": 2.0}, "[sample] wide: received 2.0; expected a number >= 0 and <= 1"),
        ({"width": 1.0}, "[sample] width: no such parameter of ./way.py:Bell; expected wide; did you mean wide?"),
        ({"count": 0}, "[sample] received count=0; expected a whole number > 0; such as 64"),
        ({"seed": -1}, "[sample] received seed=-1; expected a whole number from 0 to 2^63 - 1; such as 0"),
    ],
)
def test_wrong_settings_are_refused(bell: Path, settings: dict[str, Any], text: str) -> None:
    trained = pt.fit(bell / "way.toml", verbose=False)
    with pytest.raises(RunError) as caught:
        trained.sample(**settings)
    assert str(caught.value) == text


def test_a_run_that_draws_nothing_says_so(tmp_path: Path) -> None:
    trained = pt.fit("digits", epochs=1, folder=tmp_path / "a", verbose=False)
    with pytest.raises(RunError) as caught:
        trained.sample()
    assert str(caught.value) == (
        f"[sample] {tmp_path / 'a'} learns by supervised, which draws no examples; expected the run of a generative "
        "model, such as vae or diffusion; powertrain predict answers"
    )
    said = inside(["sample", "a", "--out", "b.gif"], tmp_path, expect=2).stderr.strip()
    assert said == "[sample --out] received b.gif; expected a name that ends in .npy or .png; rename it"


def test_expect_knows_the_scores_of_a_strategy(bell: Path) -> None:
    (bell / "way.toml").write_text(RECIPE.replace("test.miss", "test.mis"))
    with pytest.raises(RecipeError, match=r"it is not measured; .* did you mean test\.miss\?"):
        pt.fit(bell / "way.toml", verbose=False)
    (bell / "way.toml").write_text(RECIPE.replace("test.miss", "valid.miss"))
    with pytest.raises(RunError, match=r"\[expect\.valid\.miss\] it is not measured"):
        pt.fit(bell / "way.toml", verbose=False)


def test_pictures_are_laid_out_in_rows() -> None:
    grey, colour = np.linspace(0, 1, 5 * 4 * 3).reshape(5, 4, 3), np.zeros((3, 4, 4, 3))
    for pictures in (grey, colour):
        page = pictures_section("Some", pictures, columns=2, rows=("a $x$ b", "second"))
        made = page.png()
        assert page.title == "Some" and made is not None and made.startswith(b"\x89PNG")
    with pytest.raises(FieldError) as caught:
        pictures_section("Some", np.zeros((2, 64)))
    assert str(caught.value) == (
        "[pictures_section] received an array of shape [2, 64]; expected [count, height, width] or [count, height, "
        "width, colours] of 1 or 3 colours; reshape it"
    )
    with pytest.raises(FieldError, match="received NaN or infinity; expected finite numbers"):
        pictures_section("Some", np.full((1, 2, 2), np.nan))
