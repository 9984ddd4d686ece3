"""Checks of an estimator's parameters, which scikit-learn leaves to `fit`."""

from __future__ import annotations

import numbers
from typing import Any

from powertrain import _core


class EstimatorError(_core.Error, ValueError):
    """Data or parameters that cannot be used: `[where] what was received; what was expected; how to fix it`."""


def above(where: str, name: str, value: Any, low: float = 0.0, including: bool = False) -> float:
    """A number above `low`."""
    good = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not good or not (value >= low if including else value > low):
        sign = ">=" if including else ">"
        raise EstimatorError(f"[{where}] {name} = {value!r}; expected a number {sign} {low:g}; 1.0 is usual")
    return float(value)


def whole(where: str, name: str, value: Any, low: int = 1) -> int:
    """A whole number from `low` on."""
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < low:
        raise EstimatorError(f"[{where}] {name} = {value!r}; expected a whole number >= {low}; change {name}")
    return int(value)
