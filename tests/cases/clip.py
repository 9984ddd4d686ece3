"""Cases of clip; the reference is numpy.clip."""

from typing import Any

import numpy as np

import powertrain as pt
from kit import SIZES, Array, Case, integers, normal, special


def reference(x: Array, low: Any = None, high: Any = None) -> Array:
    return np.clip(x, low, high)


K = 0
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [
    *[Case(normal((n,)), low=-0.5, high=0.75) for n in SIZES],
    Case(normal((3, 5)), low=-0.5),
    Case(normal((3, 5)), high=0.5),
    Case(normal(()), low=-0.5, high=0.5),
    Case(special(), low=-1.0, high=2.5).no_gradient(),
    Case(integers((40,), -9, 9), low=-3, high=4),
]
ERRORS = [
    (
        Case(normal((2, 3)), low=normal((4,))),
        pt.ShapeError,
        "[clip] shapes [2, 3] and [4] do not broadcast: sizes 3 and 4 at axis -1; expected equal sizes or a size of 1; reshape one of them",
    ),
]
BENCH = [Case(normal((2048, 1024)), low=-0.5, high=0.5)]
