"""Cases of adaptive_avg_pool2d; the reference is the mean of each part in NumPy."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal


def parts(old: int, new: int) -> list[slice]:
    return [slice(i * old // new, -(-(i + 1) * old // new)) for i in range(new)]


def reference(x: Array, output_size: int | tuple[int, int]) -> Array:
    rows, columns = (output_size, output_size) if isinstance(output_size, int) else output_size
    lines = [
        np.stack([x[:, r, c].mean((1, 2)) for c in parts(x.shape[2], columns)], 1) for r in parts(x.shape[1], rows)
    ]
    return np.stack(lines, 1)


def magnitude(x: Array, output_size: int | tuple[int, int]) -> Array:
    return reference(np.abs(x), output_size)


K = 8
CASES = [Case(normal((2, 7, 5, 3)), output_size=output_size) for output_size in (1, 2, (3, 5), (7, 5), (9, 4))]
ERRORS = [
    (
        Case(normal((7, 5, 3)), output_size=2),
        pt.ShapeError,
        "[adaptive_avg_pool2d] input is f32[7, 5, 3], output_size = (2,); expected [n, h, w, channels] and one or two sizes above 0; "
        "reshape input",
    ),
]
MUTANTS = [("spec.cpp", "n % parts != 0", "n % parts == 1"), ("spec.cpp", "{axis + 1}", "{axis}")]
BENCH = [Case(normal((16, 14, 14, 256)), output_size=7)]
