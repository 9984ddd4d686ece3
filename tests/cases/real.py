"""Cases of real; the reference is numpy.real."""

import numpy as np

from kit import Case, complexes, normal, unary

reference = np.real
CASES = [
    *unary(normal),
    *(Case(complexes(shape)) for shape in ((), (0,), (17,), (3, 5))),
    Case(complexes((4,), "complex128")),
]
MUTANTS = [("spec.cpp", "real_part", "imaginary_part")]
