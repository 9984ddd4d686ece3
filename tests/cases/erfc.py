"""Cases of erfc; the reference is mpmath's, since SciPy's is off by 6 units in the last place."""

import mpmath
import numpy as np

from kit import Array, Case, normal, special, unary, uniform


@np.vectorize(otypes=["float64"])
def exact(x: float) -> float:
    return float(mpmath.erfc(x))


def reference(x: Array) -> Array:
    return exact(x) if x.size else x


K = 4
CASES = [*unary(lambda shape: uniform(shape, -4, 4)), Case(uniform((500,), 0, 9)), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "-kTwoOverRootPi", "kTwoOverRootPi")]
BENCH = [Case(normal((2048, 1024)))]
