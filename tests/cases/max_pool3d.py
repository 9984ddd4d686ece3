"""Cases of max_pool3d; the reference is the maximum over all places of the window, in NumPy."""

from typing import Any

import powertrain as pt
from kit import Array, Case, normal, spaced
from windows import maximum


def reference(x: Array, **settings: Any) -> Array:
    return maximum(3, x, **settings)


K = 0
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    Case(spaced((2, 4, 6, 4, 3)), kernel_size=2),
    Case(spaced((1, 5, 4, 4, 2)), kernel_size=(2, 3, 2), stride=1),
    Case(spaced((1, 4, 5, 6, 2)), kernel_size=(2, 3, 2), stride=2, padding=(1, 1, 0)),
    Case(spaced((1, 7, 5, 6, 2)), kernel_size=2, stride=3, padding=1, ceil_mode=True),
    Case(spaced((1, 7, 5, 6, 2)), kernel_size=2, stride=2, dilation=3),
]
ERRORS = [
    (
        Case(normal((4, 3)), kernel_size=2),
        pt.ShapeError,
        "[max_pool3d] input is f32[4, 3]; expected [n, d, h, w, channels]; reshape input",
    ),
    (
        Case(normal((2, 4, 6, 4, 3)), kernel_size=(1, 2)),
        pt.ShapeError,
        "[max_pool3d] kernel_size = (1, 2); expected one number or three; pass it alone",
    ),
]
BENCH = [Case(normal((4, 16, 16, 16, 32)), kernel_size=2)]
