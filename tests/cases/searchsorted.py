"""Cases of searchsorted; the reference is numpy.searchsorted."""

import numpy as np

import powertrain as pt
from kit import Array, Case, Draw, integers, normal, values


def reference(row: Array, values: Array, side: str = "left") -> Array:
    return np.searchsorted(row, values, side)  # type: ignore[call-overload, no-any-return]


def ordered(n: int, dtype: str | None = None) -> Draw:
    return values(np.sort(np.random.default_rng(n).integers(-5, 5, n)), dtype)


CASES = [
    *[
        Case(ordered(n), integers(shape, -7, 7), side=side)
        for n in (0, 1, 2, 7, 33)
        for shape in ((), (5,), (2, 30))
        for side in ("left", "right")
    ],
    Case(ordered(9, "int32"), integers((3, 5), -7, 7)),
    Case(ordered(9, "int64"), normal((40,), 3.0)),
    Case(values([-np.inf, -0.0, 0.0, np.inf, np.nan]), values([np.nan, np.inf, -np.inf, -0.0]), side="right"),
    Case(values([-np.inf, -0.0, 0.0, np.inf, np.nan]), values([np.nan, np.inf, -np.inf, -0.0])),
]
ERRORS = [
    (
        Case(normal((2, 3)), normal((2,))),
        pt.ShapeError,
        "[searchsorted] a is f32[2, 3]; expected one axis, in order; take the rows one by one",
    ),
]
MUTANTS = [("plan_cpu.cpp", '== "right"', '!= "right"')]
BENCH = [Case(values(np.arange(1 << 16)), normal((1 << 20,), 1e4))]
