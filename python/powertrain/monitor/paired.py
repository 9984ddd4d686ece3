"""Two models on the same examples: the mean difference of their scores with an interval, and whether it is chance."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powertrain.monitor.errors import MonitorError
from powertrain.monitor.significance import normal_tail

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Floats = NDArray[np.float64]
RESAMPLES = 4000
_AT_ONCE = 1 << 22  # numbers drawn at a time


@dataclass(frozen=True)
class PairedDifference:
    """How much better the second model is, on average over the examples.

        difference   the mean of its scores minus that of the first
        low, high    the interval that holds the true difference with the given confidence (bootstrap percentiles)
        p            the probability of a difference at least as large by chance: McNemar's exact test of scores that
                     are 0 or 1, else the paired t statistic by its normal limit
        method       both in words

    Example
        >>> found = pt.monitor.paired_difference([1, 0, 0, 0, 1] * 20, [1, 1, 0, 0, 1] * 20)
        >>> found.difference, found.low > 0
        (0.2, True)
    """

    difference: float
    low: float
    high: float
    p: float
    examples: int
    confidence: float
    method: str


def paired_difference(
    first: TensorLike, second: TensorLike, *, confidence: float = 0.95, seed: int = 0
) -> PairedDifference:
    """Compare the scores of two models on the same examples, one score each; larger is better.

    Examples are drawn again 4,000 times with replacement, by `seed`: the same numbers each time.

    Errors    scores of different lengths, or none
    Example
        >>> pt.monitor.paired_difference([0.0, 1.0, 0.0, 1.0], [0.0, 1.0, 0.0, 1.0]).p
        1.0
    """
    a, b = (np.asarray(scores, dtype=np.float64).ravel() for scores in (first, second))
    if len(a) != len(b) or not len(a) or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise MonitorError(
            f"[paired_difference] received {len(a)} and {len(b)} scores; expected a finite score of each model for "
            "every example; score both on the same examples"
        )
    if not 0 < confidence < 1:
        raise MonitorError(f"[paired_difference] received confidence={confidence}; expected 0 to 1; 0.95 is usual")
    apart = b - a
    means = _resampled(apart, np.random.Generator(np.random.Philox(key=seed)))
    low, high = (float(one) for one in np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2]))
    shares = bool(np.isin(a, (0, 1)).all() and np.isin(b, (0, 1)).all())
    p = _mcnemar(int((apart > 0).sum()), int((apart < 0).sum())) if shares else _paired_t(apart)
    method = f"bootstrap of {RESAMPLES:,} resamples; {'McNemar, exact' if shares else 'paired t, normal limit'}"
    return PairedDifference(float(apart.mean()), low, high, p, len(a), confidence, method)


def _resampled(apart: Floats, generator: np.random.Generator) -> Floats:
    """Means of resamples. Where few values occur, how often each is drawn is one multinomial number."""
    values, counts = np.unique(apart, return_counts=True)
    if len(values) <= 8:
        drawn = generator.multinomial(len(apart), counts / len(apart), size=RESAMPLES)
        return np.asarray(drawn @ values / len(apart))
    rows = max(1, _AT_ONCE // len(apart))
    found = []
    for start in range(0, RESAMPLES, rows):
        places = generator.integers(0, len(apart), (min(rows, RESAMPLES - start), len(apart)))
        found.append(apart[places].mean(axis=1))
    return np.concatenate(found)


def _mcnemar(better: int, worse: int) -> float:
    """Whether the examples on which one of the two is right are evenly shared: a two-sided sign test."""
    count, least = better + worse, min(better, worse)
    if count == 0:
        return 1.0
    logs = [math.lgamma(count + 1) - math.lgamma(k + 1) - math.lgamma(count - k + 1) for k in range(least + 1)]
    return min(1.0, 2 * sum(math.exp(one - count * math.log(2)) for one in logs))


def _paired_t(apart: Floats) -> float:
    spread = float(apart.std(ddof=1)) if len(apart) > 1 else 0.0
    if spread == 0:
        return 0.0 if apart[0] != 0 else 1.0
    return 2 * normal_tail(abs(float(apart.mean())) / spread * math.sqrt(len(apart)))
