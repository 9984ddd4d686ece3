"""Checks of what a solver is given. Whether numbers are finite is asked of sums that a solver makes anyway."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain.errors.arguments import shown
from powertrain.solvers.tall import Array, Floats


class SolverError(_core.Error, ValueError):
    """Data or settings that a solver cannot use: `[solver] what was received; what was expected; how to fix it`."""


def table(where: str, name: str, value: Any) -> Array:
    """Numbers [rows, features] in float32 or float64, in C order; other numbers become float64."""
    array = np.asarray(value)
    if array.ndim != 2 or 0 in array.shape or array.dtype.kind not in "fiub":
        raise SolverError(
            f"[{where}] {name} is {_type(array)}; expected numbers [rows, features], one or more of each; "
            f"reshape {name}, or convert it with astype"
        )
    kept = array.dtype in (np.dtype(np.float32), np.dtype(np.float64))
    return np.ascontiguousarray(array, dtype=array.dtype if kept else np.float64)


def targets(where: str, value: Any, rows: int) -> Floats:
    """Numbers to predict, [rows] or [rows, targets]."""
    array = np.asarray(value)
    if array.ndim not in (1, 2) or len(array) != rows or array.size == 0 or array.dtype.kind not in "fiub":
        raise SolverError(
            f"[{where}] y is {_type(array)}; expected numbers [{rows}] or [{rows}, targets], one for each row of x; "
            "check y"
        )
    return finite(where, "y", array.astype(np.float64))


def classes(where: str, value: Any, rows: int, count: int) -> NDArray[np.int64]:
    """The number of each row's class, below `count`."""
    array = np.asarray(value)
    if array.shape != (rows,) or array.dtype.kind not in "iub":
        raise SolverError(
            f"[{where}] y is {_type(array)}; expected whole numbers [{rows}], the class of each row of x; "
            "names, y = numpy.unique(y, return_inverse=True) numbers them"
        )
    numbers_ = array.astype(np.int64)
    if int(numbers_.min()) < 0 or int(numbers_.max()) >= count:
        raise SolverError(
            f"[{where}] y has numbers from {numbers_.min()} to {numbers_.max()}; expected 0 to {count - 1}; "
            "raise n_classes, or number the classes from 0 on"
        )
    return numbers_


def weights(where: str, value: Any, rows: int) -> Floats:
    """The weight of each row: ones where none are given."""
    if value is None:
        return np.ones(rows)
    array = np.asarray(value)
    if array.shape != (rows,) or array.dtype.kind not in "fiub":
        raise SolverError(
            f"[{where}] sample_weight is {_type(array)}; expected numbers [{rows}], one for each row of x; "
            "leave it out where all count alike"
        )
    weight = finite(where, "sample_weight", array.astype(np.float64))
    if float(weight.min()) < 0 or not float(weight.sum()) > 0:
        raise SolverError(
            f"[{where}] sample_weight has numbers from {weight.min():g} to {weight.max():g}; expected numbers >= 0, "
            "at least one above 0; drop rows that do not count"
        )
    return weight


def finite(where: str, name: str, made: Floats) -> Floats:
    """`made` comes from all numbers of `name`: it is finite where they are, and not too large to be added up."""
    if not np.isfinite(made).all():
        raise SolverError(
            f"[{where}] {name} has numbers that are not finite, or too large to be added up; expected finite numbers; "
            "fill the gaps, or scale it"
        )
    return made


def number(where: str, name: str, value: Any) -> float:
    """A finite number from 0 on."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not 0 <= float(value) < float("inf"):
        raise SolverError(f"[{where}] {name} = {shown(value)}; expected a finite number >= 0; change {name}")
    return float(value)


def whole(where: str, name: str, value: Any, low: int, high: int | None = None) -> int:
    """A whole number from `low` to `high`."""
    counts = isinstance(value, numbers.Integral) and not isinstance(value, bool)
    if not counts or value < low or (high is not None and value > high):
        expected = f"a whole number >= {low}" if high is None else f"a whole number from {low} to {high}"
        raise SolverError(f"[{where}] {name} = {shown(value)}; expected {expected}; change {name}")
    return int(value)


def _type(array: Array) -> str:
    return f"{array.dtype.name}[{', '.join(map(str, array.shape))}]"
