"""Cases of erfinv; the reference is scipy.special.erfinv."""

import numpy as np
from scipy import special as scipy_special

from kit import Case, unary, uniform, values

reference = scipy_special.erfinv
K = 6
CASES = [
    *unary(lambda shape: uniform(shape, -0.99, 0.99)),
    Case(values([1e-30, -1e-6, 0.3, 0.85, 0.99, -0.98])),
    Case(values([0.0, -0.0, 1.0, -1.0, 1.5, -np.inf, np.inf, np.nan])).no_gradient(),
]
MUTANTS = [("spec.cpp", "kHalfRootPi * ", "")]
BENCH = [Case(uniform((2048, 1024), -1.0, 1.0))]
