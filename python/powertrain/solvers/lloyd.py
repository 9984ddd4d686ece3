"""k-means: seeds by k-means++ (Arthur & Vassilvitskii 2007), then Lloyd's algorithm.

Distances come from products on the engine. Rows whose nearest center cannot have changed, by the bounds of Hamerly
(2010), are passed over; the bounds allow for rounding, so that every label is the one that Lloyd's algorithm gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.solvers.checks import SolverError, finite, number, table, whole
from powertrain.solvers.tall import ROWS, Array, Floats, each_row, filled, product, rows_of

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Labels = NDArray[np.int64]

# Above this share a pass over all rows is quicker than picking out the doubtful ones.
MOST_DOUBTFUL = 0.5
# The error of a squared distance by products, in units of eps (|x|^2 + |center|^2): few, since sums are blocked.
ROUNDING = 16


@dataclass
class Clusters:
    """What `kmeans` found.

    centers     [clusters, features], in x's dtype
    labels      [rows], the number of the nearest center of each row
    inertia     the sum of squared distances from them
    iterations  how often the centers moved

    Example
        >>> x = np.array([[0.0], [1.0], [9.0], [10.0]])
        >>> sorted(pt.solvers.kmeans(x, x[[0, 3]]).centers.ravel().tolist())
        [0.5, 9.5]
    """

    centers: Array
    labels: Labels
    inertia: float
    iterations: int


def kmeans(x: TensorLike, centers: TensorLike, *, tol: float = 0.0, max_iter: int = 300) -> Clusters:
    """Move centers to the means of the rows that are nearest to them, until no row changes its center.

    It also ends when the squares of how far the centers move add up to at most `tol`, or after `max_iter` moves. A
    center without rows takes the row that is farthest from its own.

    Shapes    x [rows, features], centers [clusters, features] -> labels [rows], centers [clusters, features]
    Dtypes    float32 and float64; sums of the rows in float64
    Errors    shapes that do not fit, numbers that are not finite, more clusters than rows: SolverError
    Source    Lloyd 1982; Hamerly 2010
    Example
        >>> x = np.array([[0.0], [0.1], [5.0], [5.1]])
        >>> kmeans(x, kmeans_plusplus(x, 2, seed=1)).labels.tolist() in ([0, 0, 1, 1], [1, 1, 0, 0])
        True
    """
    x, first = table("kmeans", "x", x), table("kmeans", "centers", centers)
    if first.shape[1] != x.shape[1] or len(first) > len(x):
        raise SolverError(
            f"[kmeans] centers are {list(first.shape)}, x is {list(x.shape)}; expected at most {len(x)} centers of "
            f"{x.shape[1]} features; take them from kmeans_plusplus(x, n_clusters)"
        )
    finite("kmeans", "centers", first.sum(axis=0, dtype=np.float64))
    run = Lloyd(x, first)
    finite("kmeans", "x", run.lengths)
    return run.run(whole("kmeans", "max_iter", max_iter, 1), number("kmeans", "tol", tol))


def kmeans_plusplus(x: TensorLike, n_clusters: int, *, seed: int = 0) -> Array:
    """Choose rows of x as first centers for `kmeans`: at random, by their squared distance from those before.

    Of 2 + log(n_clusters) rows that are drawn for a center, the one stays that brings all rows nearest.

    Shapes    x [rows, features] -> [n_clusters, features]          Dtypes   float32, float64
    Errors    numbers that are not finite, n_clusters not from 1 to the rows: SolverError
    Source    Arthur & Vassilvitskii 2007
    Example
        >>> sorted(kmeans_plusplus(np.array([[0.0], [0.0], [5.0]]), 2).ravel().tolist())
        [0.0, 5.0]
    """
    x = table("kmeans_plusplus", "x", x)
    count = whole("kmeans_plusplus", "n_clusters", n_clusters, 1, len(x))
    draw = np.random.RandomState(whole("kmeans_plusplus", "seed", seed, 0, 2**32 - 1))
    return seeds(x, count, draw)


def squares(x: Array) -> Array:
    """|row|^2."""
    return each_row(pt.compile(lambda piece: (pt.sum(piece * piece, axis=1),)), x)[0]


def seeds(x: Array, count: int, draw: np.random.RandomState) -> Array:
    """k-means++: centers are drawn by squared distance from those so far; of some, the one that helps most stays."""
    trials = 2 + int(math.log(count))
    lengths = finite("kmeans_plusplus", "x", squares(x))
    near: Callable[..., tuple[pt.Tensor, ...]] = pt.compile(_nearer)

    def nearer(rows: Labels, closest: Array | None) -> Array:
        candidates, its_lengths = x[rows], lengths[rows]
        # Before the first center nothing is near.
        so_far = np.full(len(x), np.finfo(x.dtype).max, x.dtype) if closest is None else closest
        return each_row(lambda *piece: near(*piece, candidates, its_lengths), x, lengths, so_far)[0]

    chosen = [int(draw.randint(len(x)))]
    closest = nearer(np.repeat(chosen, trials), None)[:, 0]
    for _ in range(1, count):
        summed = np.cumsum(closest, dtype=np.float64)
        rows = np.searchsorted(summed, draw.random_sample(trials) * summed[-1]).clip(max=len(x) - 1)
        distance = nearer(rows, closest)
        best = int(distance.sum(axis=0, dtype=np.float64).argmin())
        chosen.append(int(rows[best]))
        closest = np.ascontiguousarray(distance[:, best])
    return x[chosen].copy()


def _nearer(x: Any, lengths: Any, closest: Any, candidates: Any, candidate_lengths: Any) -> tuple[Any]:
    """For each row and candidate, the squared distance from the nearest center were the candidate one."""
    apart = pt.reshape(lengths, (-1, 1)) + candidate_lengths - 2 * pt.matmul(x, pt.permute_dims(candidates))
    return (pt.minimum(pt.maximum(apart, 0), pt.reshape(closest, (-1, 1))),)


class Lloyd:
    """One run of the algorithm from some centers."""

    def __init__(self, x: Array, centers: Array) -> None:
        self.x, self.centers = x, np.array(centers, dtype=x.dtype)
        self.count = len(self.centers)
        self.lengths = squares(x).astype(np.float64)
        self.labels = np.zeros(len(x), dtype=np.int64)
        self.upper, self.lower = np.full(len(x), np.inf), np.zeros(len(x))
        self.sums: Floats = np.zeros(self.centers.shape)
        self._begun = False
        self._scores = pt.compile(_scores)
        self._moved = pt.compile(_moved)

    def run(self, max_iter: int, tol: float) -> Clusters:
        """Until no label changes, the centers move less than `tol` (squared, together), or `max_iter`."""
        self._assign()
        iterations, going = 0, True
        while going and iterations < max_iter:
            moved = self._move()
            going = self._assign() > 0 and moved > tol
            iterations += 1
        return Clusters(self.centers, self.labels, self.inertia(), iterations)

    def inertia(self) -> float:
        """The sum of squared distances, from differences rather than products."""
        apart = pt.compile(lambda x, rows, real: pt.sum(pt.sum(pt.square(x - rows), axis=1) * real))
        total = 0.0
        for start in range(0, len(self.x), ROWS):
            rows = self.x[start : start + ROWS]
            own = self.centers[self.labels[start : start + ROWS]]
            real = np.ones(len(rows), rows.dtype)
            total += float(apart(*filled(rows_of(self.x), rows, own, real)).item())
        return total

    def _assign(self) -> int:
        """Give each doubtful row its nearest center, and the sums what that changes; how many labels changed."""
        doubtful = np.flatnonzero(self.upper > np.maximum(self.lower, self._half_apart()[self.labels]))
        whole = not self._begun or len(doubtful) > MOST_DOUBTFUL * len(self.x)
        changed, halves = 0, (np.square(self.centers, dtype=np.float64).sum(axis=1) / 2).astype(self.x.dtype)
        turned = np.ascontiguousarray(self.centers.T)
        rows_at_once = rows_of(self.x)
        for start in range(0, len(self.x) if whole else len(doubtful), rows_at_once):
            rows = slice(start, start + rows_at_once) if whole else doubtful[start : start + rows_at_once]
            picked = self.x[rows]
            (piece,) = filled(rows_at_once, picked)
            made = [tensor.numpy()[: len(picked)] for tensor in self._scores(piece, turned, halves)]
            changed += self._take(rows, picked, made, halves)
        self._begun = True
        return changed

    def _take(self, rows: Any, picked: Array, made: list[Array], halves: Array) -> int:
        labels, best, second = made
        before = self.labels[rows].copy()
        other = labels != before if self._begun else np.ones(len(labels), bool)
        self.labels[rows] = labels
        lengths = self.lengths[rows]
        error = ROUNDING * np.finfo(self.x.dtype).eps * (lengths + 2 * float(halves.max()))
        self.upper[rows] = np.sqrt(np.maximum(lengths - 2.0 * best, 0) + error)
        self.lower[rows] = np.sqrt(np.maximum(lengths - 2.0 * second - error, 0))
        at = np.flatnonzero(other)
        if len(at):
            came = np.zeros((len(picked), self.count), self.x.dtype)
            came[at, labels[at]] = 1
            if self._begun:
                came[at, before[at]] -= 1
            self.sums += self._moved(*filled(rows_of(self.x), picked, came)).numpy()
        return len(at)

    def _half_apart(self) -> Floats:
        """Half of the distance of each center from the nearest other one."""
        centers = self.centers.astype(np.float64)
        if self.count == 1:
            return np.full(1, np.inf)
        nearest = [
            np.square(np.delete(centers, at, axis=0) - center).sum(axis=1).min() for at, center in enumerate(centers)
        ]
        return np.sqrt(nearest) / 2

    def _move(self) -> float:
        """Centres become the means of their rows; the squares of how far, added up."""
        counts = np.bincount(self.labels, minlength=self.count)
        for empty in np.flatnonzero(counts == 0):
            self._fill(int(empty), counts)
        centers = (self.sums / counts[:, None]).astype(self.x.dtype)
        far = np.sqrt(np.square(centers.astype(np.float64) - self.centers).sum(axis=1))
        self.centers = centers
        self.upper += far[self.labels]
        # Another center came nearer by at most what the farthest of the others moved.
        most = np.full(self.count, far.max())
        if self.count > 1:
            most[far.argmax()] = np.sort(far)[-2]
        self.lower -= most[self.labels]
        return float(np.square(far).sum())

    def _fill(self, empty: int, counts: Labels) -> None:
        """Give a center without rows the one that is farthest from its own, of a cluster that has others."""
        row = int(np.where(counts[self.labels] > 1, self.upper, -1.0).argmax())
        old, x = int(self.labels[row]), self.x[row].astype(np.float64)
        self.sums[old] -= x
        self.sums[empty] = x
        counts[old] -= 1
        counts[empty] += 1
        self.labels[row] = empty
        self.upper[row], self.lower[row] = np.inf, 0.0


def _scores(x: Any, centers: Any, halves: Any) -> tuple[Any, Any, Any]:
    """x.c - |c|^2 / 2, which is largest for the nearest center: its number, its score, and the second best score."""
    scores = pt.matmul(x, centers) - halves
    labels = pt.argmax(scores, axis=1)
    others = pt.where(F.one_hot(labels, scores.shape[1]) > 0, -math.inf, scores)
    return labels, pt.max(scores, axis=1), pt.max(others, axis=1)


def _moved(x: Any, came: Any) -> Any:
    """What the sums of the clusters gain: rows that came less rows that left."""
    return pt.matmul(pt.permute_dims(came), x)


def distances(x: Array, centers: Array) -> Array:
    """The distance of each row from each center."""
    apart = squares(x)[:, None] + np.square(centers).sum(axis=1) - 2 * product(x, centers.T)
    return np.asarray(np.sqrt(np.maximum(apart, 0)))
