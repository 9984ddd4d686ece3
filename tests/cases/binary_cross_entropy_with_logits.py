"""Cases of bce_with_logits; the reference is numpy.logaddexp of both sides."""

import numpy as np

from kit import Array, Case, binary, normal, uniform


def reference(x: Array, target: Array, pos_weight: Array | float = 1.0) -> Array:
    return pos_weight * target * np.logaddexp(0.0, -x) + (1 - target) * np.logaddexp(0.0, x)


def magnitude(x: Array, target: Array, pos_weight: Array | float = 1.0) -> Array:
    return (np.abs(x) + np.abs(x * target) + 1.0) * np.maximum(pos_weight, 1.0)


CASES = [
    *binary(lambda shape: normal(shape, 3.0), uniform),
    Case(normal((40,), 100.0), uniform((40,))),
    Case(normal((4, 5)), uniform((4, 5)), uniform((5,), 0.5, 3.0)),
    Case(normal((5,)), uniform((4, 5)), 2.0),
]
MUTANTS = [
    ("spec.cpp", "weight * right - wrong", "right - wrong"),
    ("spec.cpp", "target * weight * (1.0 - p)", "target * (1.0 - p)"),
]
BENCH = [Case(normal((2048, 1024)), uniform((2048, 1024)))]
