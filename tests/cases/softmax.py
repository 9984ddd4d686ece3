"""Cases of softmax; the reference is scipy.special.softmax."""

import numpy as np
from scipy.special import softmax

import powertrain as pt
from kit import Array, Case, around, normal, values


def reference(x: Array, axis: int = -1) -> Array:
    return softmax(x, axis) if x.size else x


K = 16  # exp of a difference that may be several, and a sum
CASES = [
    *[Case(normal((3, n))) for n in (1, 2, 10, *around(16, 1024))],
    Case(normal((3, 5, 7)), axis=1),
    Case(normal((5, 3)), axis=0),
    Case(normal((9,))),
    Case(normal((0, 4))),
    Case(normal((2, 0))),
    Case(normal((2, 40), 1.0, 1000.0)).no_gradient(),
    Case(values([[-np.inf, 0.0, 1.0], [np.nan, 0.0, 1.0]])).no_gradient(),
]
ERRORS = [
    (
        Case(normal((2, 3)), axis=2),
        pt.IndexError,
        "[softmax] axis = 2 of a tensor with 2 dimensions; expected -2 to 1; name an axis that exists",
    ),
]
BENCH = [Case(normal((2048, 1024))), Case(normal((65536, 10)))]
