"""Cases of scatter_reduce; the reference takes one update after the other in NumPy."""

from typing import Any

import numpy as np

import powertrain as pt
from kit import Array, Case, booleans, integers, normal, spaced, values

STEPS = {"sum": np.add, "mean": np.add, "max": np.maximum, "min": np.minimum}


def reference(
    x: Array, index: Array, updates: Array, axis: int = -1, reduce: str = "replace", include_self: bool = True
) -> Array:
    shape = list(x.shape)
    shape[axis] = index.shape[axis]
    index, updates = np.broadcast_to(index, shape) % max(x.shape[axis], 1), np.broadcast_to(updates, shape)
    places = list(np.indices(shape))
    places[axis] = index
    at = tuple(places)
    y = np.array(x, np.result_type(x, updates))
    if reduce == "replace":
        for place in np.ndindex(*shape):
            y[tuple(p[place] for p in places)] = updates[place]
        return y
    touched = np.zeros(x.shape, "int64")
    np.add.at(touched, at, 1)
    if not include_self:
        first = {"max": -np.inf, "min": np.inf}.get(reduce, 0)
        kept, y = y, np.full(x.shape, first, "float64")
    STEPS[reduce].at(y, at, updates)
    if reduce == "mean":
        n = np.maximum(touched + include_self, 1)
        y = y // n if x.dtype.kind == "i" else y / n
    return y if include_self else np.where(touched > 0, y, kept).astype(x.dtype)


def magnitude(x: Array, index: Array, updates: Array, **rest: Any) -> Array:
    if rest.get("reduce") not in ("sum", "mean"):
        return np.abs(reference(x, index, updates, **rest))
    return reference(np.abs(x), index, np.abs(updates), **rest)


K = 16  # as many roundings as updates of one place
TURNS = [(reduce, own) for reduce in ("sum", "mean", "max", "min") for own in (True, False)]
CASES = [
    Case(spaced((3, 5)), integers((3, 4), -5, 5, "int64"), spaced((3, 4), 0.7)),
    Case(spaced((4, 7)), integers((3, 7), 0, 4, "int32"), spaced((3, 7), 0.7), axis=0),
    Case(booleans((9,)), integers((4,), 0, 9, "int64"), booleans((4,))),
    Case(spaced((5, 2)), integers((3, 1), 0, 5, "int64"), spaced((2,), 0.7), axis=0),
    *(
        Case(spaced((3, 5)), integers((3, 8), 0, 4, "int64"), spaced((3, 8), 0.7), reduce=reduce, include_self=own)
        for reduce, own in TURNS
    ),
    *(
        Case(spaced((6, 2, 3)), integers((4, 2, 3), 0, 6, "int32"), spaced((4, 2, 3), 0.7), axis=0, reduce=reduce)
        for reduce in STEPS
    ),
    *(Case(integers((7,), -9, 9), integers((5,), 0, 7, "int64"), integers((5,), -9, 9), reduce=r) for r in STEPS),
    Case(normal((3, 5)), integers((3, 0), 0, 5, "int64"), normal((3, 0)), reduce="sum"),
    Case(values([1.0, 2.0]), values([0, 0], "int64"), values([1.0, np.nan]), reduce="max").no_gradient(),
]
ERRORS = [
    (
        Case(normal((3, 5)), integers((2, 4), 0, 5, "int64"), normal((2, 4))),
        pt.ShapeError,
        "[scatter_reduce] shapes [2, 4] and [3, 4] do not broadcast: sizes 2 and 3 at axis -2; expected equal sizes or a size of 1; reshape one of them",
    ),
    (
        Case(normal((3, 5)), integers((4,), 0, 5, "int64"), normal((3, 4))),
        pt.ShapeError,
        "[scatter_reduce] x is f32[3, 5], index is i64[4], updates is f32[3, 4]; expected integers that broadcast to the shape of x but along axis 1, and updates that broadcast to theirs; reshape one",
    ),
]
MUTANTS = [
    ("spec.cpp", "turned(largest(s))", "largest(s)"),
    ("spec.cpp", "s = own ? with_own(in[0], given) : given", "s = given"),
]
BENCH = [Case(normal((1024, 1000)), integers((1024, 1000), 0, 1000, "int64"), normal((1024, 1000)), reduce="max")]
