"""Cases of prelu; the reference is its definition in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, w: Array) -> Array:
    return np.where(x > 0, x, w * x).reshape(x.shape)


GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [
    *[Case(normal((3, 5)), normal(shape)) for shape in ((), (1,), (5,))],
    Case(normal(()), normal((1,))),
    Case(normal((2, 3, 33)), normal((33,))),
]
ERRORS = [
    (
        Case(normal((3, 5)), normal((3,))),
        pt.ShapeError,
        "[prelu] weight is f32[3], input is f32[3, 5]; expected one slope, or one per channel (the last axis of input); reshape weight",
    ),
]
MUTANTS = [("spec.cpp", "value, scaled)", "scaled, value)")]
BENCH = [Case(normal((2048, 1024)), normal((1024,)))]
