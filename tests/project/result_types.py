"""What a type checker must say of calls whose result depends on an argument.

tools/check_stub.py runs mypy on this file. It is not run itself.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from typing_extensions import assert_type

import powertrain as pt
import powertrain.nn.functional as F
from powertrain import Tensor
from powertrain.plugin import Environment, Kernel, Numba

Pair = tuple[Tensor, Tensor]


def functions(x: Tensor, places: bool) -> None:
    assert_type(F.max_pool2d(x, 2), Tensor)
    assert_type(F.max_pool2d(x, 2, return_indices=True), Pair)
    assert_type(F.max_pool2d(x, 2, return_indices=places), Tensor | Pair)
    assert_type(F.adaptive_max_pool2d(x, 2, return_indices=True), Pair)


def numbers(loss: Tensor) -> float:
    assert_type(loss.item(), int | float)
    total = 0.0
    total += loss.item()
    return round(total + loss.item(), 3)


def modules(x: Tensor, places: bool) -> None:
    assert_type(pt.nn.MaxPool1d(2)(x), Tensor)
    assert_type(pt.nn.MaxPool2d(2, 2, 0, 1, False)(x), Tensor)
    assert_type(pt.nn.MaxPool2d(2, return_indices=True)(x), Pair)
    assert_type(pt.nn.MaxPool3d(2, 2, 0, 1, True)(x), Pair)
    assert_type(pt.nn.MaxPool2d(2, return_indices=places)(x), Tensor | Pair)
    assert_type(pt.nn.AdaptiveMaxPool2d(2)(x), Tensor)
    assert_type(pt.nn.AdaptiveMaxPool2d(2, return_indices=True)(x), Pair)
    assert_type(pt.nn.FractionalMaxPool2d(2, output_size=2)(x), Tensor)
    assert_type(pt.nn.FractionalMaxPool3d(2, output_size=2, return_indices=True)(x), Pair)
    assert_type(pt.nn.AvgPool2d(2)(x), Tensor)


class Net(pt.nn.Module):
    pool: pt.nn.MaxPool2d  # as people write it: one that gives no places
    placing: pt.nn.MaxPool2d[bool]

    def __init__(self, places: bool) -> None:
        super().__init__()
        self.pool = pt.nn.MaxPool2d(2)
        self.placing = pt.nn.MaxPool2d(2, return_indices=places)
        self.body = pt.nn.Sequential(pt.nn.Conv2d(3, 8, 3), pt.nn.MaxPool2d(2))

    def forward(self, x: Tensor) -> Tensor:
        assert_type(self.placing(x), Tensor | Pair)
        return assert_type(self.pool(self.body(x)), Tensor)


Seen = tuple[ArrayLike, float, bool, bool]


class Pushed(Environment[int]):
    def step(self, action: int) -> Seen:
        return np.zeros(1), float(action), True, False


class Unsaid(Environment):  # takes what it likes
    def step(self, action: bool) -> Seen:
        return np.zeros(1), float(action), True, False


def plugins(pushed: Pushed, code: Numba, x: Tensor) -> None:
    assert_type(pushed.step(1), Seen)
    pushed.step("left")  # type: ignore[arg-type]
    assert_type(Kernel("half", code)(x), Tensor)
    both: Kernel[Pair] = Kernel("both", code, outputs=2)
    assert_type(both.chosen(scale=2)(x), Pair)
    low, high = Kernel("both", code, outputs=2)(x)
    assert_type(low, Tensor)
    assert_type(high, Tensor)
