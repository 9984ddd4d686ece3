"""Cases of positive; the reference is numpy.positive."""

import numpy as np

from kit import Case, integers, normal, special, unary

reference = np.positive
K = 0
CASES = [*unary(normal), Case(special()).no_gradient(), Case(integers((5,), -9, 9))]
MUTANTS = [("spec.cpp", "{in[0]}; }", "{-in[0]}; }")]
BENCH = [Case(normal((2048, 1024)))]
