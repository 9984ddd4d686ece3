"""Cases of conv1d; the reference sums over taps in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def reference(
    x: Array,
    w: Array,
    b: Array | None = None,
    stride: int = 1,
    padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    x = np.pad(x, ((0, 0), (padding, padding), (0, 0)))
    taps, channels, outputs = w.shape
    steps = (x.shape[1] - dilation * (taps - 1) - 1) // stride + 1
    y = np.zeros((x.shape[0], steps, outputs))
    for g in range(groups):
        ins, outs = slice(g * channels, (g + 1) * channels), slice(g * outputs // groups, (g + 1) * outputs // groups)
        for k in range(taps):
            piece = x[:, k * dilation : k * dilation + stride * (steps - 1) + 1 : stride, ins]
            y[..., outs] += piece @ w[k, :, outs]
    return y if b is None else y + b


def magnitude(x: Array, w: Array, b: Array | None = None, **rest: int) -> Array:
    return reference(np.abs(x), np.abs(w), None if b is None else np.abs(b), **rest)


CASES = [
    Case(normal((2, 9, 3)), normal((3, 3, 4)), normal((4,))),
    Case(normal((2, 9, 3)), normal((3, 3, 4)), stride=2, padding=1),
    Case(normal((2, 12, 4)), normal((3, 2, 6)), normal((6,)), dilation=2, groups=2, padding=2),
    Case(normal((1, 33, 5)), normal((1, 5, 17))),
]
ERRORS = [
    (
        Case(normal((2, 9)), normal((3, 3, 4))),
        pt.ShapeError,
        "[conv1d] input is f32[2, 9], weight is f32[3, 3, 4]; expected input [n, t, ci] and weight [k, ci / groups, co]; reshape them",
    ),
    (
        Case(normal((2, 9, 3)), normal((3, 3, 4)), stride=(1, 2)),
        pt.ShapeError,
        "[conv1d] stride = (1, 2); expected one number; pass it alone",
    ),
]
MUTANTS = [("spec.cpp", '== "padding" ? 0 : 1, value[0]', '== "padding" ? 0 : 1, 1')]
BENCH = [Case(normal((16, 1024, 64)), normal((3, 64, 64)), padding=1)]
