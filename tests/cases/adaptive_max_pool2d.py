"""Cases of adaptive_max_pool2d; the reference is the maximum of each part in NumPy."""

import numpy as np

import powertrain as pt
from cases.adaptive_avg_pool2d import parts
from kit import Array, Case, integers, normal, spaced


def reference(x: Array, output_size: int | tuple[int, int]) -> Array:
    rows, columns = (output_size, output_size) if isinstance(output_size, int) else output_size
    lines = [np.stack([x[:, r, c].max((1, 2)) for c in parts(x.shape[2], columns)], 1) for r in parts(x.shape[1], rows)]
    return np.stack(lines, 1)


K = 0
DTYPES = ("float32", "float64")  # the 16-bit dtypes cannot tell so many values apart
CASES = [
    *[Case(spaced((2, 7, 5, 3)), output_size=output_size) for output_size in (1, 2, (3, 5), (7, 5), (9, 4))],
    Case(integers((1, 4, 4, 2), 0, 99), output_size=2),
]
ERRORS = [
    (
        Case(normal((7, 5, 3)), output_size=2),
        pt.ShapeError,
        "[adaptive_max_pool2d] input is f32[7, 5, 3], output_size = (2,); expected [n, h, w, channels] and one or two sizes above 0; "
        "reshape input",
    ),
]
MUTANTS = [("../pieces.cpp", "+ parts - 1) / parts", ") / parts")]
BENCH = [Case(normal((16, 14, 14, 256)), output_size=7)]
