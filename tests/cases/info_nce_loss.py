"""Cases of info_nce_loss; the reference is scipy.special.log_softmax of the cosines."""

import numpy as np
from scipy.special import log_softmax

import powertrain as pt
from cases.cosine_similarity import unit
from kit import Array, Case, normal


def reference(a: Array, b: Array, temperature: float = 0.1) -> Array:
    cosines = unit(a, -1, 1e-12) @ unit(b, -1, 1e-12).T
    return -np.diagonal(log_softmax(cosines / temperature, -1))


def magnitude(a: Array, b: Array, temperature: float = 0.1) -> Array:
    return np.full(len(a), 2 / temperature)


K = 8
CASES = [
    *[Case(normal((n, 5)), normal((n, 5))) for n in (1, 4, 17)],
    Case(normal((3, 5)), normal((7, 5)), temperature=0.5),
]
ERRORS = [
    (
        Case(normal((3, 5)), normal((2, 5))),
        pt.ShapeError,
        "[info_nce_loss] input1 is f32[3, 5], input2 is f32[2, 5]; expected rows of one width, and at least as many of input2; transpose or reshape one",
    ),
]
MUTANTS = [("spec.cpp", '/ fn::number(attrs.number("temperature"))', '* fn::number(attrs.number("temperature"))')]
BENCH = [Case(normal((512, 256)), normal((512, 256)))]
