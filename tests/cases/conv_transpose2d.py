"""Cases of conv_transpose2d; the reference adds each pixel's window in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def two(value: int | tuple[int, int]) -> tuple[int, int]:
    return (value, value) if isinstance(value, int) else value


def reference(
    x: Array,
    w: Array,
    b: Array | None = None,
    stride: int | tuple[int, int] = 1,
    padding: int | tuple[int, int] = 0,
    output_padding: int | tuple[int, int] = 0,
    dilation: int | tuple[int, int] = 1,
    groups: int = 1,
) -> Array:
    (sy, sx), (py, px), (oy, ox), (dy, dx) = two(stride), two(padding), two(output_padding), two(dilation)
    n, h, width, ci = x.shape
    kh, kw, co = w.shape[:3]
    y = np.zeros((n, (h - 1) * sy + dy * (kh - 1) + oy + 1, (width - 1) * sx + dx * (kw - 1) + ox + 1, co * groups))
    for g in range(groups):
        ins, outs = slice(g * ci // groups, (g + 1) * ci // groups), slice(g * co, (g + 1) * co)
        for i in range(kh):
            for j in range(kw):
                rows = slice(i * dy, i * dy + sy * (h - 1) + 1, sy)
                columns = slice(j * dx, j * dx + sx * (width - 1) + 1, sx)
                y[:, rows, columns, outs] += x[..., ins] @ w[i, j][:, ins].T
    y = y[:, py : y.shape[1] - py, px : y.shape[2] - px]
    return y if b is None else y + b


def magnitude(x: Array, w: Array, b: Array | None = None, **rest: int) -> Array:
    return reference(np.abs(x), np.abs(w), None if b is None else np.abs(b), **rest)


CASES = [
    Case(normal((1, 4, 5, 3)), normal((3, 3, 2, 3)), normal((2,))),
    Case(normal((2, 4, 5, 3)), normal((2, 3, 4, 3)), stride=2, padding=1, output_padding=1),
    Case(normal((1, 4, 4, 4)), normal((3, 2, 3, 4)), normal((6,)), stride=(2, 1), dilation=(1, 2), groups=2),
    Case(normal((1, 4, 3, 2)), normal((2, 3, 2, 2)), stride=(3, 2), output_padding=(2, 5), dilation=(4, 6)),
]
ERRORS = [
    (
        Case(normal((1, 4, 5, 3)), normal((3, 3, 3, 2))),
        pt.ShapeError,
        "[conv_transpose2d] input is f32[1, 4, 5, 3], weight is f32[3, 3, 3, 2]; expected input [n, h, w, ci] and weight [kh, kw, co / groups, ci]; transpose weight",
    ),
    (
        Case(normal((1, 4, 5, 3)), normal((3, 3, 2, 3)), output_padding=1),
        pt.ShapeError,
        "[conv_transpose2d] output_padding = (1,); expected less than stride or dilation; choose a smaller one",
    ),
]
MUTANTS = [("spec.cpp", "+ more.first + 1", "+ 1"), ("spec.cpp", "more.second / stride.second", "0")]
BENCH = [Case(normal((8, 32, 32, 64)), normal((4, 4, 32, 64)), stride=2, padding=1)]
