"""Runs of a strategy that draws Poisson samples, and what such a strategy asks its run and its step for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import Strategy
from powertrain.train.run.step import Step

SIZES: list[tuple[int, int]] = []


class Private(Strategy):
    poisson = True

    def setup(self, run: Any) -> None:
        super().setup(run)
        SIZES.append((run.total_steps, run.data("train").padded))

    def step(self, t: Any, batch: Any) -> None:
        losses = self.loss(self.model(batch.x), batch.y)
        t.minimize(self.opt, losses, batch.weight)
        t.log("drawn", pt.sum(batch.weight))


def fitted(until: str, **more: Any) -> Any:
    x = np.random.default_rng(0).normal(size=(200, 3)).astype("f")
    return pt.fit(
        strategy=Private, model="mlp", optimizer="adamw", data=(x, (x[:, 0] > 0).astype(int)), verbose=False,
        run={"until": until, "batch_size": 20, "seed": 4}, **more,
    )  # fmt: skip


def test_batches_vary_around_the_mean_and_epochs_count_steps(tmp_path: Path) -> None:
    SIZES.clear()
    run = fitted("8 epochs", folder=tmp_path / "run")
    progress = run.run.progress
    assert progress.epochs == 8 and progress.steps == 80 == SIZES[0][0]
    # Steps of 20 examples each would make 1,600 exactly.
    assert progress.examples != 1600 and abs(progress.examples - 1600) < 5 * np.sqrt(1600)
    assert SIZES[0][1] >= 60, "padding that a whole-batch loss would count"


@pytest.mark.parametrize(("until", "steps"), [("12 steps", 12), ("2 epochs", 20), ("70 examples", None)])
def test_a_run_says_its_steps_where_they_are_known(until: str, steps: int | None, tmp_path: Path) -> None:
    SIZES.clear()
    fitted(until, folder=tmp_path / "run")
    assert SIZES[0][0] == steps


class Endless(pt.data.IterableDataset):
    def __iter__(self) -> Iterator[Any]:
        while True:
            yield np.zeros(3, "f"), 0


def test_a_stream_whose_examples_nobody_can_count_is_refused(tmp_path: Path) -> None:
    with pytest.raises(pt.Error, match="is a stream, or windows of one text; expected examples that can be counted"):
        pt.fit(
            strategy=Private, model="mlp", optimizer="adamw", data=Endless(), verbose=False, folder=tmp_path / "run",
            run={"until": "3 steps", "batch_size": 20},
        )  # fmt: skip


def test_gradients_by_values_of_which_one_depends_on_another() -> None:
    def step(x: Any) -> Any:
        y = x * 3.0
        z = y * y
        return Step().gradients(pt.sum(z * 2.0), [y, z])

    x = np.array([1.0, -2.0], "f")
    by_y, by_z = (g.numpy() for g in pt.compile(step)(x))
    assert by_z.tolist() == [2.0, 2.0] and by_y.tolist() == [12.0, -24.0]


def test_gradients_by_many_values_go_back_through_each_layer_once() -> None:
    """Through residual blocks, where sums of gradients would be made in another order for each value."""
    model = pt.nn.Sequential(*(pt.nn.TransformerBlock(8, 2) for _ in range(4)))
    values: list[Any] = []
    for block in model:
        for layer in (block.qkv, block.fc, block.out):
            layer.register_forward_hook(lambda layer, args, output: values.append(output))

    def step(x: Any) -> Any:
        return Step().gradients(pt.sum(pt.square(model(x))), values)

    compiled = pt.compile(step)
    compiled(np.ones((2, 5, 8), np.float32))
    names = [one["name"] for one in compiled.programs[0]["instructions"]]
    assert sum(name.startswith("attention_backward") for name in names) == 4, names
