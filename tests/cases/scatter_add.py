"""Cases of scatter_add; the reference is numpy.add.at."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal, values


def reference(index: Array, updates: Array, axis: int = 0, size: int = 0) -> Array:
    axis %= updates.ndim - index.ndim + 1
    y = np.zeros((*updates.shape[:axis], size, *updates.shape[axis + index.ndim :]))
    np.add.at(y, (*[slice(None)] * axis, index), updates)
    return y


def magnitude(index: Array, updates: Array, axis: int = 0, size: int = 0) -> Array:
    return reference(index, np.abs(updates), axis, size)


K = 16  # as many roundings as updates of one place
CASES = [
    Case(integers((4,), -7, 7), normal((4, 5)), size=7),
    Case(integers((2, 3), 0, 7, "int64"), normal((2, 3, 5)), size=7),
    Case(integers((4,), 0, 7), normal((3, 4, 5)), axis=1, size=7),
    Case(integers((0,), 0, 7), normal((0, 5)), size=7),
    Case(values([2, 2, 2, 2, 0], "int64"), normal((5, 33)), size=4),
]
ERRORS = [
    (
        Case(values([7], "int64"), normal((1, 2)), size=3),
        pt.IndexError,
        "[scatter_add] received an index out of range; expected every index within the axis that it reads; check the labels or token ids against the size",
    ),
    (
        Case(values([0], "int64"), normal((2, 2)), size=3),
        pt.ShapeError,
        "[scatter_add] index is i64[1], updates is f32[2, 2], axis = 0; expected int32 or int64, and the sizes of index in updates from the axis on; reshape one",
    ),
]
BENCH = [Case(integers((256,), 0, 50257), normal((256, 768)), size=50257)]
