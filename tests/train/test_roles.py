"""Models, data and environments by role: what a strategy gets, and what it is told when there is none."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from powertrain.recipe import RecipeError, load_recipe
from powertrain.train.building import build
from powertrain.train.display.display import Display
from powertrain.train.folder.checkpoint import Checkpoints
from powertrain.train.folder.run_folder import RunError, RunFolder
from powertrain.train.session import train

RECIPE = """\
data      = { use = "digits", split = { valid = 0.1, test = 0.2 } }
features  = [{ use = "scale", by = 0.0625 }]
model     = { use = "mlp", hidden = [8] }
optimizer = { use = "adamw", lr = 1e-3 }
run       = { until = "1 epoch", batch_size = 64 }
report    = { baseline = false, worst = 0 }
"""


def recipe(folder: Path, text: str, *settings: str) -> Any:
    (folder / "small.toml").write_text(text)
    return load_recipe(str(folder / "small.toml"), settings)


def run(folder: Path, text: str, *settings: str) -> Any:
    """A run of a recipe that has not begun."""
    return build(recipe(folder, text, *settings), RunFolder(folder / "run"), Display(quiet=True))


def go(folder: Path, text: str, name: str, *settings: str) -> dict[str, Any]:
    return train(recipe(folder, text, *settings), folder / name, display=Display(quiet=True)).results


def test_weights_begin_with_those_of_a_run_or_a_file(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    first = go(tmp_path, RECIPE, "first")
    begun = RECIPE.replace("[8] }", '[8], weights = "first" }').replace("lr = 1e-3", "lr = 1e-12")
    assert go(tmp_path, begun, "second")["test"]["accuracy"] == first["test"]["accuracy"]
    model = run(tmp_path, RECIPE).model()
    save_file({name: np.array(slot.numpy()) for name, slot in model.named_slots()}, tmp_path / "file.safetensors")
    assert go(tmp_path, begun.replace('"first"', '"file.safetensors"'), "third")["steps"] == first["steps"]


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ("gone", "[model.model.weights] there is no {}/gone; expected the folder of a run or a safetensors file; check "
                 "the path, which is taken from the recipe's folder"),
        ("empty", "[model.model.weights] {}/empty has no checkpoint that can be read; expected a run; train it first"),
        ("small.toml", "[model.model.weights] {}/small.toml could not be read: "),
    ],
)  # fmt: skip
def test_weights_that_are_not_there_are_said(tmp_path: Path, weights: str, text: str) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(RunError) as caught:
        go(tmp_path, RECIPE.replace("[8] }", f'[8], weights = "{weights}" }}'), "a")
    assert str(caught.value).startswith(text.format(tmp_path))
    assert weights != "gone" or not (tmp_path / "a" / "run.json").exists()


def test_weights_of_another_model_do_not_fit(tmp_path: Path) -> None:
    go(tmp_path, RECIPE, "first")
    with pytest.raises(RunError, match=r"does not fit the model: \[load_state_dict\] .*expected weights of the same"):
        go(tmp_path, RECIPE.replace("[8] }", '[9], weights = "first" }'), "second")


BODY = RECIPE.replace('use = "mlp", hidden = [8]', 'use = "cnn", channels = [4], hidden = 6')
HEAD = BODY.replace("hidden = 6 }", 'hidden = 0, weights = "first", fresh = "head.*", frozen = "body.*" }')


def arrays_of(folder: Path) -> dict[str, np.ndarray]:
    found, _ = Checkpoints(folder).latest()
    assert found is not None
    return found.arrays


def test_a_model_may_begin_with_a_part_of_another_runs_weights(tmp_path: Path) -> None:
    """Its head is of another form, and starts untrained; what is frozen stays, the statistics of batch norm too."""
    go(tmp_path, BODY, "first")
    shown = io.StringIO()
    train(recipe(tmp_path, HEAD), tmp_path / "second", display=Display(stream=shown))
    begun, after = arrays_of(tmp_path / "first"), arrays_of(tmp_path / "second")
    body = [name for name in begun if name.startswith("model.body.")]
    assert len(body) == 5 and any("running" in name for name in body)
    assert all(np.array_equal(begun[name], after[name]) for name in body)
    assert after["model.head.0.weight"].shape != begun["model.head.0.weight"].shape
    assert f"weights 5 of 7 tensors from {tmp_path}/first; head.* starts untrained" in shown.getvalue()


def test_what_is_frozen_stays_after_a_resume(tmp_path: Path) -> None:
    go(tmp_path, BODY, "first")
    longer = HEAD.replace("1 epoch", "2 epochs")
    straight = go(tmp_path, longer, "whole")
    go(tmp_path, HEAD, "parts")
    (tmp_path / "first").rename(tmp_path / "gone")  # a run that has begun needs it no more
    parts = train(recipe(tmp_path, longer), tmp_path / "parts", resume=True, display=Display(quiet=True)).results
    assert parts["hash"] == straight["hash"]


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ('fresh = "head.*"', 'fresh = "tail.*"', "[model.model.fresh] 'tail.*' matches no parameter; expected a "
                                                 "pattern of names such as body.0.weight, body.1.weight, body.1.bias"),
        ('frozen = "body.*"', 'frozen = "bdy.*"', "[model.model.frozen] 'bdy.*' matches no parameter; expected a "
                                                  "pattern of names such as body.0.weight, body.1.weight, body.1.bias"),
        (', fresh = "head.*"', "", '[model.model.weights] {}/first does not fit the model: [load_state_dict] '),
    ],
)  # fmt: skip
def test_patterns_that_match_nothing_are_said(tmp_path: Path, old: str, new: str, text: str) -> None:
    go(tmp_path, BODY, "first")
    with pytest.raises(RunError) as caught:
        go(tmp_path, HEAD.replace(old, new), "second")
    assert str(caught.value).startswith(text.format(tmp_path)) and not (tmp_path / "second" / "run.json").exists()


def test_fresh_without_weights_is_a_mistake_of_the_recipe(tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe(tmp_path, HEAD.replace('weights = "first", ', ""))
    said = "received it without weights; expected both; without weights every layer starts untrained"
    assert f"model.fresh] {said}" in str(caught.value)


def test_weights_may_lie_in_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "recipes").mkdir()
    go(tmp_path, RECIPE, "first")
    monkeypatch.chdir(tmp_path)
    begun = RECIPE.replace("[8] }", '[8], weights = "first" }')
    assert recipe(tmp_path / "recipes", begun).beginnings["model"].weights == tmp_path / "first"


def test_a_part_of_another_data_set_passes_through_the_same_transforms(tmp_path: Path) -> None:
    np.savez(tmp_path / "more.npz", x=np.full((10, 8, 8), 16.0, np.float32), y=np.zeros(10, np.int64))
    text = RECIPE.replace('data      = { use = "digits",', 'data.more = { use = "arrays", path = "more.npz" }\n'
                          'data.train = { use = "digits" }\ndata.split = { valid = 0.1 }\nunused = {').replace(
        'unused = { split = { valid = 0.1, test = 0.2 } }\n', "")  # fmt: skip
    made = run(tmp_path, text)
    assert made.parts == ("train", "valid", "more")
    batch = next(made.data("more").take(1))
    assert (batch.x[batch.weight > 0] == 1.0).all() and len(batch) == 10


def test_parts_of_one_length_are_not_shuffled_alike(tmp_path: Path) -> None:
    made = run(tmp_path, RECIPE)
    rows = range(100)
    streams = [made.data("train", rows=rows, name=name) for name in ("a", "b")]
    first, second = (next(stream.take(1)).indices.tolist() for stream in streams)
    assert first != second and sorted(made.table.host) == [
        "data.a.cursor", "data.b.cursor", "data.train.cursor", "evaluations", "progress"
    ]  # fmt: skip


def test_batches_beside_each_other(tmp_path: Path) -> None:
    made = run(tmp_path, RECIPE, "data.split.unlabelled=0.3")
    both = made.data("train").beside(free=made.data("unlabelled"))
    batch = next(both.take(1))
    assert set(batch.arrays) == {"x", "y", "free_x", "free_y", "free_weight", "weight"}
    assert batch.free_x.shape == batch.x.shape and both.left_in_epoch() == made.data("train").left_in_epoch()


def test_a_source_may_have_larger_batches(tmp_path: Path) -> None:
    made = run(tmp_path, RECIPE, "data.split.unlabelled=0.3")
    free = made.data("unlabelled", times=3)
    batch = next(made.data("train").beside(free=free).take(1))
    assert len(batch.free_x) == 3 * len(batch.x) == len(batch.free_weight)
    assert free.left_in_epoch() + 1 == len(free) == -(-len(free.loader.dataset) // len(batch.free_x))


def test_a_part_that_is_not_there_is_said(tmp_path: Path) -> None:
    made = run(tmp_path, RECIPE)
    with pytest.raises(RunError) as caught:
        made.data("unlabelled")
    assert str(caught.value) == (
        "[run.data] there is no unlabelled; expected one of train, valid, test; add data.unlabelled = { use = ... }, "
        "or a share of that name to data.split"
    )
    with pytest.raises(RunError, match="received rows of train without a name; expected one"):
        made.data("train", rows=[1, 2])


def test_a_step_that_each_round_makes_anew_is_refused(tmp_path: Path) -> None:
    made = run(tmp_path, RECIPE)
    source = made.data()
    with pytest.raises(
        RunError, match="make it a method of the strategy, not a function that each round defines again"
    ):
        for _ in range(70):
            made.loop(lambda t, batch: None, source, 1)


def test_what_a_stream_does_behind_its_last_batch_runs_in_the_loop(tmp_path: Path) -> None:
    made = run(tmp_path, RECIPE)
    source, done = made.data(), []

    class Counted:
        has_epochs, epoch, padded = False, 0, 0

        def take(self, count: int) -> Any:
            yield from source.take(count)
            done.append(count)

    made.loop(lambda t, batch: None, Counted(), 2)
    assert done == [2]


ENV = """
import numpy as np
from powertrain.plugin import Environment

