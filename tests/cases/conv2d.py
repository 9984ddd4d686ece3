"""Cases of conv2d; the reference is images.convolve."""

from typing import Any

import numpy as np

import powertrain as pt
from images import convolve
from kit import Array, Case, normal


def reference(x: Array, w: Array, b: Array | None = None, **rest: Any) -> Array:
    y = convolve(x, w, **rest)
    return y if b is None else y + b


def magnitude(x: Array, w: Array, b: Array | None = None, **rest: Any) -> Array:
    return reference(np.abs(x), np.abs(w), None if b is None else np.abs(b), **rest)


K = 8
CASES = [
    Case(normal((2, 6, 6, 3)), normal((3, 3, 3, 4)), normal((4,))),
    Case(normal((2, 6, 6, 3)), normal((3, 3, 3, 4)), padding=1),
    Case(normal((1, 7, 8, 2)), normal((3, 2, 2, 5)), normal((5,)), stride=2, padding=1),
    Case(normal((1, 7, 9, 2)), normal((3, 3, 2, 17)), stride=(2, 1), padding=(0, 1)),
    Case(normal((1, 9, 9, 2)), normal((3, 3, 2, 3)), dilation=2, padding=2),
    Case(normal((2, 5, 5, 4)), normal((3, 3, 2, 6)), normal((6,)), groups=2, padding=1),
    Case(normal((1, 6, 6, 8)), normal((3, 3, 1, 8)), groups=8, padding=1),
    Case(normal((1, 6, 6, 8)), normal((3, 3, 1, 16)), groups=8, stride=2, padding=1),
    Case(normal((2, 4, 4, 5)), normal((1, 1, 5, 33)), normal((33,))),
    Case(normal((1, 8, 8, 3)), normal((1, 1, 3, 4)), stride=2),
    Case(normal((1, 8, 8, 3)), normal((4, 4, 3, 9)), normal((9,)), stride=4),
    Case(normal((1, 3, 3, 40)), normal((3, 3, 40, 2)), padding=1),
    Case(normal((0, 6, 6, 3)), normal((3, 3, 3, 4))),
    Case(normal((1, 14, 14, 1)), normal((5, 5, 1, 32)), normal((32,)), padding=2),
]
ERRORS = [
    (
        Case(normal((1, 8, 8, 3)), normal((3, 3, 4, 5))),
        pt.ShapeError,
        "[conv2d] input is f32[1, 8, 8, 3], weight is f32[3, 3, 4, 5], groups = 1; expected weight's third axis times groups to be input's channels (3), and groups to divide weight's outputs; images are [n, h, w, channels]",
    ),
    (
        Case(normal((1, 2, 2, 3)), normal((3, 3, 3, 5))),
        pt.ShapeError,
        "[conv2d] input is f32[1, 2, 2, 3], weight is f32[3, 3, 3, 5]; expected a window no larger than the padded image; add padding",
    ),
    (
        Case(normal((8, 8, 3)), normal((3, 3, 3, 5))),
        pt.ShapeError,
        "[conv2d] input is f32[8, 8, 3], weight is f32[3, 3, 3, 5]; expected input [n, h, w, channels] and weight [kh, kw, channels / groups, outputs]; reshape one",
    ),
    (
        Case(normal((1, 8, 8, 3)), normal((3, 3, 3, 5)), stride=0),
        pt.ShapeError,
        "[conv2d] stride = (0,); expected numbers from 1 to 2147483647; for example stride = (1,)",
    ),
]
BENCH = [
    Case(normal((64, 28, 28, 1)), normal((5, 5, 1, 32)), padding=2),
    Case(normal((64, 14, 14, 32)), normal((5, 5, 32, 64)), padding=2),
    Case(normal((32, 32, 32, 64)), normal((3, 3, 64, 64)), padding=1),
    Case(normal((32, 4, 4, 512)), normal((3, 3, 512, 512)), padding=1),
]
