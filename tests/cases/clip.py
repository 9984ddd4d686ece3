"""Cases of clip; the reference is numpy.clip."""

from typing import Any

import numpy as np

import powertrain as pt
from kit import SIZES, Array, Case, integers, normal, special


def reference(x: Array, min: Any = None, max: Any = None) -> Array:
    return np.clip(x, min, max)


K = 0
GRADIENT_SIZE = 100  # with many elements one is within a step of a kink
CASES = [
    *[Case(normal((n,)), min=-0.5, max=0.75) for n in SIZES],
    Case(normal((3, 5)), min=-0.5),
    Case(normal((3, 5)), max=0.5),
    Case(normal(()), min=-0.5, max=0.5),
    Case(special(), min=-1.0, max=2.5).no_gradient(),
    Case(integers((40,), -9, 9), min=-3, max=4),
]
ERRORS = [
    (
        Case(normal((2, 3)), min=normal((4,))),
        pt.ShapeError,
        "[clip] shapes [2, 3] and [4] do not broadcast: sizes 3 and 4 at axis -1; expected equal sizes or a size of 1; reshape one of them",
    ),
]
BENCH = [Case(normal((2048, 1024)), min=-0.5, max=0.5)]
