"""Gradients beside central differences."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from powertrain import _core
from powertrain._core import Tensor
from powertrain.autodiff.gradients import check_output, own_input
from powertrain.autodiff.tree import Flat

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


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

    Errors    inputs or results that are not float64; a function without results; a gradient that differs
    Source    as torch.autograd.gradcheck
    Example
        >>> import powertrain as pt
        >>> pt.gradcheck(lambda x, w: pt.tanh(x @ w), (pt.ones((2, 3), dtype="float64"), np.eye(3)))
        True
    """
    _demand_numbers(eps, atol, rtol)
    given = list(inputs) if isinstance(inputs, (tuple, list)) else [inputs]
    watched = [_demand_double(f"input {at}", own_input("gradcheck", f"input {at}", x)) for at, x in enumerate(given)]
    flat = Flat(function, tuple)
    outputs = _core.with_tape(watched, lambda: flat(watched))
    if not outputs:
        raise _core.DTypeError("[gradcheck] the function returned no tensor; expected its results; return them")
    for at, output in enumerate(outputs):
        _demand_double(f"result {at}", check_output("gradcheck", output))
    from powertrain.autodiff.differences import first_difference

    said = first_difference(flat, watched, outputs, eps, atol, rtol)
    if said and raise_exception:
        raise GradcheckError(said)
    return not said


def _demand_numbers(eps: float, atol: float, rtol: float) -> None:
    if not 0 < eps < math.inf:
        raise _core.ShapeError(f"[gradcheck] eps = {eps!r}; expected a number > 0; 1e-6 is usual")
    for name, value in (("atol", atol), ("rtol", rtol)):
        if not 0 <= value < math.inf:
            raise _core.ShapeError(f"[gradcheck] {name} = {value!r}; expected a number >= 0; such as 1e-5")


def _demand_double(name: str, x: Tensor) -> Tensor:
    if x.dtype.name != "float64":
        raise _core.DTypeError(
            f"[gradcheck] {name} is {x.dtype.name}{list(x.shape)}; expected float64, since differences of fewer digits "
            "are noise; convert the inputs with astype('float64')"
        )
    return x
