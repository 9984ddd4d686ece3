"""Cases of dequantize_linear; the reference is (input - zero_point) scale in NumPy."""

from kit import Array, Case, integers, uniform, values


def reference(input: Array, scale: Array, zero_point: Array | None = None) -> Array:
    return (input.astype("float64") - (0 if zero_point is None else zero_point)) * scale


K = 2
CASES = [Case(integers(shape, -128, 128, "int8"), uniform((), 0.01, 0.1)) for shape in ((), (0,), (5,), (3, 33))]
CASES += [
    Case(integers((4, 9), 0, 256, "uint8"), uniform((4, 1), 0.01, 0.1), integers((4, 1), 0, 256, "uint8")),
    Case(integers((4, 9), -1000, 1000, "int32"), uniform((9,), 0.01, 0.1), values(3, "int32")),
]
ERRORS: list[object] = []
MUTANTS = [("spec.cpp", "code - fn::cast", "code + fn::cast")]
BENCH = [Case(integers((2048, 1024), -128, 128, "int8"), uniform((1024,), 0.01, 0.1))]
