"""Cases of conj; the reference is numpy.conj."""

import numpy as np

from kit import Case, complexes, normal, unary

reference = np.conj
CASES = [
    *unary(normal),
    *(Case(complexes(shape)) for shape in ((), (0,), (17,), (3, 5))),
    Case(complexes((4,), "complex128")),
]
MUTANTS = [("spec.cpp", "-imaginary", "imaginary")]
