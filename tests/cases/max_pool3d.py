"""Cases of max_pool3d; the reference is the maximum over all places of the window, in NumPy."""

from itertools import product
from typing import Any

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, spaced

AXES = 3


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
    Case(spaced((2, 4, 6, 4, 3)), window=2),
    Case(spaced((1, 5, 4, 4, 2)), window=(2, 3, 2), stride=1),
    Case(spaced((1, 4, 5, 6, 2)), window=(2, 3, 2), stride=2, padding=(1, 1, 0)),
]
ERRORS = [
    (
        Case(normal((4, 3)), window=2),
        pt.ShapeError,
        "[max_pool3d] x is f32[4, 3]; expected [n, d, h, w, channels]; reshape x",
    ),
    (
        Case(normal((2, 4, 6, 4, 3)), window=(1, 2)),
        pt.ShapeError,
        "[max_pool3d] window = (1, 2); expected one number or three; pass it alone",
    ),
]
BENCH = [Case(normal((4, 16, 16, 16, 32)), window=2)]
