"""Cases of cast; the reference is numpy.astype, which rounds towards zero, on values that the target can hold."""

import powertrain as pt
from kit import SIZES, Array, Case, booleans, integers, normal


def reference(x: Array, dtype: str) -> Array:
    return x.astype("float64") if "float" in dtype else x.astype({"bool": "bool"}.get(dtype, dtype))


K = 1
CASES = [
    *[Case(normal((n,)), dtype="float64") for n in SIZES],
    *[Case(normal((3, 5)), dtype=dtype).no_gradient() for dtype in ("float32", "float16", "bfloat16")],
    *[Case(normal((40,), 20.0), dtype=dtype).no_gradient() for dtype in ("int64", "int32", "int16", "int8")],
    *[Case(integers((40,), 0, 99), dtype=dtype) for dtype in ("float32", "float64", "int64", "int8", "uint8")],
    Case(booleans((40,)), dtype="float32"),
    Case(integers((40,), 0, 2), dtype="bool"),
]
ERRORS = [
    (
        Case(normal((3,)), dtype="float128"),
        pt.DTypeError,
        "[astype] dtype = 'float128'; expected a dtype such as 'float32'; pass a value of that type",
    ),
]
BENCH = [Case(normal((2048, 1024)), dtype="float16"), Case(normal((2048, 1024)), dtype="float64")]
