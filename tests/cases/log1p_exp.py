"""Cases of log1p_exp; the reference is log(1 + e^x) in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return np.logaddexp(x, 0.0)


CASES = [*unary(lambda s: normal(s, 3.0)), Case(special()).no_gradient()]
MUTANTS = [("math.h", "+ log1p(", "+ exp("), ("spec.cpp", '"sigmoid"', '"tanh"')]
BENCH = [Case(normal((2048, 1024), 3.0))]
