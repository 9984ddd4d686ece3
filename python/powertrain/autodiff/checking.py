"""Gradients beside central differences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain._core import Tensor
from powertrain.autodiff.gradients import check_output, own_input
from powertrain.autodiff.tree import Flat

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Array = NDArray[np.float64]


class GradcheckError(_core.Error):  # type: ignore[misc, unused-ignore]
    """A gradient that is not the slope of its function."""


def gradcheck(
    function: Callable[..., object],
    inputs: TensorLike | Sequence[TensorLike],
    *,
    eps: float = 1e-6,
    atol: float = 1e-5,
    rtol: float = 1e-3,
    raise_exception: bool = True,
) -> bool:
    """Whether the gradients of `function(*inputs)` are its slopes, by central differences.

    Every number of every result is differentiated by every number of every input: keep them small. Values at which the
    function has a kink, such as 0 for relu, have no slope to compare with.

    inputs             float64 tensors or arrays: differences of fewer digits are noise
    eps                how far each number is moved, both ways
    atol, rtol         a gradient may be off by `atol + rtol * |slope|`
    raise_exception    False: answer False where they differ, in place of the error that names the numbers

    Errors    inputs or results that are not float64; a gradient that differs
    Source    as torch.autograd.gradcheck
    Example
        >>> import powertrain as pt
        >>> pt.gradcheck(lambda x, w: pt.tanh(x @ w), (pt.ones((2, 3), dtype="float64"), np.eye(3)))
        True
    """
    given = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    watched = [_demand_double(f"input {at}", own_input("gradcheck", f"input {at}", x)) for at, x in enumerate(given)]
    flat = Flat(function, tuple)
    outputs = _core.with_tape(watched, lambda: flat(watched))
    for at, output in enumerate(outputs):
        _demand_double(f"result {at}", check_output("gradcheck", output))
    for place, x in enumerate(watched):
        slopes = _slopes(flat, watched, place, outputs, eps)
        for at, output in enumerate(outputs):
            found = _gradients(output, x)
            wrong = ~(np.abs(found - slopes[at]) <= atol + rtol * np.abs(slopes[at]))  # a NaN is wrong, too
            if wrong.any():
                if raise_exception:
                    raise _differs(at, output, place, x, found, slopes[at], wrong)
                return False
    return True


def _demand_double(name: str, x: Tensor) -> Tensor:
    if x.dtype.name != "float64":
        raise _core.DTypeError(
            f"[gradcheck] {name} is {x.dtype.name}{list(x.shape)}; expected float64, since differences of fewer digits "
            "are noise; convert the inputs with astype('float64')"
        )
    return x


def _slopes(
    function: Callable[[list[Tensor]], list[Tensor]],
    inputs: list[Tensor],
    place: int,
    outputs: list[Tensor],
    eps: float,
) -> list[Array]:
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


def _differs(
    at: int, output: Tensor, place: int, x: Tensor, found: Array, slopes: Array, wrong: NDArray[np.bool_]
) -> GradcheckError:
    row, column = (int(where[0]) for where in np.nonzero(wrong))

    def element(number: int, shape: Sequence[int]) -> str:
        return str([int(index) for index in np.unravel_index(number, tuple(shape))]) if shape else ""

    return GradcheckError(
        f"[gradcheck] the gradient of result {at}{element(row, output.shape)} by input {place}"
        f"{element(column, x.shape)} is {found[row, column]:.6g}; expected {slopes[row, column]:.6g}, as differences "
        f"say; {wrong.sum():,} of {wrong.size:,} differ: correct the gradient"
    )
