"""Cases of argsort; the reference is numpy.argsort, stable, of the values, or of their ranks negated if descending."""

import numpy as np

import powertrain as pt
from kit import SIZES, Array, Case, booleans, integers, normal, special, values


def reference(x: Array, axis: int = -1, descending: bool = False) -> Array:
    if descending:  # the ranks of the values, equal ones sharing one, in which NaN are the highest
        x = -np.unique(x, return_inverse=True)[1].reshape(x.shape)
    return np.argsort(x, axis=axis, kind="stable")


CASES = [
    *[Case(normal((n,))) for n in SIZES],
    *[Case(normal((n,)), descending=True) for n in (7, 100)],
    Case(normal((3, 5, 7)), axis=1),
    Case(normal((60, 5)), axis=0, descending=True),
    Case(special()),
    Case(special(), descending=True),
    *[Case(integers((2, n), 0, 6, dtype)) for n in (9, 70) for dtype in ("int32", "int64", "uint8", "int8", "int16")],
    Case(integers((70,), -(2**62), 2**62, "int64"), descending=True),
    Case(booleans((9,))),
    Case(values(np.tile([0.0, -0.0, 1.0], 30))),
]
ERRORS = [
    (
        Case(normal((2, 3)), axis=2),
        pt.IndexError,
        "[argsort] axis = 2 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
    (
        Case(normal(())),
        pt.IndexError,
        "[argsort] axis = -1 of a scalar; a scalar has no axis; reshape it to [1] first",
    ),
]
MUTANTS = [("plan_cpu.cpp", 'attrs.flag("descending")', "false")]
BENCH = [Case(normal((1 << 20,))), Case(normal((4096, 256)))]
