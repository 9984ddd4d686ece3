"""How far two distributions are apart: from samples, and from counts of bins, which a stream needs no memory for.

What is computed from bins is exact at their edges. `Binned.error` bounds what may be hidden inside of the bins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from powertrain.monitor import binned
from powertrain.monitor.errors import MonitorError
from powertrain.monitor.significance import chi_square_tail, kolmogorov_tail

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Floats = NDArray[np.float64]


class HypothesisTest(NamedTuple):
    """A test statistic, and the probability of a larger one where both are of one distribution.

    Example
        >>> pt.monitor.kolmogorov_smirnov([1, 2, 3], [1, 2, 3])
        HypothesisTest(statistic=0.0, p=1.0)
    """

    statistic: float
    p: float


class Binned(NamedTuple):
    """A distance from counts of bins; the distance of the samples differs from it by at most `error`.

    Example
        >>> pt.monitor.wasserstein_of_bins([0.0, 1.0, 2.0], [0, 4, 0, 0], [0, 0, 4, 0])
        Binned(value=1.0, error=1.0)
    """

    value: float
    error: float


def psi(reference: TensorLike, current: TensorLike) -> float:
    """The population stability index of two rows of counts, one for each bin or category.

    It is the sum of (p - q) ln(p / q) over the bins. By the usual rule of thumb a value below 0.1 is no change and one
    above 0.25 a large one. A bin that is empty on one side has the share 0.0001 there.

    Example
        >>> round(pt.monitor.psi([50, 50], [75, 25]), 4)
        0.2747
    """
    return float(binned.psi(*_shares("psi", reference, current))[0])


def jensen_shannon(reference: TensorLike, current: TensorLike, base: float = 2.0) -> float:
    """The Jensen-Shannon distance of two rows of counts: with base 2 from 0 (the same) to 1 (nothing in common).

    Example
        >>> pt.monitor.jensen_shannon([1, 0], [0, 1])
        1.0
    """
    return float(binned.jensen_shannon(*_shares("jensen_shannon", reference, current), base)[0])


def chi_square(reference: TensorLike, current: TensorLike) -> HypothesisTest:
    """HypothesisTest whether two rows of counts are of one distribution: Pearson's chi-square of the 2 x k table.

    Example
        >>> test = pt.monitor.chi_square([50, 50], [75, 25])
        >>> round(test.statistic, 3), round(test.p, 5)
        (13.333, 0.00026)
    """
    statistic, degrees = binned.chi_square(*_counts("chi_square", reference, current))
    return HypothesisTest(float(statistic[0]), chi_square_tail(float(statistic[0]), int(degrees[0])))


def pooled(reference: TensorLike, current: TensorLike) -> tuple[Floats, Floats]:
    """Counts in which the rarest bins have become one, so that the chi-square test holds.

    Example
        >>> a, b = pt.monitor.pooled([90, 8, 1, 1], [90, 8, 2, 0])
        >>> a.tolist(), b.tolist()
        ([90.0, 10.0], [90.0, 10.0])
    """
    a, b = _counts("pooled", reference, current)
    together = binned.rare(a, b, np.array([a.shape[1]]))[0]
    if not together.any():
        return a[0], b[0]
    made = (np.append(one[0, ~together], one[0, together].sum()) for one in (a, b))
    return next(made), next(made)


def kolmogorov_smirnov(reference: TensorLike, current: TensorLike) -> HypothesisTest:
    """The largest difference of two samples' distribution functions, and its two-sided p-value for many examples.

    Example
        >>> pt.monitor.kolmogorov_smirnov([1, 2, 3, 4], [3, 4, 5, 6]).statistic
        0.5
    """
    a, b = _samples("kolmogorov_smirnov", reference, current)
    every = np.concatenate([a, b])
    apart = np.searchsorted(a, every, side="right") / len(a) - np.searchsorted(b, every, side="right") / len(b)
    statistic = float(np.abs(apart).max())
    return HypothesisTest(statistic, kolmogorov_tail(statistic, len(a), len(b)))


def wasserstein(reference: TensorLike, current: TensorLike) -> float:
    """The first Wasserstein distance of two samples: how far values have to be moved on average.

    Example
        >>> pt.monitor.wasserstein([0.0, 1.0, 3.0], [5.0, 6.0, 8.0])
        5.0
    """
    a, b = _samples("wasserstein", reference, current)
    every = np.sort(np.concatenate([a, b]))
    below_a = np.searchsorted(a, every[:-1], side="right") / len(a)
    below_b = np.searchsorted(b, every[:-1], side="right") / len(b)
    return float(np.sum(np.abs(below_a - below_b) * np.diff(every)))


def kolmogorov_smirnov_of_bins(reference: TensorLike, current: TensorLike) -> Binned:
    """The Kolmogorov-Smirnov statistic of two samples from their counts in the same bins, in order.

    The value is the largest difference at an edge, which is never above the samples'.

    Example
        >>> pt.monitor.kolmogorov_smirnov_of_bins([2, 2, 0], [0, 2, 2])
        Binned(value=0.5, error=0.5)
    """
    both = _shares("kolmogorov_smirnov_of_bins", reference, current)
    value = float(binned.kolmogorov_smirnov(*both)[0])
    p, q = both[0][0], both[1][0]
    right = np.cumsum(p - q)
    left = right - (p - q)
    # Inside of a bin one function may rise before the other does; both ends say how far they can be apart.
    from_left = np.maximum(left + p, q - left)
    from_right = np.maximum(right + q, p - right)
    inside = float(np.minimum(from_left, from_right).max())
    return Binned(value, max(inside - value, 0.0))


def wasserstein_of_bins(edges: TensorLike, reference: TensorLike, current: TensorLike) -> Binned:
    """The first Wasserstein distance of two samples from their counts in bins: the first up to edges[0], the last
    beyond the last edge, where nothing may lie.

    Values are taken to be spread evenly between two edges. Those of the first bin lie at its edge.

    Example
        >>> pt.monitor.wasserstein_of_bins([0, 1, 2], [4, 0, 0, 0], [0, 0, 4, 0]).value
        1.5
    """
    places = np.asarray(edges, dtype=np.float64)
    p, q = _shares("wasserstein_of_bins", reference, current)
    if p.shape[1] != len(places) + 1 or p[0, -1] or q[0, -1]:
        raise MonitorError(
            f"[wasserstein_of_bins] received {len(places)} edges and {p.shape[1]} counts; expected one count more than "
            "edges, the last one 0; add an edge above all values"
        )
    value = binned.wasserstein(places[None], p, q, np.array([False]))[0]
    return Binned(float(value), float(np.sum((p + q)[0, 1:-1] * np.diff(places)) / 2))


def _counts(where: str, reference: TensorLike, current: TensorLike) -> tuple[Floats, Floats]:
    """Both rows of counts as arrays of one row, checked."""
    a, b = (np.asarray(one, dtype=np.float64) for one in (reference, current))
    good = a.ndim == 1 and a.shape == b.shape and len(a) and all(np.isfinite(one).all() for one in (a, b))
    if not good or a.min() < 0 or b.min() < 0 or a.sum() <= 0 or b.sum() <= 0:
        raise MonitorError(
            f"[{where}] received counts of shapes {list(a.shape)} and {list(b.shape)}; expected two rows of one length "
            "with numbers >= 0, not all 0; count both in the same bins"
        )
    return a[None], b[None]


def _shares(where: str, reference: TensorLike, current: TensorLike) -> tuple[Floats, Floats]:
    a, b = _counts(where, reference, current)
    return binned.shares(a), binned.shares(b)


def _samples(where: str, reference: TensorLike, current: TensorLike) -> tuple[Floats, Floats]:
    a, b = (np.sort(np.asarray(one, dtype=np.float64).ravel()) for one in (reference, current))
    if not len(a) or not len(b) or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise MonitorError(
            f"[{where}] received samples of {len(a)} and {len(b)} numbers; expected at least one each, all finite; "
            "leave missing values out and count them separately"
        )
    return a, b
