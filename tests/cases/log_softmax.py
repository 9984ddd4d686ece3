"""Cases of log_softmax; the reference is scipy.special.log_softmax."""

import numpy as np
from scipy.special import log_softmax

from kit import Array, Case, around, normal


def reference(x: Array, axis: int = -1) -> Array:
    return log_softmax(x, axis) if x.size else x


def magnitude(x: Array, axis: int = -1) -> Array:
    return np.abs(x) + np.max(np.abs(x), axis=axis, keepdims=True, initial=0.0) + 1.0


CASES = [
    *[Case(normal((3, n))) for n in (1, 2, 10, *around(16, 1024))],
    Case(normal((3, 5, 7)), axis=1),
    Case(normal((5, 3)), axis=0),
    Case(normal((0, 4))),
    Case(normal((2, 0))),
    Case(normal((2, 40), 1.0, 1000.0)).no_gradient(),
]
BENCH = [Case(normal((2048, 1024)))]
