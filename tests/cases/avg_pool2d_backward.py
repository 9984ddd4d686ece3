"""Cases of avg_pool2d_backward(g); the reference spreads each gradient over its window in NumPy."""

from typing import Any

import numpy as np

from images import inside, padded, pair, positions
from kit import Array, Case, normal


def reference(
    g: Array, window: Any, stride: Any = None, padding: Any = 0, count_padding: bool = True, *, image: Any
) -> Array:
    stride = window if stride is None else stride
    dx = padded(np.zeros((g.shape[0], *pair(image), g.shape[3])), padding)
    ones = padded(np.ones((1, *pair(image), 1)), padding)
    counted = np.sum([seen for _, _, seen in positions(ones, window, stride)], axis=0)
    share = g / (np.prod(pair(window)) if count_padding else counted)
    for _, _, seen in positions(dx, window, stride):
        seen += share
    return inside(dx, padding)


def magnitude(g: Array, **rest: Any) -> Array:
    return reference(np.abs(g), **rest)


CASES = [
    Case(normal((2, 3, 3, 3)), window=2, image=(6, 6)),
    Case(normal((2, 3, 3, 17)), window=2, image=(7, 7)),
    Case(normal((1, 4, 4, 2)), window=3, stride=2, padding=1, image=(7, 7)),
    Case(normal((1, 4, 4, 2)), window=3, stride=2, padding=1, count_padding=False, image=(7, 7)),
    Case(normal((1, 3, 3, 5)), window=3, stride=1, image=(5, 5)),
]
BENCH = [Case(normal((64, 14, 14, 32)), window=2, image=(28, 28))]
