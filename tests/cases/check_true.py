"""Cases of check_true; the reference is what comes in, and numpy.all for whether it is true."""

import numpy as np

import powertrain as pt
from kit import Array, Case, values

REFUSAL = "[check_true] x is 0; expected another number; check x"


def reference(holds: Array, refusal: str) -> Array:
    assert holds.all()
    return holds


def _true(*shape: int) -> Case:
    return Case(values(np.ones(shape), "bool"), refusal=REFUSAL)


def _false(shape: tuple[int, ...], place: int) -> Case:
    holds = np.ones(shape, bool)
    holds.flat[place] = False
    return Case(values(holds, "bool"), refusal=REFUSAL)


K = 0
CASES = [_true(), _true(0), _true(4), _true(2, 3), _true(65537)]
ERRORS = [
    *[(_false(shape, at), pt.ShapeError, REFUSAL) for shape, at in (((), 0), ((3, 5), 7), ((65537,), 65536))],
    (
        Case(values([1.0], "float32"), refusal=REFUSAL),
        pt.DTypeError,
        "[check_true] holds is f32[1]; expected bool; convert it with astype",
    ),
]
MUTANTS = [
    ("cpu.cpp", "bad |= holds[i]", "bad &= holds[i]"),
    ("cpu.cpp", "bad |= holds[walk.a]", "bad &= holds[walk.a]"),
]
BENCH = [_true(1 << 20)]