class Env(Environment):
    actions = 2
    observation = np.zeros(3, np.float32)
    def __init__(self, params): self.left = 5
    def reset(self, seed): self.left = 5; return np.zeros(SHAPE, np.float32)
    def step(self, action): self.left -= 1; return np.zeros(SHAPE, np.float32), 1.0, LEFT, False
"""
PLAY = """\
data.env  = { use = "./env.py:Env", copies = 2 }
model     = { use = "mlp", hidden = [8] }
optimizer = { use = "adamw", lr = 1e-3 }
run       = { until = "100 env_steps" }
"""


def env(folder: Path, shape: str = "3", left: str = "self.left == 0") -> None:
    (folder / "env.py").write_text(ENV.replace("SHAPE", shape).replace("LEFT", left))


def test_an_environment_counts_steps_and_returns(tmp_path: Path) -> None:
    import powertrain as pt

    env(tmp_path)
    made = run(tmp_path, PLAY)
    rows = made.env().unroll(lambda t, batch: pt.argmax(batch.x[:, :2], axis=1), 7)
    assert rows["x"].shape == (14, 3) and rows["done"].sum() == 2 and made.progress.env_steps == 14
    assert made.table.logs.means() == {"return": 5.0}


@pytest.mark.parametrize(
    ("act", "text"),
    [
        (lambda t, batch: batch.x, "[unroll] act gave float32[2, 3]; expected one whole number for each of the 2"),
        (lambda t, batch: __import__("powertrain").argmax(batch.x, axis=1) + 7, "[unroll] act gave actions 7 to 7; "
                                                                                "expected 0 to 1"),
    ],
)  # fmt: skip
def test_actions_that_cannot_be_played_are_said(tmp_path: Path, act: Any, text: str) -> None:
    env(tmp_path)
    source = run(tmp_path, PLAY).env()
    with pytest.raises(RunError) as caught:
        source.unroll(act, 1)
    assert str(caught.value).startswith(text)


def test_an_environment_that_contradicts_itself_or_never_ends_is_said(tmp_path: Path) -> None:
    env(tmp_path, shape="4")
    with pytest.raises(RunError, match=r"\[data.env\] reset gave an observation of shape \[4\]; expected \[3\]"):
        run(tmp_path, PLAY).env()
    with pytest.raises(RecipeError, match=r"\[--set data.env.copies\] received 0; expected a whole number >= 1 and"):
        recipe(tmp_path, PLAY, "data.env.copies=0")
    with pytest.raises(RunError, match=r"\[run.until\] received 3 epochs; the data is drawn at random"):
        run(tmp_path, PLAY, "run.until=3 epochs")


TAKEN = ["model", "model.w", "optimizer.m", "data.x", "random", "progress", "early", "log.loss", ""]


@pytest.mark.parametrize("name", TAKEN)
def test_a_name_that_would_hide_another_slot_is_refused(tmp_path: Path, name: str) -> None:
    made = run(tmp_path, RECIPE)
    made.model()
    before = set(made.table.snapshot())
    for claim in (
        lambda: made.slot(name, np.zeros(2)),
        lambda: made.ring(name, 3, x=np.zeros(2)),
        lambda: made.blob(name, list, bytes, list),
    ):
        with pytest.raises(RunError, match="is taken, or begins like the run's own slots"):
            claim()
    assert set(made.table.snapshot()) == before


def test_one_name_is_one_slot(tmp_path: Path) -> None:
    made = run(tmp_path, RECIPE)
    slot = made.slot("mine.steps", np.zeros(2))
    assert made.slot("mine.steps", np.ones(3)) is slot
    with pytest.raises(RunError, match=r"the name mine\.steps is taken"):
        made.ring("mine.steps", 3, x=np.zeros(2))
    with pytest.raises(RunError, match="the name mine is taken"):
        made.ring("mine", 3, steps=np.zeros(2))
    made.slot("mine.other", np.zeros(2))
