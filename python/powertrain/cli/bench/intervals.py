"""How sure a ratio of times is."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000


def paired_interval(ours: Sequence[float], theirs: Sequence[float]) -> tuple[float, float]:
    """Between which values the median of theirs / ours lies with 95 % confidence, from figures taken in pairs: those of
    a pair share what the machine was doing. The percentile bootstrap over pairs.

    Source    Efron & Tibshirani 1993, chapter 13
    """
    ratios = np.asarray(theirs) / np.asarray(ours)
    if len(ratios) < 2:
        return math.nan, math.nan
    chosen = np.random.default_rng(0).integers(0, len(ratios), (RESAMPLES, len(ratios)))
    return middle(np.median(ratios[chosen], axis=1))


def middle(values: NDArray[np.float64]) -> tuple[float, float]:
    """Between which values 95 % of them lie."""
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)
