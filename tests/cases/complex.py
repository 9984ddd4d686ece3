"""Cases of complex; the reference fills NumPy's parts."""

import numpy as np

import powertrain as pt
from kit import Array, Case, binary, integers, normal, special_pairs, values


def reference(re: Array, im: Array) -> Array:
    made = np.empty(np.broadcast_shapes(re.shape, im.shape), "complex128")
    made.real, made.imag = re, im
    return made


CASES = [
    *binary(normal, normal),
    Case(integers((5,), 0, 9), integers((5,), 0, 9)),
    Case(*special_pairs()).no_gradient(),
]
ERRORS = [
    (
        Case(values([1j], "complex64"), normal((1,))),
        pt.DTypeError,
        "[complex] real is c64[1]; expected real numbers; take real(x), imag(x) or abs(x)",
    ),
]
MUTANTS = [("spec.cpp", "widened(in[0]), widened(in[1])", "widened(in[1]), widened(in[0])")]
