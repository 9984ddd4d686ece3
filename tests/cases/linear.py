"""Cases of linear; the reference is numpy: x @ w + b."""

import numpy as np

import powertrain as pt
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
ERRORS = [
    (
        Case(normal((4, 8)), normal((7, 3))),
        pt.ShapeError,
        "[linear] x is f32[4, 8], w is f32[7, 3]; x's last axis must equal w's first; w is (inputs, outputs): transpose w or reshape x",
    ),
    (
        Case(normal((4, 8)), normal((8, 3)), normal((4,))),
        pt.ShapeError,
        "[linear] b is f32[4], w is f32[8, 3]; b must be [3]; pass one number per output",
    ),
]
BENCH = [Case(normal((64, 784)), normal((784, 256)), normal((256,)))]
