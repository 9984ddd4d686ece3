"""Cases of round; the reference is numpy.round: halves go to the even neighbour."""

import numpy as np

from kit import Case, integers, normal, special, unary

reference = np.round
K = 0
WHOLE = [Case(integers((33,), 0, 200, kind)).no_gradient() for kind in ("int32", "int64", "uint8")]
CASES = [*unary(lambda s: normal(s, 5.0)), Case(special()).no_gradient(), *WHOLE]
BENCH = [Case(normal((2048, 1024), 5.0))]
