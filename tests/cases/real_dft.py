"""Cases of real_dft, as parts; the reference is numpy.fft.rfft. Other lengths and complex results are in test_fft.py."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, scale: float = 1.0) -> Array:
    made = np.fft.rfft(x) * scale
    return np.stack([made.real, made.imag], -1)


def magnitude(x: Array, scale: float = 1.0) -> Array:
    return np.broadcast_to(np.abs(x * scale).sum(-1)[..., None, None], reference(x).shape)


DTYPES = ("float32", "float64")
CASES = [*(Case(normal((n,))) for n in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 30, 37, 64, 74, 77, 130, 1000)),
         *(Case(normal((3, n)), scale=-0.25) for n in (4, 15, 74)), Case(normal((2, 0, 6)))]  # fmt: skip
ERRORS = [
    (
        Case(normal((3, 0))),
        pt.ShapeError,
        "[real_dft] x is f32[3, 0]; expected f32 or f64 [..., n] with n above 0; cast or reshape it",
    ),
]
MUTANTS = [
    ("../dft/spec_real.cpp", "inner_times(c.grad[0], 0.5, n)", "c.grad[0]"),
    ("../dft/ends.h", "wr * im + wi * re", "wr * im - wi * re"),
    ("../dft/ends.h", "to[m + 1] = T(-z.im[m / 2] * scale)", "to[m + 1] = T(z.im[m / 2] * scale)"),
    ("../dft/ends.h", "(first - second) * scale", "first - second"),
]
BENCH = [Case(normal((256, 1024)))]
