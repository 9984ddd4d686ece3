"""Cases of embedding_bag; the reference reduces rows of the table in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal, spaced


def reference(index: Array, table: Array, per_sample_weights: Array | None = None, mode: str = "mean") -> Array:
    rows = table[index] * (1.0 if per_sample_weights is None else per_sample_weights[..., None])
    return np.asarray(getattr(np, mode)(rows, 1))


def magnitude(index: Array, table: Array, per_sample_weights: Array | None = None, mode: str = "mean") -> Array:
    return reference(index, np.abs(table), None if per_sample_weights is None else np.abs(per_sample_weights), mode)


K = 8
CASES = [
    *[
        Case(integers((3, 4), -7, 7, dtype), spaced((7, 5)), mode=mode)
        for dtype, mode in (("int32", "sum"), ("int64", "mean"), ("int8", "max"))
    ],
    Case(integers((3, 4), 0, 7), normal((7, 5)), normal((3, 4)), mode="sum"),
]
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
ERRORS = [
    (
        Case(integers((3, 4), 0, 7), normal((7, 5)), normal((3, 4))),
        pt.ShapeError,
        "[embedding_bag] input is i32[3, 4], weight is f32[7, 5], mode = mean; expected integers [n, k], a weight [rows, width], and per_sample_weights [n, k] with mode sum alone; pad bags to one length with weights of 0",
    ),
]
MUTANTS = [("spec.cpp", 'mode == "mean" ? bag /', 'mode == "mean" ? bag *')]
BENCH = [Case(integers((4096, 20), 0, 10000), normal((10000, 64)))]
