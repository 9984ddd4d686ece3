"""The settings of draws: their checks, and numbers or tensors in the dtype of what was drawn."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from typing import Any, TypeGuard

from powertrain import _core
from powertrain._core import Slot, Tensor
from powertrain.ops.functional import OPERATORS

Size = int | Sequence[int] | None


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
    if isinstance(scale, (int, float)) and not scale >= 0:
        raise _core.ShapeError(f"[{where}] {name} = {scale}; expected at least 0; 1 is usual")


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
    if isinstance(value, (bool, Tensor, Slot)) or bool(getattr(value, "ndim", 0)):
        return False
    try:
        operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        return False
    return True
