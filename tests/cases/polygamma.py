"""Cases of polygamma; the reference is mpmath's."""

import math

import mpmath
import numpy as np

import powertrain as pt
from kit import Array, Case, normal, unary, uniform, values


@np.vectorize(otypes=["float64"])
def exact(x: float, n: int) -> float:
    sign = 1.0 if n % 2 else -1.0
    if np.isnan(x) or x == -np.inf:
        return np.nan
    if x <= 0 and x == np.floor(x):
        return sign * np.inf if n else -np.copysign(np.inf, x) if x == 0 else np.nan
    if x == np.inf:
        return sign * 0.0 if n else x
    with mpmath.workdps(25):
        return float(mpmath.psi(n, x))


def reference(x: Array, n: int) -> Array:
    return exact(x, n) if x.size else x


def magnitude(x: Array, n: int) -> Array:
    """Below zero a cotangent is added; it and its powers are as large as the distance to the nearest pole is small."""
    near = np.abs(x - np.round(x))
    with np.errstate(all="ignore"):
        mirrored = math.factorial(n) * 8.0**n * (1 + near ** -(n + 1.0)) * (1 + np.abs(x) / near)
        return np.where(x < 0, mirrored, np.abs(reference(x, n)))


K = 16
CASES = [
    *[Case(case.inputs[0], n=1) for case in unary(lambda shape: uniform(shape, 0.3, 9.0))],
    *[Case(uniform((40,), 0.5, 30.0), n=n) for n in (0, 2, 3, 4)],
    Case(values([-0.5, -1.3, -2.6, -4.45]), n=1),
    Case(values([-0.5, -1.3, -2.6, -4.45]), n=2),
    Case(uniform((20,), 0.5, 30.0), n=9).no_gradient(),
    *[Case(values([0.0, -1.0, np.inf, np.nan, 1e5]), n=n).no_gradient() for n in (1, 2)],
]
ERRORS = [
    (Case(normal((3,)), n=21), pt.ShapeError, "[polygamma] n = 21; expected 0 to 20; take fewer derivatives"),
]
DTYPES = ("float32", "float64")
MUTANTS = [("spec.cpp", "1.0 - x", "x - 1.0"), ("spec.cpp", "next[k + 1] += slope;", "")]
BENCH = [Case(uniform((256, 1024), 0.1, 20.0), n=1)]
