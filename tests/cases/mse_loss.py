"""Cases of mse_loss; the reference is the squared difference in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, binary, normal


def reference(x: Array, target: Array) -> Array:
    return (x - target) ** 2


def magnitude(x: Array, target: Array) -> Array:
    return np.abs(x - target) * (np.abs(x) + np.abs(target))


CASES = binary(normal, normal)
ERRORS = [
    (
        Case(normal((2, 3)), normal((4,))),
        pt.ShapeError,
        "[mse_loss] shapes [2, 3] and [4] do not broadcast: sizes 3 and 4 at axis -1; expected equal sizes or a size of 1; reshape one of them",
    ),
]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
