"""Weights that a step in mixed precision casts are cast together on a GPU, and the bits are those of a cast of each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from array_checks import same_bits
from device_models import MLP, MODELS, Model, batches, training
from powertrain import _core
from simulated_gpu import simulated_gpus

GPU = simulated_gpus()[0]
WEIGHTS_OF_MLP = 12 * 32 + 32 * 32 + 32 * 4 + 32 + 32 + 4


def casts(step: Any) -> list[dict[str, Any]]:
    """Launches that cast and do nothing else."""
    return [launch for launch in step.programs[0]["instructions"] if launch["name"] == "astype"]


def trained(make: Model, left_out: str | None) -> tuple[list[Any], Any]:
    model, step = training(make, GPU, "bf16")
    if left_out:
        step = _core.compiled_without(step, left_out)
    source = batches(make)
    numbers = [step(*next(source)).numpy() for _ in range(4)]
    return [*numbers, *model.state_dict().values()], step


@pytest.mark.parametrize("make", MODELS)
def test_weights_are_cast_by_one_launch(make: Model) -> None:
    together, step = trained(make, None)
    one_by_one, other = trained(make, "cast_together")
    assert all(map(same_bits, together, one_by_one))
    assert len(casts(step)) < len(casts(other)) - 1


def test_the_one_cast_is_of_the_whole_slot() -> None:
    step = trained(MLP, None)[1]
    assert sum(launch["bytes"] >= 6 * WEIGHTS_OF_MLP for launch in casts(step)) == 1


def test_a_slot_of_which_little_is_cast_is_cast_in_pieces() -> None:
    slots = [pt.Slot(pt.ones((n,), device=GPU), f"w{n}") for n in (8, 16, 24, 4000)]
    held = _core.flatten_slots(slots, "flat")

    def halves(x: Any) -> Any:
        return tuple((slot.value.astype("bfloat16"), x) for slot in slots[:3])

    step = pt.compile(halves)
    step(pt.ones((2,), device=GPU))
    assert len(casts(step)) == 3 and held is not None


def test_the_cpu_casts_each_where_it_is_read() -> None:
    step = training(MLP, "cpu", "bf16")[1]
    step(*next(batches(MLP)))
    assert len(casts(step)) > 1


def test_logits_that_are_widened_for_a_loss_are_not_stored_wide() -> None:
    rows, classes = 48, 300

    def loss_and_gradient(x: Any, w: Any, y: Any) -> Any:
        with pt.autocast("bf16"):
            return pt.value_and_grad(lambda x: F.cross_entropy(x @ w, y, ignore_index=None))(x)

    draw = np.random.default_rng(0)
    x, w = (pt.tensor(draw.normal(size=shape).astype("float32"), device=GPU) for shape in ((rows, 16), (16, classes)))
    step, y = pt.compile(loss_and_gradient), pt.tensor(draw.integers(0, classes, rows), device=GPU)
    assert step(x, w, y)[0].item() == loss_and_gradient(x, w, y)[0].item()
    [of_rows] = [launch for launch in step.programs[0]["instructions"] if "exp" in launch["name"]]
    assert of_rows["bytes"] < 5 * rows * classes  # the logits in bf16 and their gradient; wide they were 4 bytes more
