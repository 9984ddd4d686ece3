"""How probable a difference is by chance: tails of the distributions that the tests need, and corrections for many."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from powertrain.monitor.errors import MonitorError

Floats = NDArray[np.float64]
# A term that adds less than this to a sum of probabilities ends it.
_NEGLIGIBLE = 1e-17
METHODS = ("holm", "benjamini-hochberg", "bonferroni", "none")


def kolmogorov_tail(statistic: float, first: int, second: int) -> float:
    """The probability of a larger two-sample Kolmogorov-Smirnov statistic, by the limit for many examples."""
    if first == 0 or second == 0:
        return 1.0
    z = statistic * math.sqrt(first * second / (first + second))
    if z <= 0:
        return 1.0
    if z < 1.18:  # here the other series needs many terms: this one is its theta transform
        terms = (math.exp(-((2 * k - 1) ** 2) * math.pi**2 / (8 * z * z)) for k in range(1, 6))
        return min(1.0, max(0.0, 1 - math.sqrt(2 * math.pi) / z * sum(terms)))
    return min(1.0, 2 * sum((-1) ** (k - 1) * math.exp(-2 * k * k * z * z) for k in range(1, 8)))


def chi_square_tail(statistic: float, degrees: int) -> float:
    """The probability of a larger chi-square statistic: the regularized incomplete gamma function Q(k/2, x/2)."""
    if degrees <= 0 or statistic <= 0:
        return 1.0
    a, x = degrees / 2, statistic / 2
    scale = math.exp(a * math.log(x) - x - math.lgamma(a))
    if x < a + 1:  # the series of P converges quickly
        term = total = 1 / a
        n = a
        while term > total * _NEGLIGIBLE:
            n += 1
            term *= x / n
            total += term
        return max(0.0, 1 - scale * total)
    return scale * _gamma_fraction(a, x)


def _gamma_fraction(a: float, x: float) -> float:
    """The continued fraction of the upper incomplete gamma function, by Lentz' method."""
    tiny = 1e-300
    b = x + 1 - a
    c, d = 1 / tiny, 1 / b
    value = d
    for n in range(1, 1000):
        numerator = -n * (n - a)
        b += 2
        d = 1 / (numerator * d + b or tiny)
        c = b + numerator / c or tiny
        step = d * c
        value *= step
        if abs(step - 1) < 1e-15:
            break
    return value


def normal_tail(z: float) -> float:
    """The probability of a larger value of a standard normal variable."""
    return math.erfc(z / math.sqrt(2)) / 2


def rise_tail(before: int, of_before: int, now: int, of_now: int) -> float:
    """The probability of `now` or more of `of_now` where `before` of `of_before` were so too: Fisher's exact test."""
    total, wanted = of_before + of_now, before + now
    if now == 0 or of_now == 0:
        return 1.0

    def log_choose(n: int, k: int) -> float:
        return math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)

    whole = log_choose(total, of_now)
    found = 0.0
    for k in range(now, min(wanted, of_now) + 1):
        if wanted - k > of_before:
            continue
        term = math.exp(log_choose(wanted, k) + log_choose(total - wanted, of_now - k) - whole)
        found += term
        # Beyond the mean the terms only fall.
        if term <= found * _NEGLIGIBLE and k > of_now * wanted / total:
            break
    return min(1.0, found)


def adjusted(p_values: Sequence[float] | Floats, method: str = "holm") -> Floats:
    """P-values corrected for how many they are: one of 100 tests is below 0.01 by chance.

    holm                 the chance of any false alarm stays below the limit; needs no independence
    benjamini-hochberg   the expected share of false ones among those found stays below the limit
    bonferroni           as holm, weaker
    none                 as given

    Example
        >>> pt.monitor.adjusted([0.01, 0.04, 0.03]).round(4).tolist()
        [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=np.float64)
    if method not in METHODS:
        raise MonitorError(f"[adjusted] received {method!r}; expected one of {', '.join(METHODS)}; holm is usual")
    count = len(p)
    if method == "none" or count == 0:
        return p.copy()
    if method == "bonferroni":
        return np.minimum(p * count, 1.0)
    order = np.argsort(p, kind="stable")
    made = np.empty(count)
    if method == "holm":
        made[order] = np.maximum.accumulate(p[order] * np.arange(count, 0, -1))
    else:
        scaled = p[order] * count / np.arange(1, count + 1)
        made[order] = np.minimum.accumulate(scaled[::-1])[::-1]
    return np.minimum(made, 1.0)
