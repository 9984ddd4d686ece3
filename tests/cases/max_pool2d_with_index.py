"""Cases of max_pool2d_with_index; the reference is numpy.max and numpy.argmax over the positions of the window."""

from typing import Any

import numpy as np

from images import padded, positions
from kit import Array, Case, normal, spaced


def reference(x: Array, window: Any, stride: Any = None, padding: Any = 0) -> tuple[Array, Array]:
    stride = window if stride is None else stride
    seen = [part for _, _, part in positions(padded(x, padding, -np.inf), window, stride)]
    return np.max(seen, axis=0), np.argmax(seen, axis=0).astype("uint8")


K = 0
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    Case(spaced((2, 6, 6, 3)), window=2),
    Case(spaced((1, 7, 8, 17)), window=3, stride=2, padding=1),
    Case(spaced((1, 6, 6, 2)), window=(2, 3), stride=(2, 1)),
]
BENCH = [Case(normal((64, 28, 28, 32)), window=2)]
