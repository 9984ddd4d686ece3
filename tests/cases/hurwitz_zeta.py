"""Cases of hurwitz_zeta; the reference is scipy.special.zeta, but for what stands left of its poles."""

import numpy as np
from scipy import special as scipy_special

from kit import BROADCASTS, SIZES, Array, Case, uniform, values


def reference(s: Array, q: Array) -> Array:
    s, q = np.broadcast_arrays(s, q)
    return np.where((s > 1) & (q >= 0), scipy_special.zeta(s, np.maximum(q, 0)), np.nan)


K = 8
shapes = [((), (n,)) for n in SIZES] + list(BROADCASTS)
CASES = [
    *[Case(values(np.full(a, 2.0)), uniform(b, 0.5, 9.0)).no_gradient() for a, b in shapes],
    Case(uniform((60,), 1.2, 20.0), uniform((60,), 0.1, 50.0)).no_gradient(),
    Case(values([2.0, 2.0, 2.0, 1.0, 0.5, 3.0, np.nan, 2.0]),
         values([0.0, np.inf, np.nan, 2.0, 2.0, -0.5, 1.0, 1e30])).no_gradient(),
]  # fmt: skip
MUTANTS = [("spec.cpp", "-c.in[0] * ", "c.in[0] * ")]
BENCH = [Case(values(2.0), uniform((256, 1024), 0.1, 20.0))]
