"""How far two distributions are apart: from samples, and from counts of bins, which a stream needs no memory for.

What is computed from bins is exact at their edges. `Binned.error` bounds what may be hidden inside of the bins.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from powertrain.monitor.errors import MonitorError
from powertrain.monitor.significance import chi_square_tail, kolmogorov_tail

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Floats = NDArray[np.float64]
# The share that stands for an empty bin in the PSI, which has logarithms of shares.
EMPTY = 1e-4
# A chi-square test holds where at least so many examples are expected in each cell (Cochran 1954).
LEAST_EXPECTED = 5.0


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
    p, q = _shares("psi", reference, current)
    p, q = np.where(p == 0, EMPTY, p), np.where(q == 0, EMPTY, q)
    return float(np.sum((p - q) * np.log(p / q)))


def jensen_shannon(reference: TensorLike, current: TensorLike, base: float = 2.0) -> float:
    """The Jensen-Shannon distance of two rows of counts: with base 2 from 0 (the same) to 1 (nothing in common).

    Example
        >>> pt.monitor.jensen_shannon([1, 0], [0, 1])
        1.0
    """
    p, q = _shares("jensen_shannon", reference, current)
    middle = (p + q) / 2
    both = _entropy_against(p, middle) + _entropy_against(q, middle)
    return float(np.sqrt(max(both / 2 / np.log(base), 0.0)))


def chi_square(reference: TensorLike, current: TensorLike) -> HypothesisTest:
    """HypothesisTest whether two rows of counts are of one distribution: Pearson's chi-square of the 2 x k table.

    Example
        >>> test = pt.monitor.chi_square([50, 50], [75, 25])
        >>> round(test.statistic, 3), round(test.p, 5)
        (13.333, 0.00026)
    """
    a, b = _counts("chi_square", reference, current)
    table = np.stack([a, b])[:, (a + b) > 0]
    if table.shape[1] < 2:
        return HypothesisTest(0.0, 1.0)
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0) / table.sum()
    statistic = float(np.sum(np.square(table - expected) / expected))
    return HypothesisTest(statistic, chi_square_tail(statistic, table.shape[1] - 1))


def pooled(reference: TensorLike, current: TensorLike) -> tuple[Floats, Floats]:
    """Counts in which the rarest bins have become one, so that the chi-square test holds.

    Example
        >>> a, b = pt.monitor.pooled([90, 8, 1, 1], [90, 8, 2, 0])
        >>> a.tolist(), b.tolist()
        ([90.0, 10.0], [90.0, 10.0])
    """
    a, b = _counts("pooled", reference, current)
    least = (a + b) * min(a.sum(), b.sum()) / (a + b).sum()  # expected in the smaller of the two
    order = np.argsort(least, kind="stable")
    rare = int(np.searchsorted(least[order], LEAST_EXPECTED))
    while 0 < rare < len(order) and least[order][:rare].sum() < LEAST_EXPECTED:
        rare += 1
    if rare < 2:
        return a, b
    kept = np.sort(order[rare:])
    together = order[:rare]
    return np.append(a[kept], a[together].sum()), np.append(b[kept], b[together].sum())


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
    p, q = _shares("kolmogorov_smirnov_of_bins", reference, current)
    right = np.cumsum(p - q)
    left = right - (p - q)
    value = float(np.abs(right).max())
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
    if len(p) != len(places) + 1 or p[-1] or q[-1]:
        raise MonitorError(
            f"[wasserstein_of_bins] received {len(places)} edges and {len(p)} counts; expected one count more than "
            "edges, the last one 0; add an edge above all values"
        )
    widths, apart = np.diff(places), np.cumsum(p - q)[:-1]
    left, right = apart[:-1], apart[1:]
    sizes = np.abs(left) + np.abs(right)
    # The area between two lines: a trapezoid, or two triangles where they cross.
    crossed = (np.square(left) + np.square(right)) / np.where(sizes > 0, sizes, 1.0)
    areas = widths / 2 * np.where(left * right < 0, crossed, sizes)
    return Binned(float(areas.sum()), float(np.sum((p + q)[1:-1] * widths) / 2))


def _entropy_against(p: Floats, q: Floats) -> float:
    there = p > 0
    return float(np.sum(p[there] * np.log(p[there] / q[there])))


def _counts(where: str, reference: TensorLike, current: TensorLike) -> tuple[Floats, Floats]:
    a, b = (np.asarray(one, dtype=np.float64) for one in (reference, current))
    good = a.ndim == 1 and a.shape == b.shape and len(a) and all(np.isfinite(one).all() for one in (a, b))
    if not good or a.min() < 0 or b.min() < 0 or a.sum() <= 0 or b.sum() <= 0:
        raise MonitorError(
            f"[{where}] received counts of shapes {list(a.shape)} and {list(b.shape)}; expected two rows of one length "
            "with numbers >= 0, not all 0; count both in the same bins"
        )
    return a, b


def _shares(where: str, reference: TensorLike, current: TensorLike) -> tuple[Floats, Floats]:
    a, b = _counts(where, reference, current)
    return a / a.sum(), b / b.sum()


def _samples(where: str, reference: TensorLike, current: TensorLike) -> tuple[Floats, Floats]:
    a, b = (np.sort(np.asarray(one, dtype=np.float64).ravel()) for one in (reference, current))
    if not len(a) or not len(b) or not (np.isfinite(a).all() and np.isfinite(b).all()):
        raise MonitorError(
            f"[{where}] received samples of {len(a)} and {len(b)} numbers; expected at least one each, all finite; "
            "leave gaps out and count them apart"
        )
    return a, b
