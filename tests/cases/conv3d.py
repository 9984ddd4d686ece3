"""Cases of conv3d; the reference sums over taps in NumPy."""

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
    dilation: int | tuple[int, ...] = 1,
    groups: int = 1,
) -> Array:
    steps, around, apart = three(stride), three(padding), three(dilation)
    x = np.pad(x, ((0, 0), *((p, p) for p in around), (0, 0)))
    channels, outputs = w.shape[3:]
    sizes = [(x.shape[i + 1] - apart[i] * (w.shape[i] - 1) - 1) // steps[i] + 1 for i in range(3)]
    y = np.zeros((x.shape[0], *sizes, outputs))
    for g in range(groups):
        ins, outs = slice(g * channels, (g + 1) * channels), slice(g * outputs // groups, (g + 1) * outputs // groups)
        for taps in itertools.product(*(range(n) for n in w.shape[:3])):
            place = [
                slice(k * d, k * d + s * (n - 1) + 1, s) for k, d, s, n in zip(taps, apart, steps, sizes, strict=True)
            ]
            y[..., outs] += x[(slice(None), *place, ins)] @ w[taps][:, outs]
    return y if b is None else y + b


def magnitude(x: Array, w: Array, b: Array | None = None, **rest: int) -> Array:
    return reference(np.abs(x), np.abs(w), None if b is None else np.abs(b), **rest)


CASES = [
    Case(normal((1, 4, 5, 5, 2)), normal((3, 3, 3, 2, 3)), normal((3,))),
    Case(normal((2, 4, 5, 5, 2)), normal((2, 3, 1, 2, 3)), stride=(2, 1, 2), padding=(1, 1, 0)),
    Case(normal((1, 5, 4, 4, 4)), normal((2, 2, 2, 2, 6)), dilation=(2, 1, 1), groups=2),
]
ERRORS = [
    (
        Case(normal((1, 2, 5, 5, 2)), normal((3, 3, 3, 2, 3))),
        pt.ShapeError,
        "[conv3d] input is f32[1, 2, 5, 5, 2], weight is f32[3, 3, 3, 2, 3]; expected a window no deeper than the padded input; pad more",
    ),
    (
        Case(normal((1, 4, 5, 5, 2)), normal((3, 3, 3, 2, 3)), stride=(1, 2)),
        pt.ShapeError,
        "[conv3d] stride = (1, 2); expected one or three numbers; for example stride = 2",
    ),
]
MUTANTS = [("spec.cpp", "k * dilation[0]", "k")]
BENCH = [Case(normal((2, 8, 32, 32, 16)), normal((3, 3, 3, 16, 16)), padding=1)]
