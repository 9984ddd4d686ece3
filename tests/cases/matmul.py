"""Cases of matmul; the reference is numpy.matmul in float64, and |a| @ |b| the size of what was summed."""

import numpy as np

import powertrain as pt
from kit import Array, Case, around, normal


def magnitude(a: Array, b: Array) -> Array:
    return np.matmul(np.abs(a), np.abs(b))


reference = np.matmul
K = 8
SHAPES: tuple[tuple[tuple[int, ...], tuple[int, ...]], ...] = (
    *[((m, 33), (33, 20)) for m in (0, 1, 2, 4, 5, 13, 14, 15, 64, 65)],
    *[((7, k), (k, 33)) for k in (0, 1, 4, *around(256), 1000)],
    *[((13, 40), (40, n)) for n in (0, 1, 2, 4, 10, *around(16, 32), 100)],
    ((2, 4097), (4097, 3)),
    ((64, 4), (4, 64)),
    ((64, 64), (64, 2)),
    ((65, 300), (300, 65)),
    ((5,), (5,)),
    ((5,), (5, 3)),
    ((3, 5), (5,)),
    ((2, 3, 4), (2, 4, 5)),
    ((2, 3, 4), (4, 5)),
    ((3, 4), (2, 4, 5)),
    ((2, 1, 3, 4), (1, 3, 4, 2)),
    ((0, 3, 4), (0, 4, 2)),
)
CASES = [Case(normal(a), normal(b)) for a, b in SHAPES]
ERRORS = [
    (
        Case(normal((4, 8)), normal((7, 3))),
        pt.ShapeError,
        "[matmul] a is f32[4, 8], b is f32[7, 3]; a's last axis (8) must equal b's first (7); transpose b or slice a",
    ),
    (
        Case(normal(()), normal((3,))),
        pt.ShapeError,
        "[matmul] a is f32[], b is f32[3]; both must have at least one axis; multiply scalars with *",
    ),
]
BENCH = [
    Case(normal((m, k)), normal((k, n)))
    for m, k, n in ((512, 512, 512), (2048, 2048, 2048), (64, 784, 256), (768, 256, 3072), (256, 768, 50257))
]
