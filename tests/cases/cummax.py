"""Cases of cummax; the reference is numpy.maximum.accumulate, and the last place of each running result so far."""

import numpy as np

import powertrain as pt
from cases.cummax_position import reference as position
from kit import Array, Case, integers, normal, spaced, special


def reference(x: Array, axis: int = -1) -> tuple[Array, Array]:
    return np.maximum.accumulate(x, axis), position(x, axis)


K = 0
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    *[Case(spaced((n,))) for n in (1, 2, 17, 33)],
    *[Case(spaced((4, 3, 5)), axis=axis) for axis in (0, 1, -1)],
    Case(special()).no_gradient(),
    Case(integers((3, 30), 0, 9), axis=1),
]
ERRORS = [
    (
        Case(normal((2, 3)), axis=2),
        pt.IndexError,
        "[cummax] axis = 2 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
]
MUTANTS = [
    ("plan_cpu.cpp", "ScanKind::ArgMax", "ScanKind::ArgMin"),
    ("../scan/spec_running.cpp", "{in[0], at}, attrs), at", "{in[0], at - at}, attrs), at"),
]
BENCH = [Case(normal((2048, 1024)))]
