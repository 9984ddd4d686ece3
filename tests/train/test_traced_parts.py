"""Models that call their layers inside of pt.checkpoint, pt.vmap, a loop or a branch learn as without these."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt

X = np.random.default_rng(0).normal(size=(64, 6)).astype(np.float32)
Y = (X[:, :1] - X[:, 1:2]).astype(np.float32)
Layer = Callable[[pt.Tensor], pt.Tensor]


def in_a_loop(layer: Layer, x: pt.Tensor) -> pt.Tensor:
    return pt.scan(lambda carried, _: (layer(carried), None), x, pt.arange(1))[0]


def in_a_branch(layer: Layer, x: pt.Tensor) -> pt.Tensor:
    return pt.cond(pt.isfinite(pt.sum(x)), layer, lambda x: 0 * layer(x), x)


PARTS: dict[str, Callable[[Layer, pt.Tensor], pt.Tensor]] = {
    "checkpoint": lambda layer, x: pt.checkpoint(layer)(x),
    "vmap": lambda layer, x: pt.vmap(layer)(x),
    "loop": in_a_loop,
    "branch": in_a_branch,
}


class InPart(pt.nn.Module):
    def __init__(self, call: Callable[[Layer, pt.Tensor], pt.Tensor]) -> None:
        super().__init__()
        self.first, self.last = pt.nn.Linear(6, 6), pt.nn.Linear(6, 1)
        self.call = call

    def forward(self, x: pt.Tensor) -> pt.Tensor:
        return self.last(self.call(lambda x: pt.tanh(self.first(x)), x))


def learned(call: Callable[[Layer, pt.Tensor], pt.Tensor]) -> dict[str, Any]:
    pt.random.seed(0)
    model = InPart(call)
    pt.fit(model=model, data=(X, Y), optimizer={"use": "sgd", "lr": 0.1}, epochs=2, batch_size=16,
           report={"baseline": False}, verbose=False)  # fmt: skip
    return {name: slot.numpy() for name, slot in model.named_parameters()}


@pytest.mark.parametrize("part", PARTS)
def test_a_layer_that_is_first_called_in_a_part_learns(part: str) -> None:
    wanted, found = learned(lambda layer, x: layer(x)), learned(PARTS[part])
    for name, value in wanted.items():
        np.testing.assert_allclose(found[name], value, rtol=1e-5, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("part", PARTS)
def test_a_parameter_that_a_part_reads_first_can_be_read_after_it(part: str) -> None:
    layer = pt.nn.Linear(6, 6)
    pt.optim.SGD(layer, lr=0.1)  # which lays the parameters out in one slot
    step = pt.compile(lambda x: (PARTS[part](layer, x), layer.weight.value * 2))
    output, doubled = step(X)
    np.testing.assert_allclose(output.numpy(), layer(X).numpy(), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(doubled.numpy(), 2 * layer.weight.numpy())
