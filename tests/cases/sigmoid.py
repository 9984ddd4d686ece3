"""Cases of sigmoid; the reference is scipy.special.expit."""

from scipy import special as scipy_special

from kit import Case, normal, special, unary

reference = scipy_special.expit
CASES = [*unary(lambda s: normal(s, 3.0)), Case(special()).no_gradient()]
MUTANTS = [("math.h", "-abs(x)", "abs(x)"), ("math.h", "t, V(1)) / ", "V(1), t) / ")]
BENCH = [Case(normal((2048, 1024), 3.0))]
