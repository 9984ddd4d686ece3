"""What pooling over sequences and volumes means, in NumPy: each window spelled out."""

from itertools import product
from typing import Any

import numpy as np

from kit import Array


def numbers(axes: int, value: Any) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def windows_along(size: int, kernel_size: int, step: int, pad: int, apart: int, ceil: bool) -> int:
    """How many windows there are, counted one by one: each lies in the padded axis or, with ceil, begins in it before
    the padding behind."""
    span, count = apart * (kernel_size - 1) + 1, 0
    while count * step + span <= size + 2 * pad:
        count += 1
    # One more, if what is behind the last one would be lost.
    begins, covered = count * step, (count - 1) * step + span
    return count + (ceil and covered < size + 2 * pad and begins < size + pad)


def seen(
    axes: int, x: Array, kernel_size: Any, stride: Any, padding: Any, border: float, dilation: Any = 1,
    ceil: bool = False, beyond: float | None = None,
) -> list[Array]:  # fmt: skip
    """What each place of the window sees, for all windows; `beyond` is what lies behind the padding."""
    sizes, steps, pads, apart = (
        numbers(axes, value) for value in (kernel_size, kernel_size if stride is None else stride, padding, dilation)
    )
    rows = list(zip(x.shape[1:-1], sizes, steps, pads, apart, strict=True))
    counts = [windows_along(*row, ceil) for row in rows]
    x = np.pad(x, [(0, 0), *((p, p) for p in pads), (0, 0)], constant_values=border)
    over = [(0, max((n - 1) * s + d * (k - 1) + 1 - size - 2 * p, 0)) for n, (size, k, s, p, d) in
            zip(counts, rows, strict=True)]  # fmt: skip
    x = np.pad(x, [(0, 0), *over, (0, 0)], constant_values=border if beyond is None else beyond)
    found = []
    for place in product(*(range(size) for size in sizes)):
        cut = [
            slice(at * d, at * d + s * (n - 1) + 1, s)
            for at, n, (_, _, s, _, d) in zip(place, counts, rows, strict=True)
        ]
        found.append(x[(slice(None), *cut)])
    return found


def average(
    axes: int, x: Array, kernel_size: Any, stride: Any = None, padding: Any = 0, count_include_pad: bool = True,
    ceil_mode: bool = False,
) -> Array:  # fmt: skip
    def total(volume: Array, border: float = 0.0) -> Array:
        return np.sum(seen(axes, volume, kernel_size, stride, padding, border, 1, ceil_mode, 0.0), axis=0)

    return total(x) / total(np.ones_like(x), float(count_include_pad))


def maximum(
    axes: int,
    x: Array,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
) -> Array:
    return np.max(seen(axes, x, kernel_size, stride, padding, -np.inf, dilation, ceil_mode), axis=0)
