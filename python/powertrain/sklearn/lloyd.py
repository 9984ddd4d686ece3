"""k-means: seeds by k-means++ (Arthur & Vassilvitskii 2007), then Lloyd's algorithm.

Distances come from products on the engine. Rows whose nearest centre cannot have changed, by the bounds of Hamerly
(2010), are passed over; the bounds allow for rounding, so that every label is the one that Lloyd's algorithm gives.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.sklearn.tall import ROWS, Array, Floats, each_row, filled, product, rows_of

Labels = NDArray[np.int64]

# Above this share a pass over all rows is quicker than picking out the doubtful ones.
MOST_DOUBTFUL = 0.5
# The error of a squared distance by products, in units of eps (|x|^2 + |centre|^2): few, since sums are blocked.
ROUNDING = 16


@dataclass
class Clusters:
    """Where the centres ended, the label of each row, and the sum of squared distances."""

    centres: Array
    labels: Labels
    inertia: float
    iterations: int


def squares(x: Array) -> Array:
    """|row|^2."""
    return each_row(pt.compile(lambda piece: (pt.sum(piece * piece, axis=1),)), x)[0]


def seeds(x: Array, count: int, draw: np.random.RandomState) -> Array:
    """k-means++: centres are drawn by squared distance from those so far; of some, the one that helps most stays."""
    trials = 2 + int(math.log(count))
    lengths = squares(x)
    near = pt.compile(_nearer)

    def nearer(rows: Labels, closest: Array | None) -> Array:
        candidates, its_lengths = x[rows], lengths[rows]
        # Before the first centre nothing is near.
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
    """For each row and candidate, the squared distance from the nearest centre were the candidate one."""
    apart = pt.reshape(lengths, (-1, 1)) + candidate_lengths - 2 * pt.matmul(x, pt.permute_dims(candidates))
    return (pt.minimum(pt.maximum(apart, 0), pt.reshape(closest, (-1, 1))),)


class Lloyd:
    """One run of the algorithm from some centres."""

    def __init__(self, x: Array, centres: Array) -> None:
        self.x, self.centres = x, np.array(centres, dtype=x.dtype)
        self.count = len(self.centres)
        self.lengths = squares(x).astype(np.float64)
        self.labels = np.zeros(len(x), dtype=np.int64)
        self.upper, self.lower = np.full(len(x), np.inf), np.zeros(len(x))
        self.sums: Floats = np.zeros(self.centres.shape)
        self._begun = False
        self._scores = pt.compile(_scores)
        self._moved = pt.compile(_moved)

    def run(self, max_iter: int, tol: float) -> Clusters:
        """Until no label changes, the centres move less than `tol` (squared, together), or `max_iter`."""
        self._assign()
        iterations, going = 0, True
        while going and iterations < max_iter:
            moved = self._move()
            going = self._assign() > 0 and moved > tol
            iterations += 1
        return Clusters(self.centres, self.labels, self.inertia(), iterations)

    def inertia(self) -> float:
        """The sum of squared distances, from differences rather than products."""
        apart = pt.compile(lambda x, rows, real: pt.sum(pt.sum(pt.square(x - rows), axis=1) * real))
        total = 0.0
        for start in range(0, len(self.x), ROWS):
            rows = self.x[start : start + ROWS]
            own = self.centres[self.labels[start : start + ROWS]]
            real = np.ones(len(rows), rows.dtype)
            total += float(apart(*filled(rows_of(self.x), rows, own, real)).item())
        return total

    def _assign(self) -> int:
        """Give each doubtful row its nearest centre, and the sums what that changes; how many labels changed."""
        doubtful = np.flatnonzero(self.upper > np.maximum(self.lower, self._half_apart()[self.labels]))
        whole = not self._begun or len(doubtful) > MOST_DOUBTFUL * len(self.x)
        changed, halves = 0, (np.square(self.centres, dtype=np.float64).sum(axis=1) / 2).astype(self.x.dtype)
        turned = np.ascontiguousarray(self.centres.T)
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
        """Half of the distance of each centre from the nearest other one."""
        centres = self.centres.astype(np.float64)
        if self.count == 1:
            return np.full(1, np.inf)
        nearest = [
            np.square(np.delete(centres, at, axis=0) - centre).sum(axis=1).min() for at, centre in enumerate(centres)
        ]
        return np.sqrt(nearest) / 2

    def _move(self) -> float:
        """Centres become the means of their rows; the squares of how far, added up."""
        counts = np.bincount(self.labels, minlength=self.count)
        for empty in np.flatnonzero(counts == 0):
            self._fill(int(empty), counts)
        centres = (self.sums / counts[:, None]).astype(self.x.dtype)
        far = np.sqrt(np.square(centres.astype(np.float64) - self.centres).sum(axis=1))
        self.centres = centres
        self.upper += far[self.labels]
        # Another centre came nearer by at most what the farthest of the others moved.
        most = np.full(self.count, far.max())
        if self.count > 1:
            most[far.argmax()] = np.sort(far)[-2]
        self.lower -= most[self.labels]
        return float(np.square(far).sum())

    def _fill(self, empty: int, counts: Labels) -> None:
        """Give a centre without rows the one that is farthest from its own, of a cluster that has others."""
        row = int(np.where(counts[self.labels] > 1, self.upper, -1.0).argmax())
        old, x = int(self.labels[row]), self.x[row].astype(np.float64)
        self.sums[old] -= x
        self.sums[empty] = x
        counts[old] -= 1
        counts[empty] += 1
        self.labels[row] = empty
        self.upper[row], self.lower[row] = np.inf, 0.0


def _scores(x: Any, centres: Any, halves: Any) -> tuple[Any, Any, Any]:
    """x.c - |c|^2 / 2, which is largest for the nearest centre: its number, its score, and the second best score."""
    scores = pt.matmul(x, centres) - halves
    labels = pt.argmax(scores, axis=1)
    others = pt.where(F.one_hot(labels, scores.shape[1]) > 0, -math.inf, scores)
    return labels, pt.max(scores, axis=1), pt.max(others, axis=1)


def _moved(x: Any, came: Any) -> Any:
    """What the sums of the clusters gain: rows that came less rows that left."""
    return pt.matmul(pt.permute_dims(came), x)


def distances(x: Array, centres: Array) -> Array:
    """The distance of each row from each centre."""
    apart = squares(x)[:, None] + np.square(centres).sum(axis=1) - 2 * product(x, centres.T)
    return np.asarray(np.sqrt(np.maximum(apart, 0)))
