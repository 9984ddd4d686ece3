"""Cases of linear; the reference is numpy: x @ w + b."""

import numpy as np

from kit import Array, Case, normal


def reference(x: Array, w: Array, b: Array | None = None) -> Array:
    return x @ w if b is None else x @ w + b


def magnitude(x: Array, w: Array, b: Array | None = None) -> Array:
    return reference(np.abs(x), np.abs(w), None if b is None else np.abs(b))


K = 8
CASES = [
    *[
        Case(normal(x), normal(w), normal((w[1],)))
        for x, w in (
            ((64, 4), (4, 64)),
            ((5, 64), (64, 2)),
            ((1, 7), (7, 33)),
            ((0, 7), (7, 3)),
            ((2, 3, 17), (17, 10)),
            ((33, 300), (300, 20)),
            ((7,), (7, 3)),
        )
    ],
    Case(normal((5, 7)), normal((7, 3))),
]
BENCH = [Case(normal((64, 784)), normal((784, 256)), normal((256,)))]
