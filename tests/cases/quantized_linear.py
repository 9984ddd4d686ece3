"""Cases of quantized_linear; the reference is a product with the dequantized weight in float64."""

import numpy as np

import powertrain as pt
from kit import Array, Case, normal, uniform
from quantized import SIZES, bytes_of, dequantized, packed


def reference(
    input: Array, weight: Array, scale: Array, bias: Array | None = None, group_size: int | None = None
) -> Array:
    y = np.matmul(input, dequantized(weight, scale, input.shape[-1], group_size))
    return y if bias is None else y + bias


def magnitude(
    input: Array, weight: Array, scale: Array, bias: Array | None = None, group_size: int | None = None
) -> Array:
    y = np.matmul(np.abs(input), np.abs(dequantized(weight, scale, input.shape[-1], group_size)))
    return y if bias is None else y + np.abs(bias)


K = 8


def _scale(size: int, columns: int, group: int | None) -> object:
    return uniform((-(-size // group) if group else 1, columns), 0.01, 0.1)


CASES = [
    Case(normal((m, i)), make(i, o), _scale(i, o, group), normal((o,)), group_size=group)
    for make in (bytes_of, packed)
    for m in (3, 16)
    for i, o, group in SIZES
]
CASES += [
    Case(normal((5,)), bytes_of(5, 4), _scale(5, 4, None)),
    Case(normal((2, 3, 10)), packed(10, 4), _scale(10, 4, 4), group_size=4),
]
ERRORS = [
    (
        Case(normal((2, 8)), bytes_of(8, 3), _scale(8, 3, None), normal((4,))),
        pt.ShapeError,
        "[quantized_linear] bias is f32[4]; [3] is expected; pass one number per output",
    ),
    (
        Case(normal((2, 8)), bytes_of(8, 3), _scale(8, 3, None), group_size=0),
        pt.ShapeError,
        "[quantized_linear] group_size = 0; a number of at least 1 is expected; 32 is usual",
    ),
]
MUTANTS = [
    ("spec.cpp", "fn::cast(y, in[0].dtype())", "y"),
    ("spec.cpp", "of_weight * codes", "of_weight"),
    ("spec.cpp", "groups * group - x.shape()[0]", "int64_t{0}"),
]
BENCH = [Case(normal((64, 784)), bytes_of(784, 256), _scale(784, 256, None), normal((256,)))]
