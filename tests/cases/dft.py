"""Cases of dft, of parts; the reference is numpy.fft. Other lengths and complex numbers are in test_fft.py."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array, inverse: bool = False) -> Array:
    z = x[..., 0] + 1j * x[..., 1]
    made = np.fft.ifft(z, norm="forward") if inverse else np.fft.fft(z)
    return np.stack([made.real, made.imag], -1)


def magnitude(x: Array, inverse: bool = False) -> Array:
    return np.broadcast_to(np.abs(x).sum((-2, -1), keepdims=True), x.shape)


DTYPES = ("float32", "float64")
CASES = [*(Case(normal((n, 2))) for n in (1, 2, 3, 4, 5, 6, 7, 8, 12, 30, 37, 64, 74, 77, 1000)),
         *(Case(normal((3, n, 2)), inverse=True) for n in (4, 15, 37)), Case(normal((2, 0, 6, 2)))]  # fmt: skip
ERRORS = [
    (
        Case(normal((3,))),
        pt.ShapeError,
        "[dft] x is f32[3]; expected f32 or f64 [..., n, 2] with n above 0; make it with view_as_real",
    ),
]
MUTANTS = [
    ("spec.cpp", '!c.attrs.flag("inverse")', 'c.attrs.flag("inverse")'),
    ("butterfly.h", "re[1] = c + h;", "re[1] = c - h;"),
    ("butterfly.h", "(j * k % r)", "(j * k % (r - 1))"),
    ("butterfly.h", "? d.length - k : k", "? d.length - 1 - k : k"),
    ("plan_shared.cpp", "length_of_convolution(2 * d.n - 1)", "length_of_convolution(d.n)"),
    ("roots.h", "(eighth + 1) / 2", "eighth / 2"),
]
BENCH = [Case(normal((256, 1024, 2)))]
