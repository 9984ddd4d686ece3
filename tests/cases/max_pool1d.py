"""Cases of max_pool1d; the reference is the maximum over all places of the window, in NumPy."""

from typing import Any

import powertrain as pt
from kit import Array, Case, normal, spaced
from windows import maximum


def reference(x: Array, **settings: Any) -> Array:
    return maximum(1, x, **settings)


K = 0
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    Case(spaced((2, 6, 3)), kernel_size=2),
    Case(spaced((1, 7, 17)), kernel_size=3, stride=1),
    Case(spaced((1, 8, 2)), kernel_size=3, stride=2, padding=1),
    Case(spaced((1, 8, 2)), kernel_size=2, stride=3, padding=1, ceil_mode=True),
    Case(spaced((1, 8, 2)), kernel_size=2, stride=2, dilation=3),
]
ERRORS = [
    (
        Case(normal((4, 3)), kernel_size=2),
        pt.ShapeError,
        "[max_pool1d] input is f32[4, 3]; expected [n, t, channels]; reshape input",
    ),
    (
        Case(normal((2, 6, 3)), kernel_size=(1, 2)),
        pt.ShapeError,
        "[max_pool1d] kernel_size = (1, 2); expected one number; pass it alone",
    ),
]
BENCH = [Case(normal((16, 1024, 64)), kernel_size=2)]
