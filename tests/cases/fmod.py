"""Cases of fmod; the reference is numpy.fmod."""

import numpy as np

from kit import Case, binary, normal, special_pairs, uniform

reference = np.fmod
GRADIENT_SIZE = 60  # with many elements one is within a step of a kink
CASES = [*binary(lambda s: uniform(s, 0.7, 1.0), lambda s: uniform(s, 0.55, 0.6)), Case(*special_pairs()).no_gradient()]
MUTANTS = [("spec.cpp", '-fn::call("trunc"', 'fn::call("trunc"')]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
