"""Cases of matmul_integer; the reference is numpy.matmul of int64, cut to 32 bits."""

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal, values


def reference(a: Array, b: Array) -> Array:
    return np.matmul(a.astype("int64"), b.astype("int64")).astype("int32")


K = 0
DTYPES = ("float32",)
SHAPES: tuple[tuple[tuple[int, ...], int], ...] = (
    *[((m, 33), 20) for m in (0, 1, 2, 4, 5, 7, 8, 13, 14, 15, 29, 300)],
    *[((3, k), 17) for k in (0, 1, 2, 3, 4, 5, 63, 64, 65, 255, 257, 600)],
    *[((6, 40), n) for n in (0, 1, 15, 16, 17, 31, 32, 33, 65, 300, 1030)],
    ((5,), 3), ((2, 3, 4), 5), ((2, 0, 4), 5),
)  # fmt: skip
CASES = [
    Case(integers(a, low, high, dtype), integers((a[-1], n), -128, 128, "int8"))
    for a, n in SHAPES
    for dtype, low, high in (("int8", -128, 128), ("uint8", 0, 256))
]
# The ends of the range, where sums of two products of bytes leave 16 bits; and a sum that leaves 32 bits.
CASES += [
    Case(values(np.full((2, 70), -128), "int8"), values(np.full((70, 33), -128), "int8")),
    Case(values(np.full((2, 70), 255), "uint8"), values(np.full((70, 33), -128), "int8")),
    Case(values(np.full((2, 70), 255), "uint8"), values(np.full((70, 33), 127), "int8")),
    Case(values(np.full((1, 65_800), 255), "uint8"), values(np.full((65_800, 1), -128), "int8")),
]
ERRORS = [
    (
        Case(integers((2, 3), 0, 5, "int8"), integers((4, 5), 0, 5, "int8")),
        pt.ShapeError,
        "[matmul_integer] a is i8[2, 3], b is i8[4, 5]; a [..., k] and b [k, n] are expected; transpose b, or make one matrix of it",
    ),
    (
        Case(integers((2, 3), 0, 5, "int32"), integers((3, 5), 0, 5, "int8")),
        pt.ShapeError,
        "[matmul_integer] a is i32[2, 3], b is i8[3, 5]; a of int8 or uint8 and b of int8 are expected; quantize them first",
    ),
    (
        Case(normal((2, 3)), integers((3, 5), 0, 5, "int8")),
        pt.DTypeError,
        "[matmul_integer] a is f32[2, 3]; expected integers; convert it with astype",
    ),
]
MUTANTS = [
    ("cpu.cpp", "0u - 128u * sum", "0u - 127u * sum"),
    ("cpu.cpp", "k > 0);", "false);"),
    ("cpu.cpp", "k < depth && cols - col < kUnit", "false"),
    ("cpu.cpp", "row + k, depth - k, is_signed", "row + k, kMostStep, is_signed"),
]
BENCH = [
    Case(integers((m, k), -127, 128, "int8"), integers((k, n), -127, 128, "int8"))
    for m, k, n in ((1, 768, 3072), (512, 512, 512), (256, 768, 3072))
]
