"""Cases of view_as_real; the reference stacks the parts in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, complexes, normal


def reference(x: Array) -> Array:
    return np.stack([x.real, x.imag], -1)


CASES = [Case(complexes(shape, dtype)) for shape in ((), (0,), (17,), (3, 5)) for dtype in ("complex64", "complex128")]
ERRORS = [
    (
        Case(normal((3,))),
        pt.ShapeError,
        "[view_as_real] x is f32[3]; expected complex numbers; make them with complex(x, 0)",
    ),
]
MUTANTS = [("spec.cpp", "view.strides[i] *= 2", "view.strides[i] *= 1")]
