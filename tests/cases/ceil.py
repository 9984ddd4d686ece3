"""Cases of ceil; the reference is numpy.ceil."""

import numpy as np

from kit import Case, integers, normal, special, unary

reference = np.ceil
K = 0
WHOLE = [Case(integers((33,), 0, 200, kind)).no_gradient() for kind in ("int32", "int64", "uint8")]
CASES = [*unary(lambda s: normal(s, 5.0)), Case(special()).no_gradient(), *WHOLE]
BENCH = [Case(normal((2048, 1024), 5.0))]
