"""Cases of digamma; the reference is mpmath's."""

import mpmath
import numpy as np

from kit import Array, Case, special, unary, uniform, values


@np.vectorize(otypes=["float64"])
def exact(x: float) -> float:
    if not np.isfinite(x) or (x <= 0 and x == np.floor(x)):
        return x if np.isnan(x) or x > 0 else -np.copysign(np.inf, x) if x == 0 else np.nan
    with mpmath.workdps(25):
        return float(mpmath.psi(0, x))


def reference(x: Array) -> Array:
    return exact(x) if x.size else x


def magnitude(x: Array) -> Array:
    """Below zero a cotangent is added, whose argument is rounded before it is 0."""
    t = np.abs(x)
    turn = np.pi * (t - np.round(t))
    with np.errstate(all="ignore"):
        parts = np.abs(reference(t)) + 1 / t + np.pi * (1 + np.abs(1 / np.tan(turn)))
        return np.where(x < 0, parts, np.abs(reference(x)))


K = 6
CASES = [
    *unary(lambda shape: uniform(shape, 0.2, 12.0)),
    Case(uniform((300,), 1.4, 1.6)),
    Case(uniform((300,), 8.0, 2000.0)),
    Case(values([-0.5, -1.3, -2.6, -7.45, 1e-2, 1.46, 1.47, 1e4])),
    Case(uniform((300,), -9.0, 0.0)).no_gradient(),
    Case(values([0.75, 2.5, 8.5, 0.0, -0.0, -1.0, -3.0])).no_gradient(),
    Case(special()).no_gradient(),
]
MUTANTS = [("spec.cpp", "int64_t{1}", "int64_t{2}")]
BENCH = [Case(uniform((2048, 1024), 0.1, 20.0))]
