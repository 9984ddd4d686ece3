"""Cases of conv_transpose3d; the reference adds each voxel's window in NumPy."""

import itertools

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def three(value: int | tuple[int, ...]) -> tuple[int, ...]:
    return (value,) * 3 if isinstance(value, int) else value


def reference(
    x: Array,
    w: Array,
    b: Array | None = None,
    stride: int | tuple[int, ...] = 1,
    padding: int | tuple[int, ...] = 0,
    output_padding: int | tuple[int, ...] = 0,
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> Array:
    steps, around, more, apart = (three(value) for value in (stride, padding, output_padding, dilation))
    sizes, (*window, outs, _), channels = x.shape[1:4], w.shape, x.shape[4]
    rows = list(zip(sizes, steps, apart, window, more, strict=True))
    y = np.zeros((x.shape[0], *((n - 1) * s + d * (k - 1) + o + 1 for n, s, d, k, o in rows), outs * groups))
    for g in range(groups):
        ins = slice(g * channels // groups, (g + 1) * channels // groups)
        for taps in itertools.product(*(range(k) for k in window)):
            place = [slice(t * d, t * d + s * (n - 1) + 1, s) for t, (n, s, d, _, _) in zip(taps, rows, strict=True)]
            y[(slice(None), *place, slice(g * outs, (g + 1) * outs))] += x[..., ins] @ w[taps][:, ins].T
    cut = [slice(p, n - p) for p, n in zip(around, y.shape[1:4], strict=True)]
    y = y[(slice(None), *cut)]
    return y if b is None else y + b


def magnitude(x: Array, w: Array, b: Array | None = None, **rest: int) -> Array:
    return reference(np.abs(x), np.abs(w), None if b is None else np.abs(b), **rest)


CASES = [
    Case(normal((1, 3, 4, 3, 2)), normal((2, 3, 2, 3, 2)), normal((3,))),
    Case(normal((2, 2, 3, 3, 2)), normal((3, 2, 3, 2, 2)), stride=2, padding=1, output_padding=1),
    Case(
        normal((1, 3, 2, 2, 4)), normal((2, 2, 1, 3, 4)), normal((6,)), stride=(1, 2, 1), dilation=(2, 1, 1), groups=2
    ),
]
ERRORS = [
    (
        Case(normal((1, 3, 4, 3, 2)), normal((2, 3, 2, 2, 3))),
        pt.ShapeError,
        "[conv_transpose3d] input is f32[1, 3, 4, 3, 2], weight is f32[2, 3, 2, 2, 3]; expected input [n, d, h, w, ci] and weight [kd, kh, kw, co / groups, ci]; transpose weight",
    ),
    (
        Case(normal((1, 3, 4, 3, 2)), normal((2, 3, 2, 3, 2)), output_padding=(1, 0, 0)),
        pt.ShapeError,
        "[conv_transpose3d] output_padding = (1, 0, 0); expected less than stride or dilation; choose a smaller one",
    ),
    (
        Case(normal((1, 1, 4, 3, 2)), normal((2, 3, 2, 3, 2)), padding=(1, 0, 0)),
        pt.ShapeError,
        "[conv_transpose3d] input is f32[1, 1, 4, 3, 2], padding = (1, 0, 0); expected a padding that leaves planes; choose a smaller one",
    ),
    (
        Case(normal((1, 3, 4, 3, 2)), normal((2, 3, 2, 3, 2)), normal((2,))),
        pt.ShapeError,
        "[conv_transpose3d] bias is f32[2], weight is f32[2, 3, 2, 3, 2]; bias must be [3]; pass one number per output channel",
    ),
]
MUTANTS = [("spec.cpp", "k * dilation[0], 0", "k, 0"), ("spec.cpp", "+ more[0] + 1", "+ 1")]
BENCH = [Case(normal((2, 8, 16, 16, 32)), normal((4, 4, 4, 16, 32)), stride=2, padding=1)]
