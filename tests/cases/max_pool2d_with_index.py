"""Cases of max_pool2d_with_index; the reference is numpy.max and numpy.argmax over the positions of the window."""

from typing import Any

import numpy as np

from kit import Array, Case, normal, spaced
from windows import seen


def reference(
    x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, ceil_mode: bool = False
) -> tuple[Array, Array]:
    parts = seen(2, x, kernel_size, stride, padding, -np.inf, dilation, ceil_mode)
    return np.max(parts, axis=0), np.argmax(parts, axis=0).astype("uint8")


K = 0
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    Case(spaced((2, 6, 6, 3)), kernel_size=2),
    Case(spaced((1, 7, 8, 17)), kernel_size=3, stride=2, padding=1),
    Case(spaced((1, 6, 6, 2)), kernel_size=(2, 3), stride=(2, 1)),
    Case(spaced((1, 9, 7, 2)), kernel_size=3, stride=2, padding=1, dilation=(3, 2), ceil_mode=True),
]
BENCH = [Case(normal((64, 28, 28, 32)), kernel_size=2)]
