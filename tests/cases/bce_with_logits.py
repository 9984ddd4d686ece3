"""Cases of bce_with_logits; the reference is numpy.logaddexp(0, x) - x * target."""

import numpy as np

from kit import Array, Case, binary, normal, uniform


def reference(x: Array, target: Array) -> Array:
    return np.logaddexp(0.0, x) - x * target


def magnitude(x: Array, target: Array) -> Array:
    return np.abs(x) + np.abs(x * target) + 1.0


CASES = [*binary(lambda shape: normal(shape, 3.0), uniform), Case(normal((40,), 100.0), uniform((40,)))]
BENCH = [Case(normal((2048, 1024)), uniform((2048, 1024)))]
