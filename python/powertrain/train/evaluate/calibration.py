"""How sure a classifier is, and how right: the probabilities that it said beside what came of them, and, of two
classes, what every threshold would give."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
BINS = 10
LEAST = 10  # examples of a bin that is drawn


@dataclass(frozen=True)
class Reliability:
    """By bin of the probability that was said: what was said on average, how often it was right, how many there are."""

    said: Floats
    right: Floats
    counts: Floats

    @property
    def error(self) -> float:
        """The expected calibration error (Naeini et al. 2015): how far both are apart on average."""
        return float(np.sum(self.counts * np.abs(self.said - self.right)) / max(float(self.counts.sum()), 1.0))

    @property
    def leaning(self) -> int:
        """1 where most of what was said is too high, -1 where too low, 0 where neither is, or it may be chance
        (two standard errors)."""
        examples = max(float(self.counts.sum()), 1.0)
        right = float(np.sum(self.counts * self.right)) / examples
        surplus = float(np.sum(self.counts * self.said)) / examples - right
        chance = 2 * np.sqrt(max(right * (1 - right), 0.0) / examples)
        return int(np.sign(surplus)) if abs(surplus) > max(self.error / 2, chance) else 0

    def known(self) -> Reliability:
        """Without the bins of so few examples that their share says nothing."""
        many = self.counts >= min(LEAST, self.counts.max())
        return Reliability(self.said[many], self.right[many], self.counts[many])

    def intervals(self) -> tuple[Floats, Floats]:
        """How far the shares may be off below and above (Wilson's 95 % interval)."""
        z, n = 1.96, self.counts
        middle = (self.right + z * z / (2 * n)) / (1 + z * z / n)
        half = z * np.sqrt(self.right * (1 - self.right) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return np.maximum(self.right - middle + half, 0), np.maximum(middle + half - self.right, 0)


def reliability(said: Floats, right: NDArray[np.bool_], bins: int = BINS) -> Reliability:
    """Probabilities and what came of them, in bins of equal width; empty ones are left out."""
    place = np.minimum((said * bins).astype(np.int64), bins - 1)
    counts = np.bincount(place, minlength=bins).astype(np.float64)
    kept = counts > 0
    sums, hits = (np.bincount(place, weights=one, minlength=bins)[kept] for one in (said, right.astype(np.float64)))
    return Reliability(sums / counts[kept], hits / counts[kept], counts[kept])


def held(shares: Floats, truth: NDArray[Any]) -> Reliability:
    """How well probabilities hold: of two classes those of the second one, else those of the answers."""
    if shares.shape[1] == 2:
        return reliability(shares[:, 1], truth == 1)
    return reliability(shares.max(axis=1), shares.argmax(axis=1) == truth)


@dataclass(frozen=True)
class Thresholds:
    """What each threshold gives, from the strictest on: shares of the positive that are found (recall), of the others
    that are taken for positive, and of what is taken for positive that is (precision)."""

    recall: Floats
    false: Floats
    precision: Floats
    usual: int  # the place of the threshold at which the larger output wins

    @property
    def area(self) -> float:
        """Under the receiver operating characteristic: how often a positive is above another."""
        recall, false = np.concatenate([[0], self.recall]), np.concatenate([[0], self.false])
        return float(np.sum(np.diff(false) * (recall[1:] + recall[:-1]) / 2))

    @property
    def average_precision(self) -> float:
        return float(np.sum(np.diff(self.recall, prepend=0) * self.precision))


def thresholds(scores: Floats, positive: NDArray[np.bool_], usual: float = 0.0) -> Thresholds | None:
    """All thresholds of some scores, of which one is the usual; None where there is one class alone."""
    if positive.all() or not positive.any():
        return None
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(positive[order]).astype(np.float64)
    last = np.flatnonzero(np.append(np.diff(ordered) != 0, True))  # equal scores are taken together
    taken = last + 1.0
    above = int(np.count_nonzero(ordered[last] > usual)) - 1
    found = hits[last]
    return Thresholds(found / hits[-1], (taken - found) / (len(scores) - hits[-1]), found / taken, max(above, 0))


def probabilities(logits: Any) -> Floats:
    """Softmax, in float64."""
    rows = np.asarray(logits, dtype=np.float64)
    powers = np.exp(rows - np.maximum.reduce(rows, axis=1, keepdims=True))
    return np.asarray(powers / np.add.reduce(powers, axis=1, keepdims=True))
