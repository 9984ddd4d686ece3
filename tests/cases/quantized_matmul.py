"""Cases of quantized_matmul; the reference is numpy.matmul with the dequantized weight in float64."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, uniform, values
from quantized import SIZES, bytes_of, dequantized, packed


def reference(input: Array, weight: Array, scale: Array, group_size: int | None = None) -> Array:
    return np.matmul(input, dequantized(weight, scale, input.shape[-1], group_size))


def magnitude(input: Array, weight: Array, scale: Array, group_size: int | None = None) -> Array:
    return np.matmul(np.abs(input), np.abs(dequantized(weight, scale, input.shape[-1], group_size)))


K = 8
DTYPES = ("float32",)


def _scale(size: int, columns: int, group: int | None) -> object:
    return uniform((-(-size // group) if group else 1, columns), 0.01, 0.1)


CASES = [
    Case(normal((m, i)), make(i, o), _scale(i, o, group), group_size=group)
    for make in (bytes_of, packed)
    for m in (1, 3, 5, 16)
    for i, o, group in SIZES
]
CASES += [
    Case(normal((m, 70)), make(70, 90), _scale(70, 90, 16), group_size=16)
    for make in (bytes_of, packed)
    for m in (0, 2, 4, 7, 8, 14, 15, 127, 300)
]
CASES += [
    Case(normal((2, 3, 8)), bytes_of(8, 5), _scale(8, 5, None)),
    Case(normal((8,)), packed(8, 5), _scale(8, 5, None)),
    Case(normal((3, 9)), bytes_of(9, 5), _scale(9, 5, 3), group_size=3),
    Case(values([[np.inf, 1.0, 0.0]]), values([[1, 0], [2, 2], [-128, 127]], "int8"), values([[0.5, 0.25]])),
]
ERRORS = [
    (
        Case(normal((2, 8)), bytes_of(7, 3), _scale(7, 3, None)),
        pt.ShapeError,
        "[quantized_matmul] weight is i8[7, 3]; [8, outputs] is expected for 8 inputs; quantize the weights of this layer",
    ),
    (
        Case(normal((2, 8)), bytes_of(8, 3), _scale(8, 3, 4)),
        pt.ShapeError,
        "[quantized_matmul] scale is f32[2, 3]; [1, 3] is expected, one row for each group; pass the scales that the weight was quantized with",
    ),
    (
        Case(normal((2, 8)), packed(8, 3), _scale(8, 3, 3), group_size=3),
        pt.ShapeError,
        "[quantized_matmul] group_size = 3; an even number of at least 2 is expected; 32 is usual",
    ),
]
MUTANTS = [
    ("cpu.cpp", "k > group);", "true);"),
    ("cpu.cpp", "row / d.group", "k / d.group"),
    ("few_rows.h", "k / d.group * d.cols", "begin / d.group * d.cols"),
    ("few_rows.h", "if (k < shared_end) last_row", "if (false) last_row"),
    ("codes.h", "out[1] = out[1] * scale", "out[1] = out[1]"),
]
BENCH = [
    Case(normal((m, k)), make(k, n), _scale(k, n, group), group_size=group)
    for m, k, n in ((1, 768, 3072), (256, 768, 3072))
    for make, group in ((bytes_of, None), (packed, 64))
]
