"""The settings of draws: their checks, and numbers or tensors in the dtype of what was drawn."""

from __future__ import annotations

import math
import operator
from collections.abc import Sequence
from typing import Any, TypeGuard

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.ops.between import check_between, check_true
from powertrain.ops.functional import OPERATORS

Size = int | Sequence[int] | None
# How far from 1 chances may add up to: the root of a dtype's precision, as in NumPy, whose float64 has 2^-26.
_SUM_TOLERANCE = {_core.DType.bfloat16: 2.0**-3.5, _core.DType.float16: 2.0**-5, _core.DType.float32: 2.0**-11.5}


def within(drawn: Tensor, low: Any, high: Any) -> Tensor:
    start = like(low, drawn)
    return start + drawn * (like(high, drawn) - start)


def like(value: Any, drawn: Tensor) -> Any:
    """A number as it is; a tensor in the dtype of what was drawn."""
    return value if isinstance(value, (int, float)) else OPERATORS["astype"](value, drawn.dtype)


def is_number(value: object, number: float) -> bool:
    return isinstance(value, (int, float)) and value == number


def smallest(drawn: Tensor) -> float:
    return 6.2e-5 if drawn.dtype == _core.DType.float16 else 1.2e-38


def check_numbers(where: str, size: Any, **values: Any) -> None:
    """Numbers or tensors: a tuple is a size in the wrong place."""
    for name, value in values.items():
        if isinstance(value, (tuple, list)) and size is None:
            raise _core.DTypeError(
                f"[{where}] {name} = {value!r}; expected a number or a tensor; write {where}(size={value!r})"
            )
        if not isinstance(value, (int, float)):
            _core.asarray(value)


def check_scale(where: str, scale: Any, name: str = "scale") -> None:
    check_between(where, name, scale, 0, math.inf, "expected at least 0; 1 is usual")


def check_bounds(low: Any, high: Any) -> None:
    if isinstance(low, (int, float)) and isinstance(high, (int, float)):
        if not (low <= high and math.isfinite(high - low)):
            raise _core.ShapeError(
                f"[uniform] low = {low}, high = {high}; expected finite numbers, low <= high; swap them"
            )
        return
    width = OPERATORS["subtract"](high, low)
    holds = OPERATORS["logical_and"](OPERATORS["greater_equal"](width, 0), OPERATORS["isfinite"](width))
    check_true(holds, "[uniform] low is above high, or one is not finite; expected low <= high; swap them")


def check_chances(p: Tensor, drawn: int | None) -> None:
    """Chances of `choice`: at least 0, in sum 1 as near as their dtype tells, as NumPy's are. `drawn`: so many
    different places are wanted."""
    wide = OPERATORS["astype"](p, "float64")
    check_true(
        OPERATORS["logical_and"](
            OPERATORS["all"](OPERATORS["greater_equal"](wide, 0)),
            OPERATORS["less_equal"](
                OPERATORS["abs"](OPERATORS["sum"](wide) - 1), _SUM_TOLERANCE.get(p.dtype, 2.0**-26)
            ),
        ),
        "[choice] p is below 0, NaN, or does not add up to 1; expected the chance of each element; divide weights by "
        "their sum: p / p.sum()",
    )
    if drawn is not None:
        check_true(
            OPERATORS["greater_equal"](OPERATORS["count_nonzero"](p), drawn),
            f"[choice] replace=False, and fewer than {drawn} elements have a chance; expected one for each draw; use "
            "replace=True",
        )


def axis_of(where: str, x: Tensor, axis: int) -> int:
    place = _core.integer(axis, "axis", where)
    if not -x.ndim <= place < x.ndim:
        raise _core.ShapeError(
            f"[{where}] axis = {axis} of {list(x.shape)}; expected an axis that it has; pass another"
        )
    return place % x.ndim


def sizes(size: Size, where: str) -> list[int]:
    return [] if size is None else _core.integers(size, "size", where)


def state_of(seed: int, stream: int) -> Tensor:
    import numpy as np

    for name, value in (("seed", seed), ("stream", stream)):
        if not is_whole(value) or not -(2**63) <= value < 2**63:
            raise _core.ShapeError(
                f"[random] {name} = {value!r}; expected a whole number from -2^63 to 2^63 - 1; for example {name} = 0"
            )
    return _core.tensor(np.array([seed, stream, 0], np.int64))


def is_whole(value: object) -> TypeGuard[int]:
    if type(value) is int:
        return True
    if isinstance(value, (bool, Tensor, Slot)) or bool(getattr(value, "ndim", 0)):
        return False
    try:
        operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return True
