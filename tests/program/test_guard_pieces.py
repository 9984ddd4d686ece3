"""Products look at large pieces of a flat gradient as they make them: one bad number anywhere stops the step."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.optim import SGD

HUGE = 3e38  # two of them are too much for a float32
BEYOND_BF16 = (3.3895e38, 1.2e36)  # their sum is a float32 that rounds to infinity in 16 bits

Array = np.ndarray[Any, Any]
Loss = Callable[[pt.Tensor, pt.Tensor], pt.Tensor]


def convolved(x: pt.Tensor, w: pt.Tensor) -> pt.Tensor:
    return pt.ops.functional.OPERATORS["conv2d_kernel"](x, w, padding=1)


class Case:
    """Of a loss that is 0 for weights of 0; `bad` makes of inputs those whose gradient has one bad row or column."""

    def __init__(self, weight: tuple[int, ...], inputs: tuple[int, ...], loss: Loss, precision: str = "f32") -> None:
        self.weight, self.inputs, self.loss, self.precision = weight, inputs, loss, precision

    def bad(self, x: Array, channel: int) -> Array:
        x = np.array(x).reshape(-1, x.shape[-1])
        values = (HUGE, HUGE) if self.precision == "f32" else BEYOND_BF16
        x[:, channel] = 0
        x[[0, -1], channel] = values
        return x.reshape(self.inputs)


CASES = {
    "product": Case((700, 800), (60, 700), lambda x, w: (x @ w).sum()),
    "one that is split along K": Case((700, 800), (20000, 700), lambda x, w: (x @ w).sum()),
    "few rows": Case((2, 300000), (60, 2), lambda x, w: (x @ w).sum()),
    "a turned weight": Case((800, 700), (60, 700), lambda x, w: (x @ w.T).sum()),
    "a weight of images": Case(
        (1, 1, 700, 800), (2, 6, 5, 700), lambda x, w: pt.ops.functional.OPERATORS["conv2d_kernel"](x, w).sum()
    ),
    "convolution": Case((3, 3, 250, 256), (2, 9, 8, 250), lambda x, w: convolved(x, w).sum()),
    "convolution by tiles": Case((3, 3, 250, 256), (4, 9, 8, 250), lambda x, w: convolved(x, w).sum()),
    "convolution by tiles in groups": Case((3, 3, 250, 256), (30, 9, 8, 250), lambda x, w: convolved(x, w).sum()),
    "bf16": Case((700, 800), (60, 700), lambda x, w: (x @ w).astype("float32").sum(), "bf16"),
    "bf16, rows that are no whole lines": Case(
        (700, 801), (60, 700), lambda x, w: (x @ w).astype("float32").sum(), "bf16"
    ),
    "bf16, added to another gradient": Case(
        (700, 800),
        (60, 700),
        lambda x, w: (x @ w).astype("float32").sum() + pt.take(w, pt.arange(60), axis=0).sum(),
        "bf16",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_a_bad_number_in_a_piece_stops_the_step(name: str) -> None:
    case = CASES[name]
    weight, bias = pt.nn.Parameter(pt.zeros(case.weight)), pt.nn.Parameter(pt.zeros(3))
    optimizer = SGD([weight, bias], lr=1.0)

    def loss_of(x: pt.Tensor) -> pt.Tensor:
        return case.loss(x, weight.value) + bias.value.sum()

    @pt.compile
    def step(x: pt.Tensor) -> pt.Tensor:
        with pt.autocast(case.precision):
            loss, gradients = pt.nn.value_and_grad([weight, bias], loss_of)(x)
        optimizer.update(gradients)
        return loss

    x = np.random.default_rng(0).normal(size=case.inputs).astype(np.float32)
    channels = case.inputs[-1]
    for channel in (0, channels // 2, channels - 1):
        with pytest.raises(pt.NonFiniteError):
            step(pt.tensor(case.bad(x, channel)))
        assert not weight.value.numpy().any() and not bias.value.numpy().any()
    looked_at = [line for line in step.describe().splitlines() if " guard " in line]
    assert looked_at and not any("MB" in line for line in looked_at), looked_at
    step(pt.tensor(x))
    assert np.isfinite(weight.value.numpy()).all() and weight.value.numpy().any() and bias.value.numpy().all()
