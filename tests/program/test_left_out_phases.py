"""Phases that a guard leaves out: what is read after them is what the slots hold, as random programs show."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from numpy_backend import NumPyBackend
from phased_programs import examine

NUMPY = NumPyBackend()
ROUTES: list[dict[str, Any]] = [{}, {"simplify": False, "fuse": False}, {"backend": NUMPY}]


@pytest.mark.parametrize("route", ROUTES, ids=["engine", "plain", "backend"])
@pytest.mark.parametrize("seed", range(40))
@pytest.mark.filterwarnings("ignore:invalid value")
def test_a_random_program_means_what_it_says(seed: int, route: dict[str, Any]) -> None:
    examine(seed, **route)


@pytest.mark.parametrize("route", ROUTES, ids=["engine", "plain", "backend"])
def test_weights_that_are_clipped_after_an_update_stay_where_a_step_is_left_out(route: dict[str, Any]) -> None:
    model = pt.nn.Linear(3, 2)
    optimizer = pt.optim.AdamW(model, lr=0.1)
    loss_and_grads = pt.nn.value_and_grad(model, lambda x: model(x).mean())

    def body(x: pt.Tensor) -> pt.Tensor:
        loss, grads = loss_and_grads(x)
        optimizer.update(grads)
        for weight in model.parameters():
            weight.value = pt.clip(weight.value, -0.4, 0.4)
        return loss

    step = pt.compile(body, on_nonfinite="skip", **route)
    step(np.ones((2, 3), np.float32))
    before = [weight.numpy() for weight in model.parameters()]
    assert max(np.abs(weight).max() for weight in before) <= np.float32(0.4)
    step(np.array([[1, 1, np.inf]] * 2, np.float32))
    assert step.tripped
    for weight, wanted in zip(model.parameters(), before, strict=True):
        np.testing.assert_array_equal(weight.numpy(), wanted)


def test_a_step_that_leaves_out_costs_no_copy_of_what_it_reads_once() -> None:
    weight, average = (pt.Slot(pt.zeros(1000), name=name) for name in ("weight", "average"))

    @pt.compile
    def step(x: pt.Tensor) -> None:
        weight.value = weight.value + pt.guard(x)
        pt.end_phase()
        average.value = 0.9 * average.value + 0.1 * weight.value
        pt.end_phase()

    skipping = pt.compile(step.__wrapped__, on_nonfinite="skip")
    for one in (step, skipping):
        one(pt.ones(1000))
    assert skipping.describe().count("copy") == step.describe().count("copy")
    assert [p["arena_bytes"] for p in skipping.programs] == [p["arena_bytes"] for p in step.programs]
