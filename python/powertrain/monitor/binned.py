"""Distances of rows of counts, many at a time: row i of one array beside row i of the other, in the same bins.

Rows of fewer bins than others end in zeros, which change no distance. One feature is a row, so a window of 64 features
takes a few calls of NumPy in place of some for each of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Rows = NDArray[Any]
# The share that stands for an empty bin in the PSI, which has logarithms of shares.
EMPTY = 1e-4
# A chi-square test holds where at least so many examples are expected in each cell (Cochran 1954).
LEAST_EXPECTED = 5.0


def stacked(rows: Sequence[Rows], fill: float = 0.0) -> Floats:
    """Rows of several lengths as an array; what a row lacks is filled up."""
    made = np.full((len(rows), max(map(len, rows), default=0)), fill)
    for at, row in enumerate(rows):
        made[at, : len(row)] = row
    return made


def shares(counts: Floats) -> Floats:
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def psi(p: Floats, q: Floats) -> Floats:
    """Population stability indices of rows of shares."""
    p, q = np.where(p == 0, EMPTY, p), np.where(q == 0, EMPTY, q)
    return np.asarray(((p - q) * np.log(p / q)).sum(axis=1))


def jensen_shannon(p: Floats, q: Floats, base: float = 2.0) -> Floats:
    middle = (p + q) / 2
    both = _entropies_against(p, middle) + _entropies_against(q, middle)
    return np.sqrt(np.maximum(both / 2 / np.log(base), 0.0))


def _entropies_against(p: Floats, q: Floats) -> Floats:
    there = p > 0
    ratios = np.divide(p, q, out=np.ones_like(p), where=there)
    return np.asarray((p * np.log(ratios)).sum(axis=1))


def kolmogorov_smirnov(p: Floats, q: Floats) -> Floats:
    """The largest differences of distribution functions at an edge."""
    return np.asarray(np.abs(np.cumsum(p - q, axis=1)).max(axis=1, initial=0.0))


def wasserstein(edges: Floats, p: Floats, q: Floats, steps: NDArray[np.bool_]) -> Floats:
    """First Wasserstein distances. Edges are one fewer than bins; a row of fewer repeats its last one. In the rows of
    `steps` values lie at the edges, in the others evenly between two of them."""
    widths, apart = np.diff(edges, axis=1), np.cumsum(p - q, axis=1)[:, :-1]
    left, right = apart[:, :-1], apart[:, 1:]
    sizes = np.abs(left) + np.abs(right)
    # The area between two lines: a trapezoid, or two triangles where they cross.
    crossed = (np.square(left) + np.square(right)) / np.where(sizes > 0, sizes, 1.0)
    areas = np.where(left * right < 0, crossed, sizes) / 2
    return np.asarray((widths * np.where(steps[:, None], np.abs(left), areas)).sum(axis=1))


def rare(a: Floats, b: Floats, lengths: Ints) -> NDArray[np.bool_]:
    """Which bins of each row are too rare for the chi-square test, and become one. Rows have so many bins."""
    sums = a.sum(axis=1), b.sum(axis=1)
    least = (a + b) * (np.minimum(*sums) / (sums[0] + sums[1]))[:, None]  # expected in the smaller of the two
    places = np.arange(a.shape[1])
    least[places >= lengths[:, None]] = np.inf
    order = np.argsort(least, axis=1, kind="stable")
    ordered = np.take_along_axis(least, order, axis=1)
    few = (ordered < LEAST_EXPECTED).sum(axis=1)
    # Together they must be enough; else the next ones join them.
    enough = (np.cumsum(ordered, axis=1) < LEAST_EXPECTED).sum(axis=1) + 1
    count = np.where(few > 0, np.minimum(np.maximum(few, enough), lengths), 0)
    found = np.zeros(a.shape, dtype=bool)
    np.put_along_axis(found, order, places < np.where(count < 2, 0, count)[:, None], axis=1)
    return found


def pooled(a: Floats, b: Floats, lengths: Ints) -> tuple[Floats, Floats]:
    """Counts in which the rare bins of each row are empty, and stand together in one more at the end."""
    together = rare(a, b, lengths)
    made = (np.concatenate([np.where(together, 0, x), (x * together).sum(axis=1)[:, None]], axis=1) for x in (a, b))
    return next(made), next(made)


def chi_square(a: Floats, b: Floats) -> tuple[Floats, Ints]:
    """Pearson's statistics of 2 x k tables, and their degrees of freedom; bins that are empty in both do not count."""
    columns = a + b
    there = columns > 0
    statistic = np.zeros(len(a))
    for one in (a, b):
        expected = one.sum(axis=1, keepdims=True) * columns / columns.sum(axis=1, keepdims=True)
        statistic += np.divide(np.square(one - expected), expected, out=np.zeros_like(one), where=there).sum(axis=1)
    return statistic, there.sum(axis=1) - 1
