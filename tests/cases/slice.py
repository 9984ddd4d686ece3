"""Cases of slice; the reference is NumPy's own slicing."""

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, start: tuple[int, ...], stop: tuple[int, ...], step: tuple[int, ...] | None = None) -> Array:
    steps = step or (1,) * x.ndim
    # A stop of -1 with a negative step means "to the first element", for which NumPy writes None.
    return x[tuple(slice(a, None if b < 0 else b, c) for a, b, c in zip(start, stop, steps, strict=True))]


K = 0
CASES = [
    Case(normal((6,)), start=(1,), stop=(4,)),
    Case(normal((6,)), start=(0,), stop=(6,), step=(2,)),
    Case(normal((6,)), start=(4,), stop=(-1,), step=(-2,)),
    Case(normal((6,)), start=(3,), stop=(3,)),
    Case(normal((5, 33)), start=(1, 2), stop=(4, 31), step=(2, 3)),
    Case(normal((2, 3, 4)), start=(0, 2, 0), stop=(2, -1, 4), step=(1, -1, 1)),
    Case(integers((9,), 0, 9), start=(2,), stop=(7,)),
    Case(normal((0, 4)), start=(0, 1), stop=(0, 3)),
]
ERRORS = [
    (
        Case(normal((4,)), start=(0,), stop=(9,)),
        pt.ShapeError,
        "[slice] start = 0, stop = 9, step = 1 along axis 0 of size 4; expected positions inside it and a step that is not 0; use slice(...).indices(size)",
    ),
    (
        Case(normal((4,)), start=(0, 0), stop=(1, 1)),
        pt.ShapeError,
        "[slice] start, stop and step have 2, 2 and 2 numbers, x is f32[4]; expected one per axis; pass 0, the size and 1 for an axis that stays whole",
    ),
]
MUTANTS = [("spec.cpp", "in.strides[i] * start[at]", "in.strides[i]")]
BENCH = [Case(normal((2048, 1024)), start=(0, 1), stop=(2048, 1023))]
