"""What pooling over sequences and volumes means, in NumPy: each window spelled out."""

from itertools import product
from typing import Any

import numpy as np

from kit import Array


def numbers(axes: int, value: Any) -> tuple[int, ...]:
    return (value,) * axes if isinstance(value, int) else tuple(value)


def seen(axes: int, x: Array, window: Any, stride: Any, padding: Any, border: float) -> list[Array]:
    """What each place of the window sees, for all windows."""
    sizes, steps, pads = (
        numbers(axes, value) for value in (window, window if stride is None else stride, padding)
    )
    x = np.pad(x, [(0, 0), *((p, p) for p in pads), (0, 0)], constant_values=border)
    counts = [(n - size) // step + 1 for n, size, step in zip(x.shape[1:-1], sizes, steps, strict=True)]
    found = []
    for place in product(*(range(size) for size in sizes)):
        cut = [slice(at, at + step * (n - 1) + 1, step) for at, step, n in zip(place, steps, counts, strict=True)]
        found.append(x[(slice(None), *cut)])
    return found


def average(
    axes: int, x: Array, window: Any, stride: Any = None, padding: Any = 0, count_padding: bool = True
) -> Array:
    def total(volume: Array) -> Array:
        return np.sum(seen(axes, volume, window, stride, padding, 0.0), axis=0)

    return total(x) / (np.prod(numbers(axes, window)) if count_padding else total(np.ones_like(x)))


def maximum(axes: int, x: Array, window: Any, stride: Any = None, padding: Any = 0) -> Array:
    return np.max(seen(axes, x, window, stride, padding, -np.inf), axis=0)
