"""Cases of svd_tall, the form that svd turns matrices into."""

import powertrain as pt
from cases.svd import magnitude, reference
from kit import Case, normal
from matrices import regular

K = 64  # LAPACK itself is off by so much where singular values are near each other
DTYPES = ("float32", "float64")
CASES = [Case(regular(shape)) for shape in ((3, 3), (2, 5, 4))]
ERRORS = [
    (
        Case(normal((2, 3))),
        pt.ShapeError,
        "[svd_tall] x is f32[2, 3]; expected no more columns than rows; use svd",
    ),
]
BENCH = [Case(regular((64, 32)))]
__all__ = ["BENCH", "CASES", "ERRORS", "magnitude", "reference"]
