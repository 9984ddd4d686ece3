"""Cases of conv_transpose1d; the reference adds the weighted window of each step in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def reference(
    x: Array,
    w: Array,
    b: Array | None = None,
    stride: int = 1,
    padding: int = 0,
    output_padding: int = 0,
    dilation: int = 1,
    groups: int = 1,
) -> Array:
    steps, taps, share, ins = x.shape[1], w.shape[0], w.shape[1], x.shape[2] // groups
    whole = (steps - 1) * stride + dilation * (taps - 1) + output_padding + 1
    y = np.zeros((x.shape[0], whole, share * groups))
    for t in range(steps):
        for k in range(taps):
            for g in range(groups):
                own = slice(g * ins, (g + 1) * ins)
                y[:, t * stride + k * dilation, g * share : (g + 1) * share] += x[:, t, own] @ w[k, :, own].T
    y = y[:, padding : whole - padding]
    return y if b is None else y + b


def magnitude(x: Array, w: Array, b: Array | None = None, **rest: int) -> Array:
    return reference(np.abs(x), np.abs(w), None if b is None else np.abs(b), **rest)


K = 8
CASES = [
    Case(normal((2, 5, 3)), normal((3, 4, 3)), normal((4,))),
    Case(normal((2, 5, 3)), normal((3, 4, 3)), stride=2, padding=1, output_padding=1),
    Case(normal((1, 6, 4)), normal((2, 3, 4)), normal((6,)), dilation=2, groups=2),
]
ERRORS = [
    (
        Case(normal((2, 9)), normal((3, 3, 4))),
        pt.ShapeError,
        "[conv_transpose1d] input is f32[2, 9], weight is f32[3, 3, 4]; expected input [n, t, ci] and weight [k, co / groups, ci]; reshape them",
    ),
    (
        Case(normal((2, 9, 3)), normal((3, 4, 3)), stride=(1, 2)),
        pt.ShapeError,
        "[conv_transpose1d] stride = (1, 2); expected one number; pass it alone",
    ),
]
MUTANTS = [("spec.cpp", "adds ? 0 : 1, value[0]", "adds ? 0 : 1, 1")]
BENCH = [Case(normal((16, 256, 64)), normal((3, 64, 64)), padding=1)]
