"""Gradients and central differences as matrices, for `pt.gradcheck`."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain._core import Tensor

Array = NDArray[np.float64]
Function = Callable[[list[Tensor]], list[Tensor]]


def first_difference(
    function: Function, inputs: list[Tensor], outputs: list[Tensor], eps: float, atol: float, rtol: float
) -> str:
    """The error text for the first gradient that differs from the slope; empty if none does."""
    for place, x in enumerate(inputs):
        slopes = _slopes(function, inputs, place, outputs, eps)
        for at, output in enumerate(outputs):
            found = _gradients(output, x)
            wrong = ~(np.abs(found - slopes[at]) <= atol + rtol * np.abs(slopes[at]))  # a NaN is wrong, too
            if wrong.any():
                row, column = (int(where[0]) for where in np.nonzero(wrong))
                return (
                    f"[gradcheck] the gradient of result {at}{_element(row, output.shape)} by input {place}"
                    f"{_element(column, x.shape)} is {found[row, column]:.6g}; expected {slopes[at][row, column]:.6g}, "
                    f"as differences say; {wrong.sum():,} of {wrong.size:,} differ: correct the gradient"
                )
    return ""


def _element(number: int, shape: Sequence[int]) -> str:
    """The index of a number, as Python writes it; nothing for a scalar."""
    return str([int(index) for index in np.unravel_index(number, tuple(shape))]) if shape else ""


def _slopes(function: Function, inputs: list[Tensor], place: int, outputs: list[Tensor], eps: float) -> list[Array]:
    """How each result changes with each number of one input: a matrix (number of the result, number of the input) for
    each result."""
    at = inputs[place].numpy()
    found = [np.empty((output.size, at.size)) for output in outputs]
    for number in range(at.size):
        step = np.zeros(at.size)
        step[number] = eps
        up, down = (
            function([*inputs[:place], _core.asarray(at + way * step.reshape(at.shape)), *inputs[place + 1 :]])
            for way in (1, -1)
        )
        for matrix, high, low in zip(found, up, down, strict=True):
            matrix[:, number] = (high.numpy() - low.numpy()).ravel() / (2 * eps)
    return found


def _gradients(output: Tensor, x: Tensor) -> Array:
    """The gradient of each number of a result by x: a matrix (number of the result, number of x)."""
    found = np.empty((output.size, x.size))
    for number, unit in enumerate(np.eye(output.size)):
        cotangent = _core.asarray(unit.reshape(output.shape))
        found[number] = _core.gradients([output], [cotangent], [x])[0].numpy().ravel()
    return found
