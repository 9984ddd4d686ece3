"""Cases of fold; the reference adds each window at its place in NumPy."""

import numpy as np

import powertrain as pt
from cases.unfold import Pair, two
from kit import Array, Case, integers, normal


def reference(
    x: Array, output_size: tuple[int, int], kernel_size: Pair, stride: Pair = 1, padding: Pair = 0, dilation: Pair = 1
) -> Array:
    (kh, kw), (sy, sx), (py, px), (dy, dx) = two(kernel_size), two(stride), two(padding), two(dilation)
    channels = x.shape[3] // (kh * kw)
    y = np.zeros((x.shape[0], output_size[0] + 2 * py, output_size[1] + 2 * px, channels), x.dtype)
    for a in range(x.shape[1]):
        for b in range(x.shape[2]):
            taps = x[:, a, b].reshape(-1, kh, kw, channels)
            y[:, a * sy : a * sy + dy * kh : dy, b * sx : b * sx + dx * kw : dx][:, :kh, :kw] += taps
    return y[:, py : py + output_size[0], px : px + output_size[1]]


def magnitude(x: Array, output_size: tuple[int, int], kernel_size: Pair, **rest: Pair) -> Array:
    return reference(np.abs(x), output_size, kernel_size, **rest)


CASES = [
    Case(normal((2, 3, 4, 12)), output_size=(4, 5), kernel_size=2),
    Case(normal((1, 3, 6, 12)), output_size=(5, 6), kernel_size=(3, 2), stride=(2, 1), padding=1, dilation=(1, 2)),
    Case(integers((1, 2, 2, 4), 0, 9), output_size=(4, 4), kernel_size=2, stride=2),
]
ERRORS = [
    (
        Case(normal((1, 3, 3, 4)), output_size=(3, 3), kernel_size=2),
        pt.ShapeError,
        "[fold] input is f32[1, 3, 3, 4]; expected [n, 2, 2, a multiple of 4], as unfold gives it; check output_size and kernel_size",
    ),
]
MUTANTS = [("spec.cpp", "j * d.dilation_w, 0}", "j, 0}")]
BENCH = [Case(normal((8, 32, 32, 576)), output_size=(32, 32), kernel_size=3, padding=1)]
