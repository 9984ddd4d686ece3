"""Cases of cumulative_sum; the reference is numpy.cumsum, with a 0 first or from the end where asked for."""

import numpy as np

import powertrain as pt
from kit import SIZES, Array, Case, booleans, integers, normal


def reference(x: Array, axis: int | None = None, include_initial: bool = False, reverse: bool = False) -> Array:
    axis = 0 if axis is None else axis
    if reverse:
        return np.flip(np.cumsum(np.flip(x, axis), axis), axis)
    total = np.cumsum(x, axis)
    if not include_initial:
        return total
    shape = [1 if i == axis % x.ndim else n for i, n in enumerate(x.shape)]
    return np.concatenate([np.zeros(shape, total.dtype), total], axis)


def magnitude(x: Array, axis: int | None = None, include_initial: bool = False, reverse: bool = False) -> Array:
    return reference(np.abs(x), axis, include_initial, reverse)


CASES = [
    *[Case(normal((n,))) for n in SIZES],
    *[Case(normal((4, 3, 5)), axis=axis) for axis in (0, 1, -1)],
    Case(normal((4, 3, 5)), axis=1, include_initial=True),
    Case(normal((0,)), include_initial=True),
    Case(normal((4, 33)), axis=1, reverse=True),
    Case(normal((3000, 3)), axis=0),
    *[Case(integers((7, 3), -99, 99, dtype), axis=0) for dtype in ("int32", "int64", "int8", "uint8")],
    Case(booleans((9,))),
]
ERRORS = [
    (
        Case(normal((2, 3))),
        pt.ShapeError,
        "[cumulative_sum] axis = None of a tensor with 2 dimensions; expected an axis unless there is one; pass axis=...",
    ),
    (
        Case(normal((2, 3)), axis=1, include_initial=True, reverse=True),
        pt.ShapeError,
        "[cumulative_sum] include_initial = True, reverse = True; expected one of them; concatenate the initial value",
    ),
]
MUTANTS = [("spec.cpp", "!from_start", "from_start")]
BENCH = [Case(normal((2048, 1024)), axis=1)]
