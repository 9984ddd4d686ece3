"""Cases of argtopk; the reference is a stable numpy.argsort of the values' ranks negated, or of the values."""

import numpy as np

import powertrain as pt
from kit import Array, Case, booleans, integers, normal, special, values


def reference(x: Array, k: int, axis: int = -1, largest: bool = True) -> Array:
    ranks = np.unique(x, return_inverse=True)[1].reshape(x.shape)  # in which NaN are the highest
    return np.take(np.argsort(-ranks if largest else ranks, axis=axis, kind="stable"), np.arange(k), axis)


K = 0
CASES = [
    *[Case(normal((3, n)), k=k) for n, k in ((5, 0), (5, 1), (5, 5), (70, 9))],
    # Longer lines than are kept at a time, with many equal elements, and in an order that is sorted again and again.
    *[Case(integers((3, 2000), 0, 9), k=k, largest=largest) for k in (1, 50, 300) for largest in (True, False)],
    *[Case(values(np.arange(1500.0)), k=k) for k in (1, 40, 1500)],
    Case(values(np.tile([0.0, -0.0, np.nan, 1.0], 300)), k=350),
    Case(normal((600, 3)), k=7, axis=0, largest=False),
    Case(normal((5, 4, 3)), k=2, axis=1, largest=False),
    *[Case(special(), k=k, largest=largest) for k in (3, 32) for largest in (True, False)],
    Case(booleans((9,)), k=3),
]
ERRORS = [
    (
        Case(normal((2, 3)), k=4),
        pt.ShapeError,
        "[argtopk] x is [2, 3], k = 4; expected 0 to 3; choose a smaller k",
    ),
]
MUTANTS = [("plan_cpu.cpp", 'attrs.flag("largest")', "true")]
BENCH = [Case(normal((256, 50257)), k=50)]
