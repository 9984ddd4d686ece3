"""Cases of igamma; the reference is mpmath's, since SciPy's loses digits beside x = 1."""

import mpmath
import numpy as np

from kit import SIZES, Array, Case, uniform, values


@np.vectorize(otypes=["float64"])
def exact(a: float, x: float) -> float:
    if np.isnan(a) or np.isnan(x) or a < 0 or x < 0 or (a == 0 and x == 0) or (a == np.inf and x == np.inf):
        return np.nan
    if x == 0 or a == np.inf:
        return 0.0
    if x == np.inf or a == 0:
        return 1.0
    with mpmath.workdps(30):
        return float(mpmath.gammainc(a, 0, x, regularized=True))


def reference(a: Array, x: Array) -> Array:
    a, x = np.broadcast_arrays(a, x)
    return exact(a, x) if a.size else a


def magnitude(a: Array, x: Array) -> Array:
    """Of one less the other function the digits are those of 1; in a tail a change of x by one unit counts."""
    return np.maximum(1.0, np.abs(reference(a, x)))


K = 16
NEAR_X = [10.0, 20.5, 29.5, 30.5, 45.0, 90.0, 400.0]
NEAR = values(NEAR_X)
CASES = [
    *[Case(uniform((n,), 0.1, 6.0), uniform((n,), 0.0, 9.0)).no_gradient() for n in SIZES if n < 100],
    Case(uniform((3, 1), 0.5, 4.0), uniform((4,), 0.0, 9.0)).no_gradient(),
    Case(values(2.0), uniform((40,), 0.0, 9.0)).no_gradient(),
    Case(uniform((60,), 0.01, 1.0), uniform((60,), 0.5, 3.0)).no_gradient(),
    Case(uniform((60,), 10.0, 60.0), uniform((60,), 5.0, 90.0)).no_gradient(),
    *[Case(NEAR, values(np.array(NEAR_X) * by)).no_gradient() for by in (0.4, 0.7, 1.0, 1.2, 1.6)],
    Case(uniform((20,), 1e3, 1e4), uniform((20,), 1e3, 1e4)).no_gradient(),
    Case(values([0.0, 0.0, 1.0, np.inf, 1.0, np.inf, -1.0, 1.0, np.nan, 1.0, 1e-30, 0.5]),
         values([0.0, 1.0, 0.0, 1.0, np.inf, np.inf, 1.0, -1.0, 1.0, np.nan, 1.0, 3e38])).no_gradient(),
]  # fmt: skip
DTYPES = ("float32", "float64")
MUTANTS = [("math.h", "PT_MATH_LONG(igamma,", "PT_MATH_LONG(igammac,")]
BENCH = [Case(uniform((256, 1024), 0.1, 20.0), uniform((256, 1024), 0.0, 30.0))]
