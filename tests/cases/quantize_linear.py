"""Cases of quantize_linear; the reference is NumPy's rint and clip."""

import numpy as np

from kit import Array, Case, integers, normal, uniform, values


def reference(input: Array, scale: Array, zero_point: Array | None = None, dtype: str = "int8") -> Array:
    shift = np.zeros(()) if zero_point is None else zero_point.astype("float64")
    low, high = (0, 255) if dtype == "uint8" else (-128, 127)
    code = np.clip(np.rint(input / scale) + shift, low, high)
    return np.where(np.isnan(code), shift, code).astype(dtype)


K = 0
DTYPES = ("float32", "float64")
CASES = [
    # Numbers between two codes: a quotient that is rounded may fall on either side of a half.
    Case(integers(shape, -200, 200, "float32"), values(0.75, "float32"))
    for shape in ((), (0,), (1,), (5,), (33,), (3, 1025))
]
CASES += [
    Case(integers((4, 9), -200, 200, "float32"), values([[0.7], [1.3], [2.9], [0.3]], "float32")),
    Case(integers((4, 9), -50, 500, "float32"), values(1.3, "float32"), values(7, "int32"), dtype="uint8"),
    Case(values([0.5, 1.5, 2.5, -0.5, np.inf, -np.inf, np.nan, 1e30, -0.0]), values(1.0)),
    Case(values([0.5, np.nan, -1e9, 1e9]), values(1.0), values(9, "int32"), dtype="uint8"),
]
ERRORS: list[object] = []
MUTANTS = [("spec.cpp", "? 0 : -128", "? 0 : -127"), ("spec.cpp", "? 255 : 127", "? 254 : 127")]
BENCH = [Case(normal((2048, 1024)), uniform((2048, 1), 0.01, 0.1))]
