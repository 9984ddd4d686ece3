"""Cases of cumulative_prod; the reference is numpy.cumprod, with a 1 first or from the end where asked for."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal, uniform, values


def reference(x: Array, axis: int | None = None, include_initial: bool = False, reverse: bool = False) -> Array:
    axis = 0 if axis is None else axis
    if reverse:
        return np.flip(np.cumprod(np.flip(x, axis), axis), axis)
    total = np.cumprod(x, axis)
    if not include_initial:
        return total
    shape = [1 if i == axis % x.ndim else n for i, n in enumerate(x.shape)]
    return np.concatenate([np.ones(shape, total.dtype), total], axis)


CASES = [
    *[Case(uniform((n,), 0.5, 1.5)) for n in (0, 1, 2, 17)],
    *[Case(uniform((4, 3, 5), 0.5, 1.5), axis=axis) for axis in (0, 1, -1)],
    Case(uniform((4, 3), 0.5, 1.5), axis=1, include_initial=True),
    Case(uniform((4, 7), 0.5, 1.5), axis=1, reverse=True),
    Case(values([[2.0, 0.0, 3.0, 4.0], [2.0, 0.0, 3.0, 0.0], [1.0, 2.0, 3.0, 0.0]]), axis=1),
    Case(values([[2.0, 0.0, 3.0, 4.0], [2.0, 0.0, 3.0, 0.0], [1.0, 2.0, 3.0, 0.0]]), axis=1, reverse=True),
    Case(integers((7, 3), -9, 9), axis=0),
]
ERRORS = [
    (
        Case(normal((2, 3)), axis=2),
        pt.IndexError,
        "[cumulative_prod] axis = 2 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
]
MUTANTS = [
    ("spec.cpp", "piece(x, axis, 0, n - 1)", "piece(x, axis, 1, n)"),
    ("spec.cpp", "piece(factor, axis, step, n - step)", "piece(factor, axis, 0, n - 2 * step)"),
]
BENCH = [Case(uniform((2048, 1024), 0.9, 1.1), axis=1)]
