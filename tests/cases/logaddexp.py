"""Cases of logaddexp; the reference is numpy.logaddexp."""

import numpy as np

from kit import Array, Case, binary, normal, special_pairs, values

reference = np.logaddexp


def magnitude(a: Array, b: Array) -> Array:
    return np.maximum(np.abs(a), np.abs(b)) + 1.0


CASES = [*binary(normal, normal), Case(*special_pairs()).no_gradient()]
INF = np.inf
GRADIENTS = [
    (Case(values([INF, -INF, INF, -INF]), values([INF, -INF, -INF, INF])), ([0.5, 0.5, 1, 0], [0.5, 0.5, 0, 1]))
]
MUTANTS = [("spec.cpp", "share_of(b, a)", "share_of(a, b)"), ("spec.cpp", "fn::equal(a, b)", "fn::equal(a, -b)")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
