"""Cases of unfold; the reference cuts each tap out of the padded image."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal

Pair = int | tuple[int, int]


def two(value: Pair) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def reference(x: Array, kernel_size: Pair, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1) -> Array:
    (kh, kw), (sy, sx), (py, px), (dy, dx) = two(kernel_size), two(stride), two(padding), two(dilation)
    x = np.pad(x, ((0, 0), (py, py), (px, px), (0, 0)))
    rows = (x.shape[1] - dy * (kh - 1) - 1) // sy + 1
    columns = (x.shape[2] - dx * (kw - 1) - 1) // sx + 1
    taps = [
        x[:, i * dy : i * dy + sy * (rows - 1) + 1 : sy, j * dx : j * dx + sx * (columns - 1) + 1 : sx]
        for i in range(kh)
        for j in range(kw)
    ]
    return np.concatenate(taps, -1)


K = 0
CASES = [
    Case(normal((2, 4, 5, 3)), kernel_size=2),
    Case(normal((1, 5, 6, 2)), kernel_size=(3, 2), stride=(2, 1), padding=1, dilation=(1, 2)),
    Case(integers((1, 4, 4, 1), 0, 9), kernel_size=2, stride=2),
]
ERRORS = [
    (
        Case(normal((1, 4, 4, 3)), kernel_size=5),
        pt.ShapeError,
        "[unfold] an image of 4 by 4, kernel_size = (5,); expected a window no larger than the padded image; choose a smaller one",
    ),
]
MUTANTS = [("spec.cpp", "j * d.dilation_w", "j")]
BENCH = [Case(normal((8, 32, 32, 64)), kernel_size=3, padding=1)]
