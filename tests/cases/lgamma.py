"""Cases of lgamma; the reference is mpmath's, since SciPy's loses digits beside 1 and 2."""

import mpmath
import numpy as np

from kit import Array, Case, special, unary, uniform, values


@np.vectorize(otypes=["float64"])
def exact(x: float) -> float:
    if np.isnan(x) or np.isinf(x) or (x <= 0 and x == np.floor(x)):
        return np.nan if np.isnan(x) else np.inf
    with mpmath.workdps(25):
        return float(mpmath.re(mpmath.loggamma(x)))


def reference(x: Array) -> Array:
    return exact(x) if x.size else x


def magnitude(x: Array) -> Array:
    """Below zero two logarithms are subtracted from each other, and pi x from its nearest whole number."""
    t = np.abs(x)
    turn = np.pi * (t - np.round(t))
    with np.errstate(all="ignore"):
        parts = np.abs(np.log(np.abs(np.sin(turn)) / np.pi)) + np.abs(np.log(t)) + np.abs(reference(t)) + 1
    return np.where(x < 0, parts, np.abs(reference(x)))


K = 6
CASES = [
    *unary(lambda shape: uniform(shape, 0.1, 12.0)),
    Case(uniform((300,), 0.001, 3.0)),
    Case(uniform((300,), 8.0, 2000.0)),
    Case(values([-0.5, -1.3, -2.6, -7.45, 1e-3, 0.9999, 1.0001, 1.9999, 2.0001, 1e4])),
    Case(uniform((300,), -9.0, 0.0)).no_gradient(),
    Case(values([0.75, 1.0, 2.0, 2.5, 8.5, 171.5, -1.0, -3.0])).no_gradient(),
    Case(special()).no_gradient(),
]
MUTANTS = [("spec.cpp", '"digamma"', '"lgamma"')]
BENCH = [Case(uniform((2048, 1024), 0.1, 20.0))]
