"""Cases of view_as_complex; the reference fills NumPy's parts."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def reference(x: Array) -> Array:
    made = np.empty(x.shape[:-1], "complex128")
    made.real, made.imag = x[..., 0], x[..., 1]
    return made


DTYPES = ("float32", "float64")
CASES = [Case(normal(shape)) for shape in ((2,), (0, 2), (17, 2), (3, 5, 2))]
ERRORS = [
    (
        Case(normal((3,))),
        pt.ShapeError,
        "[view_as_complex] x is f32[3]; expected float32 or float64 with a last axis of 2; stack the parts",
    ),
]
MUTANTS = [
    ("spec.cpp", "in.strides[last] == 1", "in.strides[last] != 0"),
    ("spec.cpp", "in.strides[i] / 2", "in.strides[i]"),
]
