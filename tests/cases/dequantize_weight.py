"""Cases of dequantize_weight; the reference unpacks and multiplies in NumPy."""

import powertrain as pt
from kit import Array, Case, uniform, values
from quantized import SIZES, bytes_of, dequantized, packed


def reference(weight: Array, scale: Array, size: int | None = None, group_size: int | None = None) -> Array:
    rows = size if size is not None else len(weight) * (2 if weight.dtype == "uint8" else 1)
    return dequantized(weight, scale, rows, group_size)


K = 1


def _scale(size: int, columns: int, group: int | None) -> object:
    return uniform((-(-size // group) if group else 1, columns), 0.01, 0.1)


CASES = [Case(bytes_of(i, o), _scale(i, o, group), group_size=group) for i, o, group in SIZES[:-2]]
CASES += [Case(packed(i, o), _scale(i, o, group), size=i, group_size=group) for i, o, group in SIZES[:-2]]
CASES += [
    Case(packed(6, 5), _scale(6, 5, None)),
    Case(values([[0x00, 0x80, 0xFF]], "uint8"), values([[1.0, 2.0, 4.0]])),
]
ERRORS = [
    (
        Case(bytes_of(4, 3), uniform((2, 3))),
        pt.ShapeError,
        "[dequantize_weight] scale is f32[2, 3]; [1, 3] is expected, one row for each group; pass the scales that the weight was quantized with",
    ),
    (
        Case(packed(4, 3), uniform((1, 3)), size=5),
        pt.ShapeError,
        "[dequantize_weight] weight is u8[2, 3]; [3, outputs] is expected for 5 inputs of 4 bits; quantize the weights of this layer",
    ),
    (
        Case(values([[1, 2]], "int32"), uniform((1, 2))),
        pt.ShapeError,
        "[dequantize_weight] weight is i32[1, 2]; int8, or uint8 with two codes of 4 bits in each byte, is expected; quantize it",
    ),
]
MUTANTS = [("spec.cpp", "- 8.0", "- 7.0"), ("spec.cpp", "byte(15)", "byte(7)")]
BENCH = [Case(bytes_of(1024, 1024), _scale(1024, 1024, 32), group_size=32)]
