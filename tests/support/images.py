"""Convolutions and poolings in NumPy: sums over the positions of a window. Images are [batch, height, width, channels],
weights [height, width, in / groups, out]. References for case files."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def pair(value: Any) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else (value[0], value[-1])


def padded(x: Array, padding: Any, value: float = 0.0) -> Array:
    (py, px) = pair(padding)
    return np.pad(x, ((0, 0), (py, py), (px, px), (0, 0)), constant_values=value)


def positions(x: Array, kernel_size: Any, stride: Any, dilation: Any = 1) -> Iterator[tuple[int, int, Array]]:
    """Each position (i, j) of the kernel_size, and a view of what it sees of a padded image, one pixel per output."""
    (wy, wx), (sy, sx), (dy, dx) = pair(kernel_size), pair(stride), pair(dilation)
    height = (x.shape[1] - dy * (wy - 1) - 1) // sy + 1
    width = (x.shape[2] - dx * (wx - 1) - 1) // sx + 1
    for i in range(wy):
        for j in range(wx):
            rows = slice(i * dy, i * dy + sy * (height - 1) + 1, sy)
            columns = slice(j * dx, j * dx + sx * (width - 1) + 1, sx)
            yield i, j, x[:, rows, columns]


def inside(x: Array, padding: Any) -> Array:
    """A padded image without its padding."""
    (py, px) = pair(padding)
    return x[:, py : x.shape[1] - py, px : x.shape[2] - px]


def convolve(x: Array, w: Array, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1) -> Array:
    y: Any = 0.0
    for i, j, seen in positions(padded(x, padding), w.shape[:2], stride, dilation):
        parts = zip(np.split(seen, groups, -1), np.split(w[i, j], groups, -1), strict=True)
        y = y + np.concatenate([part @ weight for part, weight in parts], -1)
    return np.asarray(y)


def convolve_back_input(
    g: Array, w: Array, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1, *, image: Any
) -> Array:
    dx = padded(np.zeros((g.shape[0], *pair(image), w.shape[2] * groups)), padding)
    for i, j, seen in positions(dx, w.shape[:2], stride, dilation):
        parts = zip(np.split(g, groups, -1), np.split(w[i, j], groups, -1), strict=True)
        seen += np.concatenate([part @ weight.T for part, weight in parts], -1)
    return inside(dx, padding)


def convolve_back_weight(
    x: Array, g: Array, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1, *, kernel_size: Any
) -> Array:
    dw = np.zeros((*pair(kernel_size), x.shape[-1] // groups, g.shape[-1]))
    for i, j, seen in positions(padded(x, padding), kernel_size, stride, dilation):
        parts = zip(np.split(seen, groups, -1), np.split(g, groups, -1), strict=True)
        dw[i, j] = np.concatenate([np.einsum("nhwi,nhwo->io", part, grad) for part, grad in parts], -1)
    return dw
