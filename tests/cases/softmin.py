"""Cases of softmin; the reference is scipy.special.softmax of -x."""

from scipy.special import softmax

from kit import Array, Case, normal


def reference(x: Array, axis: int = -1) -> Array:
    return softmax(-x, axis)


K = 16
CASES = [*[Case(normal((3, n))) for n in (1, 2, 17, 1025)], Case(normal((3, 5, 7)), axis=1)]
MUTANTS = [("spec.cpp", "{-in[0]}", "{in[0]}")]
BENCH = [Case(normal((2048, 1024)))]
