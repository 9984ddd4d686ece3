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
        "[linear] input is f32[4, 8], weight is f32[7, 3]; input's last axis must equal weight's first; weight is (inputs, outputs): transpose weight or reshape input",
    ),
    (
        Case(normal((4, 8)), normal((8, 3)), normal((4,))),
        pt.ShapeError,
        "[linear] bias is f32[4], weight is f32[8, 3]; bias must be [3]; pass one number per output",
    ),
]
BENCH = [Case(normal((64, 784)), normal((784, 256)), normal((256,)))]
