"""Cases of put_along_axis; the reference adds one update after the other in NumPy."""

import numpy as np

from kit import Array, Case, integers, normal, values


def reference(index: Array, updates: Array, axis: int = -1, size: int = 0) -> Array:
    shape = list(updates.shape)
    shape[axis] = size
    y = np.zeros(shape)
    places = list(np.indices(index.shape))
    places[axis] = index % size
    np.add.at(y, tuple(places), updates)
    return y


def magnitude(index: Array, updates: Array, axis: int = -1, size: int = 0) -> Array:
    return reference(index, np.abs(updates), axis, size)


K = 16  # as many roundings as updates of one place
CASES = [
    Case(integers((3, 4), -7, 7, "int64"), normal((3, 4)), axis=1, size=7),
    Case(integers((2, 7), 0, 3, "int32"), normal((2, 7)), axis=0, size=3),
    Case(integers((2, 1, 3), 0, 5, "int64"), normal((2, 1, 3)), axis=1, size=5),
    Case(values([1, 1, 1, 0], "int64"), normal((4,)), axis=0, size=3),
    Case(integers((3, 0), 0, 7, "int64"), normal((3, 0)), size=7),
]
BENCH = [Case(integers((1024, 1), 0, 1000, "int64"), normal((1024, 1)), size=1000)]
