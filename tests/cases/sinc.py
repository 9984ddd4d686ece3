"""Cases of sinc; the reference is sin(pi x) / (pi x) in NumPy, with x reduced to half a turn."""

import numpy as np

from kit import Array, Case, normal, special, unary, values


def reference(x: Array) -> Array:
    with np.errstate(all="ignore"):
        whole = np.round(x)
        sine = np.sin(np.pi * (x - whole)) * np.where(whole % 2 == 0, 1, -1)
        return np.where(x == 0, 1.0, sine / (np.pi * x))


K = 6
CASES = [
    *unary(lambda shape: normal(shape, 3.0)),
    Case(values([0.0, 0.2, 0.499, 0.5, -0.501, 1.0, 2.0, 7.25])),
    Case(values([1e-8, -1e-3, 0.01])).no_gradient(),  # where the definition's own gradient loses digits
    Case(special()).no_gradient(),
]
GRADIENTS = [(Case(values([0.0, -0.0])), ([0.0, 0.0],))]
MUTANTS = [("spec.cpp", "x * series", "series"), ("spec.cpp", "1.0 - 2.0 * odd", "1.0 - odd")]
BENCH = [Case(normal((2048, 1024)))]
