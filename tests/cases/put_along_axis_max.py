"""Cases of put_along_axis_max; the reference takes one update after the other in NumPy."""

import numpy as np

from kit import Array, Case, booleans, integers, normal, spaced, values


def reference(index: Array, updates: Array, axis: int = -1, size: int = 0) -> Array:
    shape = list(updates.shape)
    shape[axis] = size
    kind = updates.dtype.kind
    lowest = -np.inf if kind == "f" else False if kind == "b" else np.iinfo(updates.dtype).min
    y = np.full(shape, lowest, updates.dtype)
    places = list(np.indices(index.shape))
    places[axis] = index % size
    np.maximum.at(y, tuple(places), updates)
    return y


K = 0
SECOND = False  # its slopes jump at ties, which are the hard part
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    Case(values([[0, 1, 2, -1, 1], [2, 2, 0, 1, 1]], "int64"), spaced((2, 5)), axis=1, size=3),
    Case(
        values([[0, 1], [1, 0], [0, 0]], "int32"), values([[1.0, 2.0], [2.0, 3.0], [1.0, 3.0]]), axis=0, size=2
    ).no_gradient(),
    # Of two equal ones a central difference is the mean of both slopes, as their gradient.
    Case(values([0, 0, 1], "int64"), values([3.0, 3.0, 1.0]), size=2),
    Case(integers((3, 4), -7, 7, "int64"), spaced((3, 4)), axis=1, size=7).no_gradient(),
    Case(integers((2, 17), 0, 3, "int32"), spaced((2, 17)), axis=0, size=3).no_gradient(),
    Case(integers((2, 5, 70), 0, 4, "int64"), spaced((2, 5, 70)), axis=1, size=4).no_gradient(),
    Case(values([1, 1, 1, 0], "int64"), values([1.0, np.nan, 2.0, -np.inf]), axis=0, size=3).no_gradient(),
    Case(integers((3, 0), 0, 7, "int64"), normal((3, 0)), size=7),
    Case(integers((40,), 0, 9, "int64"), integers((40,), -9, 9), size=11),
    Case(integers((40,), 0, 9, "int64"), integers((40,), 0, 200, "uint8"), size=11),
    Case(integers((9,), 0, 9, "int64"), booleans((9,)), size=11),
]
MUTANTS = [
    ("larger.h", "(x != x && y == y)", "false"),
    ("spec.cpp", "fn::maximum(at_places(ties), fn::number(1))", "fn::number(1)"),
]
BENCH = [Case(integers((1024, 1000), 0, 1000, "int64"), normal((1024, 1000)), size=1000)]
