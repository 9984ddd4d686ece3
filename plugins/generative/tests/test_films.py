"""Films: how digits move, what a continued film is made of, resumes, refusals."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.builtin.exporters.loading import module_of
from powertrain.builtin.exporters.torch.code import model_code
from powertrain.plugin import Inputs, ModelError
from powertrain.plugin.testing import killed_and_resumed
from powertrain_generative.errors import GenerativeError
from powertrain_generative.films import whole_films
from powertrain_generative.frame_cnn import FrameCNN, neighbours
from powertrain_generative.moving import Films, MovingDigits

SMALL = {"use": "moving-digits", "frames": 5, "side": 16, "digits": 1, "train": 300, "held": 40}
RECIPE: dict[str, Any] = {
    "data": SMALL,
    "model": {"use": "frame-cnn", "width": 16, "layers": 2},
    "strategy": {"use": "next-frame", "past": 3},
    "optimizer": {"use": "adamw", "lr": 5e-3},
    "run": {"until": "4 epochs", "batch_size": 16},
}


def one(place: tuple[int, int], speed: tuple[int, int], side: int = 12) -> Any:
    """A film of a white square of 8 pixels; places and speeds in quarters of a pixel."""
    square = np.full((1, 8, 8), 16)
    films = Films(square, np.zeros((1, 1), int), np.array([[place]]), np.array([[speed]]), 4, side)
    return films.film(np.array([0]), 40)[0]


def test_a_digit_stands_where_it_is_said_and_is_shared_by_pixels() -> None:
    (film,) = [one((4, 8), (0, 0))]
    wanted = np.zeros((12, 12))
    wanted[1:9, 2:10] = 1
    assert (film == wanted).all()
    half = one((2, 0), (0, 0))[0]
    assert (half[0, :8] == 0.5).all() and (half[1:8, :8] == 1).all() and (half[8, :8] == 0.5).all()
    assert (half[9:] == 0).all() and (half[:, 8:] == 0).all()


def test_a_digit_bounces_and_keeps_its_light() -> None:
    film = one((0, 6), (3, -5))
    np.testing.assert_array_equal(film.sum(axis=(1, 2)), 64)
    tops = (film.sum(axis=2) * np.arange(12)).sum(axis=1) / 64 - 3.5
    wanted = [16 - abs((3 * at) % 32 - 16) for at in range(40)]
    np.testing.assert_allclose(tops * 4, wanted, atol=1e-4)


def test_films_are_the_same_each_time_and_of_other_digits_in_each_part() -> None:
    data, again = (MovingDigits.build(MovingDigits.Params(train=50, held=20, frames=3), Path()) for _ in range(2))
    for part, source in data.splits.items():
        other: Any = again.splits[part]
        rows = np.array([3, 0, 19])
        found, kept = source.fetch(rows), other.fetch(rows)
        assert found["x"].shape == (3, 3, 24, 24) and found["y"].shape == (3, 576)
        assert all((found[name] == kept[name]).all() for name in found)
        assert found["x"].min() == 0 and 0.5 < found["x"].max() <= 1
    shown: Any = data.splits
    used = {part: set(source.which.ravel().tolist()) for part, source in shown.items()}
    assert not used["train"] & used["test"] and not used["train"] & used["valid"] and not used["valid"] & used["test"]
    film = whole_films(shown["test"], 5)
    assert film.shape == (5, 4, 24, 24)
    np.testing.assert_array_equal(film[0], shown["test"].film(np.array([0]), 4)[0])


@pytest.fixture(scope="module")
def run() -> Any:
    return pt.fit(RECIPE, verbose=False)


def test_it_is_better_than_the_last_frame(run: Any) -> None:
    baselines = {one["name"]: one["value"] for one in run.results["baselines"]}
    assert run.results["test"]["loss"] < 0.8 * baselines["repeat"]
    assert run.results["test"]["loss"] < run.results["test"]["ahead"] < 0.2
    strips, errors = run.run.strategy.sections(run.run)
    assert strips.png() and errors.png() and "of the last that was seen." in errors.lines[0]


def test_a_film_is_continued_from_what_was_drawn(run: Any) -> None:
    strategy = run.run.strategy
    films = whole_films(run.run.dataset.splits["test"], 4)
    drawn = run.run.compute(strategy.continued, x=films[:, :-1])
    assert drawn.shape == films.shape and (drawn[:, :3] == films[:, :3]).all()
    # The frames that it has not seen count for nothing.
    hidden = films[:, :-1].copy()
    hidden[:, 3:] = 0
    assert (run.run.compute(strategy.continued, x=hidden) == drawn).all()
    for at in range(3, 6):
        padded = np.concatenate([np.zeros((4, 2, 16, 16), "f"), drawn[:, at - 3 : at]], axis=1)
        np.testing.assert_allclose(run.predict(padded).outputs.reshape(4, 16, 16), drawn[:, at], atol=1e-6)
    wanted = np.square(drawn - films)[:, 3:].mean(axis=(0, 2, 3))
    assert strategy.misses(run.run, "test").shape == wanted.shape == (3,)


def test_what_is_no_film_is_refused() -> None:
    digits = {**RECIPE, "data": {"use": "digits"}}
    with pytest.raises(GenerativeError) as caught:
        pt.fit(digits, verbose=False)
    assert str(caught.value) == (
        "[next-frame] digits has examples [8, 8] and 10 outputs, for classification; expected films [frames, height, "
        "width], and the height * width numbers of the frame that follows as the target of a regression; use "
        "moving-digits, or arrays of that form"
    )
    with pytest.raises(GenerativeError) as caught:
        pt.fit({**RECIPE, "strategy": {"use": "next-frame", "past": 6}}, verbose=False)
    assert str(caught.value) == ("[next-frame] past = 6 for films of 5 frames; expected at most 5; lower strategy.past")
    x = np.zeros((20, 5, 4, 4), "f")
    bytes_of = (x, np.full((20, 16), 255.0, "f"))
    with pytest.raises(GenerativeError) as caught:
        pt.fit({key: RECIPE[key] for key in ("model", "strategy", "optimizer", "run")}, data=bytes_of, verbose=False)
    assert str(caught.value) == (
        "[next-frame] pixels from 0 to 255; expected 0 to 1, of films and of the frames that follow; divide both, for "
        "bytes by 255"
    )


def test_a_picture_of_another_size_is_refused() -> None:
    with pytest.raises(ModelError) as caught:
        FrameCNN.build(FrameCNN.Params(), Inputs("regression", (4, 6, 2), 25))
    assert str(caught.value) == (
        "[frame-cnn] 25 outputs for pictures of 4 x 6; expected 24, a grey picture of the same size; use cnn for other "
        "outputs"
    )


def test_a_pixel_comes_from_around_it() -> None:
    x = np.random.default_rng(0).uniform(size=(2, 5, 6)).astype("f")
    around = neighbours(pt.asarray(x), 2).numpy()
    assert around.shape == (2, 5, 6, 25) and (around[:, 2:4, 3, 12] == x[:, 2:4, 3]).all()
    assert (around[0, 2, 3] == x[0, 0:5, 1:6].ravel()).all() and (around[:, 0, 0, :2] == 0).all()
    model = FrameCNN((5, 6, 3), 30, FrameCNN.Params(width=4, layers=1, reach=1))
    model.last.weight.value = model.last.weight.value * 0
    model.last.bias.value = pt.asarray(np.where(np.arange(9) == 7, 50, 0).astype("f"))  # all from one pixel below
    film = np.stack([x * 0, x * 0, x], axis=3)
    made = pt.sigmoid(model(film)).numpy().reshape(2, 5, 6)
    np.testing.assert_allclose(made[:, :-1], 0.001 + 0.998 * x[:, 1:], atol=1e-6)
    np.testing.assert_allclose(made[:, -1], 0.001, atol=1e-6)


@pytest.mark.peers
def test_pytorch_says_the_same(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch", reason="torch is not installed")
    model = FrameCNN((6, 5, 3), 30, FrameCNN.Params(width=8, layers=2, reach=2))
    (tmp_path / "model.py").write_text(model_code(model, "model", [], [], None))
    made = module_of(tmp_path / "model.py", "written_for_torch").build()
    made.load_state_dict({key: torch.as_tensor(value) for key, value in model.state_dict("torch").items()})
    x = np.random.default_rng(0).uniform(-0.5, 1.5, size=(4, 6, 5, 3)).astype("f")
    with torch.no_grad():
        np.testing.assert_allclose(made.eval()(torch.as_tensor(x)).numpy(), model(x).numpy(), atol=1e-5)


def test_a_killed_run_ends_with_the_same_bits(tmp_path: Path) -> None:
    text = """\
data      = { use = "moving-digits", frames = 5, side = 12, digits = 2, train = 100, held = 10 }
model     = { use = "frame-cnn", width = 8, layers = 1 }
strategy  = { use = "next-frame", past = 2, round_steps = 5 }
optimizer = { use = "adamw", lr = 2e-3 }
run       = { until = "6 epochs", batch_size = 8, save_seconds = 0 }
"""
    killed_and_resumed(text, tmp_path, after="epoch 3/")
