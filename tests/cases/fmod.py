"""Cases of fmod; the reference is numpy.fmod."""

import numpy as np

from kit import Case, binary, integers, normal, special_pairs, uniform, values

reference = np.fmod
GRADIENT_SIZE = 60  # with many elements one is within a step of a kink
CASES = [
    *binary(lambda s: uniform(s, 0.7, 1.0), lambda s: uniform(s, 0.55, 0.6)),
    Case(*special_pairs()).no_gradient(),
    Case(integers((40,), -9, 9), values([[3], [-3], [1], [7]], "int32")),
    Case(integers((40,), 0, 90, "uint8"), values([7], "uint8")),
]
MUTANTS = [
    ("spec.cpp", '-(g * fn::call("trunc"', '(g * fn::call("trunc"'),
    ("spec.cpp", "r - b, r", "r + b, r"),
]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
