"""Cases of pad; the reference is numpy.pad."""

from numpy import pad

import powertrain as pt
from kit import Array, Case, integers, normal

MODES = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}


def reference(
    x: Array, before: tuple[int, ...], after: tuple[int, ...], value: float = 0.0, mode: str = "constant"
) -> Array:
    widths = list(zip(before, after, strict=True))
    return pad(x, widths, constant_values=value) if mode == "constant" else pad(x, widths, mode=MODES[mode])


K = 0
CASES = [
    Case(normal((2,)), before=(1,), after=(2,)),
    Case(normal((3, 5)), before=(0, 2), after=(1, 0), value=0.5),
    Case(normal((0, 3)), before=(1, 0), after=(1, 1)),
    Case(normal((2, 3, 17)), before=(0, 1, 0), after=(0, 1, 3), value=-1.0),
    Case(integers((4,), 0, 9), before=(2,), after=(0,), value=7),
    *(Case(normal((2, 3, 5)), before=(0, 2, 1), after=(0, 1, 4), mode=mode) for mode in MODES),
    *(Case(normal((3,)), before=(0,), after=(2,), mode=mode) for mode in MODES),
    Case(normal((1, 2)), before=(5, 0), after=(7, 0), mode="replicate"),
    Case(normal((0, 2)), before=(0, 2), after=(0, 2), mode="circular"),
    Case(integers((4,), 0, 9), before=(2,), after=(0,), mode="reflect"),
]
ERRORS = [
    (
        Case(normal((4,)), before=(-1,), after=(0,)),
        pt.ShapeError,
        "[pad] before = (-1,); expected numbers from 0 to 2147483647; pass other numbers",
    ),
    (
        Case(normal((4,)), before=(1,), after=(4,), mode="reflect"),
        pt.ShapeError,
        '[pad] mode = "reflect", 1 before and 4 behind axis 0 of x, which is f32[4]; expected at most 3; pad less, or in two steps',
    ),
    (
        Case(normal((2, 4)), before=(0, 5), after=(0, 0), mode="circular"),
        pt.ShapeError,
        '[pad] mode = "circular", 5 before and 0 behind axis 1 of x, which is f32[2, 4]; expected at most 4; pad less, or in two steps',
    ),
]
MUTANTS = [("spec.cpp", "2 * (size - 1) - i", "2 * size - 1 - i"), ("spec.cpp", "i < 0 ? i + size", "i < 0 ? -i")]
BENCH = [
    Case(normal((64, 28, 28, 8)), before=(0, 2, 2, 0), after=(0, 2, 2, 0)),
    Case(normal((64, 28, 28, 8)), before=(0, 2, 2, 0), after=(0, 2, 2, 0), mode="reflect"),
]
