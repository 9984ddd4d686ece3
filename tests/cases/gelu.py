"""Cases of gelu; the reference is x times the normal distribution (scipy.special.ndtr), or Hendrycks' tanh form."""

import math

import numpy as np
from scipy.special import ndtr

import powertrain as pt
from kit import Array, Case, normal, special, unary


def reference(x: Array, approximate: str = "none") -> Array:
    if approximate == "none":
        return x * ndtr(x)
    return 0.5 * x * (1.0 + np.tanh(math.sqrt(2.0 / math.pi) * (x + 0.044715 * x * x * x)))


def magnitude(x: Array, approximate: str = "none") -> Array:
    return np.abs(x)  # x / 2 plus x / 2 times a number up to 1


CASES = [
    *unary(normal),
    *unary(lambda shape: normal(shape, 4.0)),
    Case(normal((3, 1025)), approximate="tanh"),
    Case(special()).no_gradient(),
    Case(special(), approximate="tanh").no_gradient(),
]
ERRORS = [
    (
        Case(normal((3,)), approximate="sigmoid"),
        pt.ShapeError,
        "[gelu] approximate = 'sigmoid'; expected one of 'none', 'tanh'; for example approximate = 'none'",
    ),
]
BENCH = [Case(normal((2048, 1024))), Case(normal((2048, 1024)), approximate="tanh")]
