"""Cases of one_hot; the reference is a comparison with numpy.arange."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal


def reference(x: Array, num_classes: int) -> Array:
    return (x[..., None] == np.arange(num_classes)).astype("float64")


K = 0
CASES = [
    Case(integers(shape, 0, 7, dtype), num_classes=7)
    for shape in ((), (0,), (5,), (3, 4), (33,))
    for dtype in ("int32", "int64", "uint8")
]
ERRORS = [
    (
        Case(normal((3,)), num_classes=4),
        pt.DTypeError,
        "[one_hot] input is f32[3]; expected integers; convert it with astype",
    ),
]
BENCH = [Case(integers((4096,), 0, 1000), num_classes=1000)]
