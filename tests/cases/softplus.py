"""Cases of softplus; the reference is log(1 + e^(beta x)) / beta in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, special, unary


def reference(x: Array, beta: float = 1.0, threshold: float | None = None) -> Array:
    y = np.logaddexp(beta * x, 0.0) / beta
    return y if threshold is None else np.where(beta * x > threshold, x, y)


CASES = [
    *unary(lambda s: normal(s, 3.0)),
    Case(special()).no_gradient(),
    Case(special(), beta=2.0, threshold=20.0).no_gradient(),
    Case(normal((40,), 3.0), beta=2.0),
    Case(normal((40,), 3.0), beta=0.5, threshold=1.0),
]
ERRORS = [
    (
        Case(normal((3,)), beta=0.0),
        pt.ShapeError,
        "[softplus] beta = 0.0; expected a number above 0; for example beta = 1.0",
    ),
]
MUTANTS = [("spec.cpp", "y / fn::number(beta)", "y"), ("spec.cpp", "beyond, below)", "below, beyond)")]
BENCH = [Case(normal((2048, 1024), 3.0), beta=2.0)]
