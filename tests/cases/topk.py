"""Cases of topk; the reference is a stable numpy.argsort of the values' ranks negated, or of the values."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal, spaced, special


def reference(x: Array, k: int, axis: int = -1, largest: bool = True) -> tuple[Array, Array]:
    ranks = np.unique(x, return_inverse=True)[1].reshape(x.shape)  # in which NaN are the highest
    order = np.argsort(-ranks if largest else ranks, axis=axis, kind="stable")
    index = np.take(order, np.arange(k), axis)
    return np.take_along_axis(x, index, axis), index


K = 0
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    *[Case(spaced((3, n)), k=k) for n, k in ((5, 0), (5, 1), (5, 5), (70, 9))],
    Case(spaced((5, 4, 3)), k=2, axis=1, largest=False),
    Case(integers((2, 70), 0, 9), k=20),
    *[Case(special(), k=k, largest=largest).no_gradient() for k in (3, 32) for largest in (True, False)],
]
ERRORS = [
    (Case(normal((2, 3)), k=4), pt.ShapeError, "[topk] x is f32[2, 3], k = 4; expected 0 to 3; choose a smaller k"),
]
MUTANTS = [("spec.cpp", 'attrs.flag("largest")', "true")]
BENCH = [Case(normal((256, 50257)), k=50)]
