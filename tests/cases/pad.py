"""Cases of pad; the reference is numpy.pad."""

from numpy import pad

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, before: tuple[int, ...], after: tuple[int, ...], value: float = 0.0) -> Array:
    return pad(x, list(zip(before, after, strict=True)), constant_values=value)


K = 0
CASES = [
    Case(normal((2,)), before=(1,), after=(2,)),
    Case(normal((3, 5)), before=(0, 2), after=(1, 0), value=0.5),
    Case(normal((0, 3)), before=(1, 0), after=(1, 1)),
    Case(normal((2, 3, 17)), before=(0, 1, 0), after=(0, 1, 3), value=-1.0),
    Case(integers((4,), 0, 9), before=(2,), after=(0,), value=7),
]
ERRORS = [
    (
        Case(normal((4,)), before=(-1,), after=(0,)),
        pt.ShapeError,
        "[pad] before = (-1,), after = (0,), x is f32[4]; expected a number of at least 0 per axis; slice to remove elements",
    ),
]
BENCH = [Case(normal((64, 28, 28, 8)), before=(0, 2, 2, 0), after=(0, 2, 2, 0))]
