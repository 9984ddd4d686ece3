"""Cases of avg_pool2d; the reference is the mean over shifted views in NumPy, padding counted as zeros."""

from typing import Any

import numpy as np

from kit import Array, Case, normal


def pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[1])


def reference(x: Array, window: Any, stride: Any = None, padding: Any = 0) -> Array:
    (wy, wx), (sy, sx), (py, px) = pair(window), pair(window if stride is None else stride), pair(padding)
    x = np.pad(x, ((0, 0), (py, py), (px, px), (0, 0)))
    height, width = (x.shape[1] - wy) // sy + 1, (x.shape[2] - wx) // sx + 1
    views = [
        x[:, i : i + sy * height : sy, j : j + sx * width : sx][:, :height, :width]
        for i in range(wy)
        for j in range(wx)
    ]
    return np.mean(views, axis=0)


def magnitude(x: Array, **rest: Any) -> Array:
    return reference(np.abs(x), **rest)


K = 8
CASES = [
    Case(normal((2, 6, 6, 3)), window=2),
    Case(normal((1, 7, 7, 17)), window=2),
    Case(normal((1, 7, 8, 2)), window=3, stride=2, padding=1),
    Case(normal((1, 6, 6, 2)), window=(2, 3), stride=(2, 1)),
    Case(normal((1, 5, 5, 2)), window=3, stride=1),
    Case(normal((0, 6, 6, 3)), window=2),
]
BENCH = [Case(normal((64, 28, 28, 32)), window=2)]
