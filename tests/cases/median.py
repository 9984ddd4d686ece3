"""Cases of median; the reference is numpy.median."""

import numpy as np

import powertrain as pt
from kit import Case, integers, normal, spaced, uniform, values

reference = np.median
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    *[Case(uniform((n,), 1.0, 2.0)) for n in (1, 2, 7, 100)],
    *[Case(uniform((3, 4, 5), 1.0, 2.0), axis=axis) for axis in (None, 0, 1, -1)],
    Case(uniform((3, 4), 1.0, 2.0), axis=1, keepdims=True),
    Case(uniform((3, 4), 1.0, 2.0), keepdims=True),
    Case(integers((9,), 0, 99)),
    Case(values([[1.0, np.nan, 2.0], [1.0, 5.0, 2.0]]), axis=1).no_gradient(),
    Case(values([[np.inf, 0.0, np.inf], [-np.inf, 1.0, 2.0]]), axis=1).no_gradient(),
    Case(
        values([[0.0, np.inf, np.inf, np.inf], [-np.inf, np.inf, 1.0, 2.0], [-np.inf, np.inf, -np.inf, np.inf]]), axis=1
    ).no_gradient(),
    Case(values([1.0, 2.0, 2.0, 2.0, 3.0, 3.0])).no_gradient(),
]
ERRORS = [
    (
        Case(normal((2, 0)), axis=1),
        pt.ShapeError,
        "[median] x is f32[2, 0]; expected at least one element along the axis; check for an empty input",
    ),
    (
        Case(normal((2, 3)), axis=2),
        pt.IndexError,
        "[median] axis = 2 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
]
MUTANTS = [
    ("spec.cpp", "attrs, 0.5)", "attrs, 0.4)"),
    (
        "spec.cpp",
        "rank.between == 0 ? rank.below : 0.5 * rank.below + 0.5 * rank.above",
        "0.5 * rank.below + 0.5 * rank.above",
    ),
    ("spec.cpp", "0.5 * rank.below + 0.5 * rank.above", "rank.below + 0.5 * (rank.above - rank.below)"),
]
BENCH = [Case(spaced((2048, 1024)), axis=1)]
