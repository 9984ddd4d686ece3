"""Cases of stop_gradient; the reference is the input itself."""

from kit import Array, Case, normal


def reference(x: Array) -> Array:
    return x


K = 0
CASES = [Case(normal(shape)).no_gradient() for shape in ((0,), (), (17,), (3, 5))]
BENCH: list[Case] = []
