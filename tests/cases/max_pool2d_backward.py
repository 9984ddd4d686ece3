"""Cases of max_pool2d_backward(g, index); the reference adds g where the index says, in NumPy."""

from typing import Any

import numpy as np

from images import inside, padded, pair, positions
from kit import Array, Case, integers, normal


def reference(
    g: Array, index: Array, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, *, image: Any
) -> Array:
    dx = padded(np.zeros((g.shape[0], *pair(image), g.shape[3])), padding)
    width = pair(kernel_size)[1]
    for i, j, seen in positions(dx, kernel_size, kernel_size if stride is None else stride, dilation):
        seen += np.where(index == i * width + j, g, 0.0)
    return inside(dx, padding)


def magnitude(g: Array, *rest: Any, **attrs: Any) -> Array:
    return reference(np.abs(g), *rest, **attrs)


CASES = [
    Case(normal((2, 3, 3, 3)), integers((2, 3, 3, 3), 0, 4, "uint8"), kernel_size=2, image=(6, 6)),
    Case(normal((2, 3, 3, 17)), integers((2, 3, 3, 17), 0, 4, "uint8"), kernel_size=2, image=(7, 7)),
    Case(normal((1, 4, 4, 2)), integers((1, 4, 4, 2), 4, 5, "uint8"), kernel_size=3, stride=2, padding=1, image=(7, 7)),
    Case(normal((1, 3, 3, 5)), integers((1, 3, 3, 5), 0, 9, "uint8"), kernel_size=3, stride=1, image=(5, 5)),
    Case(
        normal((1, 3, 2, 3)),
        integers((1, 3, 2, 3), 0, 6, "uint8"),
        kernel_size=(2, 3),
        stride=2,
        dilation=(3, 2),
        image=(8, 7),
    ),
]
BENCH = [Case(normal((64, 14, 14, 32)), integers((64, 14, 14, 32), 0, 4, "uint8"), kernel_size=2, image=(28, 28))]
