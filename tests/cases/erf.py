"""Cases of erf; the reference is scipy.special.erf."""

from scipy import special as scipy_special

from kit import Case, normal, special, unary

reference = scipy_special.erf
K = 3
CASES = [*unary(normal), Case(special()).no_gradient()]
MUTANTS = [("spec.cpp", "kTwoOverRootPi * ", "")]
BENCH = [Case(normal((2048, 1024)))]
