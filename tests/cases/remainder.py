"""Cases of remainder; the reference is numpy.remainder: the sign of the divisor."""

import numpy as np

from kit import Array, Case, binary, integers, normal, uniform, values


def magnitude(a: Array, b: Array) -> Array:
    return np.maximum(np.abs(a), np.abs(b))


reference = np.remainder
K = 2
GRADIENT_SIZE = 20  # with many elements one is within a step of a jump
CASES = [
    *binary(lambda shape: normal(shape, 5.0), lambda shape: uniform(shape, 0.5, 4.0)),
    *binary(lambda shape: normal(shape, 5.0), lambda shape: uniform(shape, -4.0, -0.5)),
    Case(integers((40,), -50, 50), integers((40,), -7, 7)),
    Case(
        values([0.0, -0.0, np.nan, 2.5, np.inf, -1.0, 1e-40]), values([3.0, 3.0, 2.0, np.nan, 2.0, 8.0, 9.0])
    ).no_gradient(),
]
MUTANTS = [
    (
        "spec.cpp",
        'unbroadcast(-(c.grad[0] * fn::call("floor_divide"',
        'unbroadcast((c.grad[0] * fn::call("floor_divide"',
    )
]
BENCH = [Case(normal((2048, 1024), 5.0), uniform((2048, 1024), 0.5, 4.0))]
