"""Cases of xlogy; the reference is scipy.special.xlogy."""

from scipy.special import xlogy

from kit import Case, binary, normal, special_pairs, uniform

reference = xlogy
CASES = [*binary(normal, lambda s: uniform(s, 0.3, 2.0)), Case(*special_pairs()).no_gradient()]
MUTANTS = [("spec.cpp", "zero, a / fn::where", "zero, b / fn::where")]
BENCH = [Case(normal((2048, 1024)), normal((2048, 1024)))]
