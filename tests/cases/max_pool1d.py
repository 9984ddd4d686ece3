"""Cases of max_pool1d; the reference is the maximum over all places of the window, in NumPy."""

from itertools import product
from typing import Any

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, spaced

AXES = 1


def _numbers(value: Any) -> tuple[int, ...]:
    return (value,) * AXES if isinstance(value, int) else tuple(value)


def _seen(x: Array, window: Any, stride: Any, padding: Any, border: float) -> list[Array]:
    """What each place of the window sees, for all windows."""
    sizes, steps, pads = _numbers(window), _numbers(window if stride is None else stride), _numbers(padding)
    x = np.pad(x, [(0, 0), *((p, p) for p in pads), (0, 0)], constant_values=border)
    counts = [(n - size) // step + 1 for n, size, step in zip(x.shape[1:-1], sizes, steps, strict=True)]
    found = []
    for place in product(*(range(size) for size in sizes)):
        cut = [slice(at, at + step * (n - 1) + 1, step) for at, step, n in zip(place, steps, counts, strict=True)]
        found.append(x[(slice(None), *cut)])
    return found


def reference(x: Array, window: Any, stride: Any = None, padding: Any = 0) -> Array:
    return np.max(_seen(x, window, stride, padding, -np.inf), axis=0)


K = 0
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    Case(spaced((2, 6, 3)), window=2),
    Case(spaced((1, 7, 17)), window=3, stride=1),
    Case(spaced((1, 8, 2)), window=3, stride=2, padding=1),
]
ERRORS = [
    (
        Case(normal((4, 3)), window=2),
        pt.ShapeError,
        "[max_pool1d] x is f32[4, 3]; expected [n, t, channels]; reshape x",
    ),
    (
        Case(normal((2, 6, 3)), window=(1, 2)),
        pt.ShapeError,
        "[max_pool1d] window = (1, 2); expected one number; pass it alone",
    ),
]
BENCH = [Case(normal((16, 1024, 64)), window=2)]
