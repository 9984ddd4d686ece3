"""Cases of complex; the reference adds re and 1j im in NumPy."""

import powertrain as pt
from kit import Array, Case, binary, integers, normal, values


def reference(re: Array, im: Array) -> Array:
    return re + 1j * im


CASES = [*binary(normal, normal), Case(integers((5,), 0, 9), integers((5,), 0, 9))]
ERRORS = [
    (
        Case(values([1j], "complex64"), normal((1,))),
        pt.DTypeError,
        "[complex] re is c64[1]; expected real numbers; take real(x), imag(x) or abs(x)",
    ),
]
MUTANTS = [("spec.cpp", "widened(in[0]), widened(in[1])", "widened(in[1]), widened(in[0])")]
