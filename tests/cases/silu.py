"""Cases of silu; the reference is x * scipy.special.expit(x)."""

from scipy.special import expit

from kit import Array, Case, normal, special, unary


def reference(x: Array) -> Array:
    return x * expit(x)


CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("math.h", "x * select", "select")]
BENCH = [Case(normal((2048, 1024)))]
