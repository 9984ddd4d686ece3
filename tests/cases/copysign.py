"""Cases of copysign; the reference is numpy.copysign, but that the sign of a NaN is positive."""

import numpy as np

from kit import Array, Case, binary, normal, special_pairs


def reference(a: Array, b: Array) -> Array:
    return np.where(np.isnan(b), np.abs(a), np.copysign(a, b))


K = 1
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [*binary(normal, normal), Case(*special_pairs()).no_gradient(),
         Case(np.float32([1, -2, 3, -4]), np.float32([np.nan, np.nan, -np.nan, -np.nan])).no_gradient()]  # fmt: skip
MUTANTS = [
    ("spec.cpp", "-size, size", "size, -size"),
    ("spec.cpp", "same, fn::number(1), fn::number(-1)", "same, fn::number(1), fn::number(1)"),
]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
