"""Cases of transpose; the reference is numpy.transpose."""

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, axes: tuple[int, ...] | None = None) -> Array:
    return x.transpose(axes)


K = 0
CASES = [
    *[
        Case(normal(shape), axes=axes)
        for shape, axes in (
            ((3, 5), (1, 0)),
            ((2, 3, 4), (2, 0, 1)),
            ((2, 3, 4), (0, 2, 1)),
            ((2, 3, 4), (-1, 0, 1)),
            ((0, 3), (1, 0)),
            ((33, 65), (1, 0)),
            ((2, 3, 4, 5), (0, 2, 1, 3)),
            ((7,), (0,)),
        )
    ],
    Case(normal((2, 3, 4))),
    Case(integers((3, 5), 0, 9), axes=(1, 0)),
]
ERRORS = [
    (
        Case(normal((2, 3)), axes=(0, 0)),
        pt.ShapeError,
        "[permute_dims] axes = (0, 0), x is f32[2, 3]; expected every axis of x once; leave axes out to reverse them",
    ),
    (
        Case(normal((2, 3)), axes=(0,)),
        pt.ShapeError,
        "[permute_dims] axes = (0,), x is f32[2, 3]; expected every axis of x once; leave axes out to reverse them",
    ),
]
MUTANTS = [("spec.cpp", "fn::transpose(c.grad[0], back)", "fn::transpose(c.grad[0], axes)")]
BENCH = [Case(normal((2048, 1024)), axes=(1, 0))]
