"""Cases of logsigmoid; the reference is its definition in NumPy."""

import numpy as np

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return -np.logaddexp(0.0, -x)


CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "fn::sigmoid(-x)", "fn::sigmoid(x)")]
BENCH = [Case(normal((2048, 1024)))]
