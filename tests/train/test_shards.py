"""A step over the shards of a batch: each is a batch to the model, and their gradients make one update."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import Batch, Step
from powertrain.recipe import RecipeError, load_recipe
from powertrain.train.run.shards import STREAMS
from running import inside

DRAW = np.random.default_rng(0)
X, Y = DRAW.normal(size=(100, 6)).astype(np.float32), DRAW.integers(0, 3, 100)


def fitted(shards: int, model: Any = None, strategy: Any = None, **settings: Any) -> Any:
    """A run of some steps, whose last batch has 4 examples and 28 rows of padding."""
    pt.random.seed(0)
    return pt.fit(
        model=model() if model is not None else pt.nn.Sequential(pt.nn.Linear(6, 8), pt.nn.Tanh(), pt.nn.Linear(8, 3)),
        data=(X, Y), strategy=strategy, epochs=2, batch_size=32, verbose=False, **{"run.shards": shards}, **settings,
    )  # fmt: skip


def weights(run: Any) -> np.ndarray[Any, Any]:
    return np.concatenate([slot.numpy().ravel() for _, slot in run.model.named_parameters()])


@pytest.mark.parametrize("optimizer", ["sgd", {"use": "sgd", "lr": 0.1, "accumulate": 2, "clip": 0.1}])
def test_shards_learn_what_the_batch_would_but_for_roundings(optimizer: Any) -> None:
    whole, cut = fitted(1, optimizer=optimizer), fitted(8, optimizer=optimizer)
    moved = np.abs(weights(whole) - weights(fitted(1, optimizer=optimizer, lr=1e-12))).max()
    assert np.abs(weights(cut) - weights(whole)).max() <= 1e-5 * moved
    assert cut.history[-1]["train.loss"] == pytest.approx(whole.history[-1]["train.loss"], rel=1e-6)
    assert cut.results["steps"] == whole.results["steps"] == 8


def test_batch_norm_sees_each_shard_alone_and_keeps_the_mean_of_its_statistics() -> None:
    def model() -> Any:
        return pt.nn.Sequential(pt.nn.BatchNorm1d(6, momentum=None), pt.nn.Linear(6, 3))

    def statistics(shards: int) -> Any:
        run = pt.fit(
            model=model(), data=(X[:32], Y[:32]), steps=1, batch_size=32, verbose=False, optimizer="sgd",
            **{"run.shards": shards},
        )  # fmt: skip
        return run.model[0].running_var.numpy(), int(run.model[0].num_batches_tracked.numpy())

    (batch,) = next(iter(pt.data.DataLoader(pt.data.TensorDataset(X[:32]), 32, shuffle=True)))
    of_shards = batch.numpy().reshape(4, 8, 6).var(axis=1, ddof=1).mean(axis=0)
    found, count = statistics(4)
    np.testing.assert_allclose(found, of_shards, rtol=1e-5)
    assert count == 1
    assert not np.allclose(statistics(1)[0], of_shards, rtol=1e-3)


class Drawing(pt.plugin.Strategy):
    """Logs a random number of each shard."""

    shards = True

    def step(self, t: Step, batch: Batch) -> None:
        t.minimize(self.opt, self.loss(self.model(batch.x), batch.y), batch.weight)
        t.log("drawn", pt.sum(t.rng.uniform(size=(1,))))


def test_each_shard_draws_numbers_of_its_own() -> None:
    run = pt.fit(
        model=pt.nn.Linear(6, 3), data=(X, Y), strategy=Drawing, steps=2, batch_size=32, seed=5, verbose=False,
        **{"run.shards": 4, "run.evaluate.every": "2 steps"},
    )  # fmt: skip
    streams = [pt.random.Generator(5, shard * STREAMS) for shard in range(4)]
    wanted = np.mean([[stream.uniform().item() for stream in streams] for _ in range(2)])
    assert run.history[-1]["train.drawn"] == pytest.approx(wanted, rel=1e-12)


def test_looks_into_gradients_change_no_bit() -> None:
    plain, looked = fitted(4), fitted(4, **{"run.anomalies": {"every": 1}})
    assert weights(plain).tobytes() == weights(looked).tobytes()


def test_a_loss_that_couples_the_examples_is_a_mean_over_the_shards() -> None:
    class Coupled(Drawing):
        def step(self, t: Step, batch: Batch) -> None:
            t.minimize(self.opt, pt.mean(self.loss(self.model(batch.x), batch.y)), couples=True)

    def trained(shards: int) -> Any:
        pt.random.seed(0)
        return weights(pt.fit(model=pt.nn.Linear(6, 3), data=(X, Y), strategy=Coupled, steps=3, batch_size=16,
                              optimizer="sgd", verbose=False, **{"run.shards": shards}))  # fmt: skip

    np.testing.assert_allclose(trained(4), trained(1), rtol=1e-5, atol=1e-6)


def test_a_number_that_is_not_finite_stops_the_run_or_is_left_out() -> None:
    class Odd(pt.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = pt.nn.Linear(6, 3)

        def forward(self, x: Any) -> Any:
            scores = self.inner(x)
            return pt.log(scores) if self.training else scores

    with pytest.raises(
        pt.NonFiniteError, match=r"\[log\] made a number that is not finite out of finite ones at .*forward"
    ):
        fitted(4, Odd)
    run = fitted(4, Odd, **{"run.anomalies": {"not_finite": "skip"}})
    assert [one["kind"] for one in run.anomalies] == ["not finite"] * len(run.anomalies) != []


class Twice(Drawing):
    def step(self, t: Step, batch: Batch) -> None:
        for _ in range(2):
            t.minimize(self.opt, self.loss(self.model(batch.x), batch.y), batch.weight)


class Never(Drawing):
    def step(self, t: Step, batch: Batch) -> None:
        t.log("rows", pt.sum(batch.weight))


@pytest.mark.parametrize(
    ("strategy", "text"),
    [
        (Twice, "[run.shards] the step minimizes twice, and shards are summed once; expected a step with one minimize; "
         "leave run.shards out"),
        (Never, "[run.shards] the step minimizes nothing; expected a step with one minimize; leave run.shards out"),
    ],
)  # fmt: skip
def test_steps_that_cannot_be_cut(strategy: Any, text: str, tmp_path: Path) -> None:
    with pytest.raises(pt.Error) as caught:
        fitted(2, strategy=strategy, folder=tmp_path / "a")
    assert str(caught.value) == text
    assert not (tmp_path / "a").exists()


def test_row_sparse_gradients_are_refused() -> None:
    with pytest.raises(pt.Error) as caught:
        pt.fit(
            model=pt.nn.Sequential(pt.nn.Embedding(9, 4, sparse=True), pt.nn.Flatten(), pt.nn.Linear(8, 3)),
            data=(np.zeros((8, 2), np.int64), np.arange(8) % 3), optimizer="sgd", steps=1, batch_size=4,
            verbose=False, **{"run.shards": 2},
        )  # fmt: skip
    assert str(caught.value) == (
        "[run.shards] the gradient of 0.weight is row-sparse, and shards are summed whole; expected dense gradients; "
        "make the layer with sparse=False, or leave run.shards out"
    )


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (["run.shards=6"], "run.shards] received 6; expected a power of two; such as 4"),
        (["run.shards=4", "run.batch_size=30"],
         "run.shards] received 4 for batches of 30; expected shards of one size; write batch_size = 32"),
        (["run.shards=0"], "run.shards] received 0; expected a whole number >= 1 and <= 1,024"),
        (["run.shards=2", "strategy.use=contrastive"],
         "run.shards] received 2 with the strategy contrastive, whose step is no sum over shards; expected supervised, "
         "or another one that allows it; leave shards out"),
        (["run.shards=2", "run.backend.use=xla"],
         "run.shards] received 2 with the backend xla; expected the engine's own kernels; leave one of them out"),
    ],
)  # fmt: skip
def test_settings_that_do_not_fit(settings: list[str], text: str) -> None:
    with pytest.raises(RecipeError) as caught:
        load_recipe("digits", settings)
    assert text in str(caught.value)


def test_plan_counts_all_shards_and_profile_takes_one(tmp_path: Path) -> None:
    small = ["--set", "run.shards=4", "--set", "run.until=40 steps"]
    plans = [json.loads(inside(["plan", "digits", *small[:count], "--json"], tmp_path).stdout) for count in (0, 4)]
    assert plans[1]["step_flops"] == pytest.approx(plans[0]["step_flops"], rel=0.05)
    said = inside(["profile", "digits", *small], tmp_path, expect=2).stderr.strip()
    assert said == (
        "[profile] run.shards = 4, so that a step is several programs; expected one; profile the step of one shard: "
        "--set run.shards=1 --set run.batch_size=16"
    )
