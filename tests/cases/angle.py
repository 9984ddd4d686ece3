"""Cases of angle; the reference is numpy.angle, with 0 for -0."""

import numpy as np

from kit import Array, Case, complexes, normal, unary, values


def reference(x: Array) -> Array:
    return np.angle(x) if x.dtype.kind == "c" else np.where(np.isnan(x), x, np.where(x < 0, np.pi, 0.0))


def magnitude(x: Array) -> Array:
    return np.full(x.shape, np.pi)


CASES = [*unary(normal), *(Case(complexes(shape)) for shape in ((), (0,), (17,), (3, 5))),
         Case(complexes((4,), "complex128")), Case(values([0.0, -0.0, np.nan, np.inf, -np.inf])).no_gradient()]  # fmt: skip
MUTANTS = [("spec.cpp", "imaginary_part(in[0]), real_part(in[0])", "real_part(in[0]), imaginary_part(in[0])"),
           ("spec.cpp", "fn::equal(x, x)", "fn::equal(zero, zero)")]  # fmt: skip
