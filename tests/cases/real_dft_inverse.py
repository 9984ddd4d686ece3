"""Cases of real_dft_inverse, of parts; the reference is numpy.fft.irfft. Other lengths are in test_fft.py."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, n: int, scale: float = 1.0) -> Array:
    return np.asarray(np.fft.irfft(x[..., 0] + 1j * x[..., 1], n, norm="forward") * scale)


def magnitude(x: Array, n: int, scale: float = 1.0) -> Array:
    return np.broadcast_to(2 * np.abs(x * scale).sum((-2, -1))[..., None], reference(x, n).shape)


DTYPES = ("float32", "float64")
CASES = [*(Case(normal((n // 2 + 1, 2)), n=n) for n in (1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 30, 37, 64, 74, 77, 130, 1000)),
         *(Case(normal((3, n // 2 + 1, 2)), n=n, scale=-0.25) for n in (4, 15, 74)),
         Case(normal((2, 0, 4, 2)), n=6)]  # fmt: skip
ERRORS = [
    (
        Case(normal((3, 2)), n=6),
        pt.ShapeError,
        "[real_dft_inverse] x is f32[3, 2], n = 6; expected f32 or f64 [..., n // 2 + 1, 2] with n above 0; cut x or pad it",
    ),
]
MUTANTS = [
    ("../dft/spec_real.cpp", "inner_times(made, 2.0, n)", "made"),
    ("../dft/ends.h", "wi * re - wr * im", "wi * re + wr * im"),
    ("../dft/ends.h", "-2 * double(from[m + 1])", "2 * double(from[m + 1])"),
    ("../dft/ends.h", "to.im[n - k] = -to.im[k]", "to.im[n - k] = to.im[k]"),
    ("../dft/ends.h", "z.im[0] = first - last", "z.im[0] = double(from[1])"),
]
BENCH = [Case(normal((256, 513, 2)), n=1024)]
