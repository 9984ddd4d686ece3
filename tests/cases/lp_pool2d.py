"""Cases of lp_pool2d; the reference is its definition over the taps of unfold."""

import numpy as np

import powertrain as pt
from cases.unfold import Pair, two
from cases.unfold import reference as taps
from kit import Array, Case, normal, uniform


def reference(x: Array, ord: float = 2.0, window: Pair = 1, stride: Pair | None = None) -> Array:
    kh, kw = two(window)
    parts = taps(x, window, window if stride is None else stride)
    return np.sum(parts.reshape(*parts.shape[:3], kh * kw, -1) ** ord, 3) ** (1 / ord)


K = 8
CASES = [
    Case(normal((2, 4, 6, 3)), window=2),
    Case(normal((1, 5, 5, 2)), window=(3, 2), stride=1),
    Case(uniform((1, 4, 4, 2), 0.2, 2.0), ord=3.0, window=2),
]
ERRORS = [
    (
        Case(normal((1, 4, 4, 2)), ord=0.0, window=2),
        pt.ShapeError,
        "[lp_pool2d] ord = 0.0; expected a number above 0; for example ord = 2.0",
    ),
]
MUTANTS = [("spec.cpp", "elements * mean", "mean")]
BENCH = [Case(normal((16, 32, 32, 64)), window=2)]
