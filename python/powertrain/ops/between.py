"""Checks of values: numbers at once, tensors when they are known, which in a compiled step is when it runs."""

from __future__ import annotations

from typing import Any

from powertrain import _core
from powertrain.ops.functional import OPERATORS


def check_between(where: str, name: str, value: Any, low: float, high: float, wanted: str, nan: bool = False) -> None:
    """Refuse numbers and elements below low or above high. `wanted` is the rest of the error; NaN passes with `nan`."""
    if isinstance(value, (int, float)):
        if not (low <= value <= high or (nan and value != value)):
            raise _core.ShapeError(f"[{where}] {name} = {value}; {wanted}")
        return
    if nan:
        beyond = OPERATORS["logical_or"](OPERATORS["less"](value, low), OPERATORS["greater"](value, high))
        holds = OPERATORS["logical_not"](beyond)
    else:
        holds = OPERATORS["greater_equal"](value, low)
        if high != float("inf"):
            holds = OPERATORS["logical_and"](holds, OPERATORS["less_equal"](value, high))
    check_true(holds, f"[{where}] {name} has elements outside of {low:g} to {high:g}; {wanted}")


def check_true(holds: Any, refusal: str) -> None:
    """Refuse a call in which an element is false, with this text."""
    OPERATORS["check_true"](holds, refusal=refusal)
