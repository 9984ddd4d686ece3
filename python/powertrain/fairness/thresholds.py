"""Thresholds for each group, after training, by which a rate of all groups is the same.

A threshold gives a group one point: a rate on x, what is to be large on y. Drawing between two thresholds gives what
lies on the line between their points. So a group can have whatever lies below the upper hull of its points. The best
common point is where the least of the hulls, or their sum, is best: at a corner, or where two of them cross.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.data.errors import DataError, demand_choice
from powertrain.data.in_memory import array_of
from powertrain.data.source import check_finite
from powertrain.fairness.checks import Bools, Floats, Numbers, grouped, two_classes
from powertrain.random import Generator

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

CONSTRAINTS = ("equalized_odds", "equal_opportunity", "demographic_parity")


@dataclass(frozen=True)
class Mixture:
    """How one group is judged: class 1 where the score reaches a threshold, which is drawn.

    share     the probability of the threshold `high`; else it is `low`
    ignored   the probability that the score does not count: then class 1 has the probability `constant`

    Example
        >>> pt.fairness.Mixture(low=0.4, high=0.6, share=0.25).probabilities(np.array([0.3, 0.5, 0.7])).tolist()
        [0.0, 0.75, 1.0]
    """

    low: float
    high: float
    share: float
    ignored: float = 0.0
    constant: float = 0.0

    def probabilities(self, scores: TensorLike) -> Floats:
        """The probability of class 1 of each score."""
        values = np.asarray(scores, dtype=np.float64)
        reached = (1 - self.share) * (values >= self.low) + self.share * (values >= self.high)
        return np.asarray(self.ignored * self.constant + (1 - self.ignored) * reached)


@dataclass(frozen=True)
class GroupThresholds:
    """Thresholds of each group that `fit_thresholds` found, and the accuracy that they have on its examples.

    Example
        >>> groups = ["a", "a", "b", "b"]
        >>> found = pt.fairness.fit_thresholds([0.9, 0.2, 0.6, 0.1], [1, 0, 1, 0], sensitive_features=groups)
        >>> found.accuracy, found.predict([0.7, 0.3], sensitive_features=["b", "a"]).tolist()
        (1.0, [1, 0])
    """

    groups: dict[str, Mixture]
    constraint: str
    accuracy: float

    def probabilities(self, scores: TensorLike, *, sensitive_features: TensorLike) -> Floats:
        """The probability of class 1 of each row."""
        where = "thresholds"
        values = _scores(where, scores)
        group, names = grouped(where, sensitive_features, len(values))
        found = np.empty(len(values))
        for at, name in enumerate(names):
            if name not in self.groups:
                raise DataError(
                    where, f"the group {name}", f"expected one of {', '.join(self.groups)}",
                    "fit the thresholds on examples of all groups",
                )  # fmt: skip
            found[group == at] = self.groups[name].probabilities(values[group == at])
        return found

    def predict(self, scores: TensorLike, *, sensitive_features: TensorLike, seed: int = 0) -> Numbers:
        """The class of each row, 0 or 1, drawn where the group's mixture does; the same for the same seed."""
        shares = self.probabilities(scores, sensitive_features=sensitive_features)
        draws = Generator(seed).uniform(size=len(shares), dtype="float64").numpy()
        return (draws < shares).astype(np.int64)


@dataclass(frozen=True)
class _Hull:
    """The corners of what one group can have, x rising, and the threshold of each corner."""

    x: Floats
    y: Floats
    thresholds: Floats

    def at(self, x: Floats | float) -> Floats:
        return np.asarray(np.interp(x, self.x, self.y))

    def mixture(self, x: float) -> Mixture:
        """The two corners beside x, in such shares that their mean is there."""
        right = int(np.clip(np.searchsorted(self.x, x, side="right"), 1, len(self.x) - 1))
        left = right - 1
        share = (x - self.x[left]) / (self.x[right] - self.x[left])
        return Mixture(float(self.thresholds[right]), float(self.thresholds[left]), float(1 - share))


def fit_thresholds(
    scores: TensorLike, y: TensorLike, *, sensitive_features: TensorLike, constraint: str = "equalized_odds"
) -> GroupThresholds:
    """Find thresholds of each group by which a rate is the same in all, with the best accuracy that this leaves.

    scores      of class 1, such as its probability: of examples that were not trained on, or training will flatter them
    y           0 or 1 for each row
    constraint  what all groups have in common. "equalized_odds": both the true and the false positive rate;
                "equal_opportunity": the true positive rate; "demographic_parity": the selection rate
    Errors      a group without both classes (but for "demographic_parity"), scores that are not finite: DataError
    Source      Hardt, Price and Srebro 2016; fairlearn.postprocessing.ThresholdOptimizer, which looks at 1,000 points
                where this looks at all corners
    Example
        >>> scores, y = [0.9, 0.8, 0.3, 0.1, 0.7, 0.4, 0.2, 0.1], [1, 0, 1, 0, 1, 1, 0, 0]
        >>> found = pt.fairness.fit_thresholds(scores, y, sensitive_features=list("aaaabbbb"))
        >>> round(found.accuracy, 3)
        0.75
    """
    where = "fit_thresholds"
    demand_choice(where, "constraint", constraint, CONSTRAINTS)
    values, truth = _scores(where, scores), two_classes(where, "y", y)
    if len(values) != len(truth):
        raise DataError(where, f"{len(values):,} scores and {len(truth):,} labels", "expected as many", "check both")
    group, names = grouped(where, sensitive_features, len(truth))
    hulls, shares = [], np.bincount(group) / len(group)
    for at, name in enumerate(names):
        here = group == at
        if constraint != "demographic_parity" and len(np.unique(truth[here])) < 2:
            raise DataError(
                where, f"the group {name} has rows of one class alone", "expected both classes in each group",
                'take constraint="demographic_parity", or join small groups',
            )  # fmt: skip
        hulls.append(_hull(values[here], truth[here], constraint))
    places = _places(hulls)
    if constraint != "equalized_odds":
        gains = sum(share * hull.at(places) for share, hull in zip(shares, hulls, strict=True))
        best = int(np.argmax(gains))
        mixtures = {name: hull.mixture(float(places[best])) for name, hull in zip(names, hulls, strict=True)}
        return GroupThresholds(mixtures, constraint, float(np.asarray(gains)[best]))
    common = np.min([hull.at(places) for hull in hulls], axis=0)
    positive = float(truth.mean())
    gains = positive * common + (1 - positive) * (1 - places)
    best = int(np.argmax(gains))
    x, y_ = float(places[best]), float(common[best])
    mixtures = {name: _lowered(hull, x, y_) for name, hull in zip(names, hulls, strict=True)}
    return GroupThresholds(mixtures, constraint, float(gains[best]))


def _lowered(hull: _Hull, x: float, y: float) -> Mixture:
    """What gives (x, y) below the hull: between its point at x and the point (x, x) of a draw that knows no score."""
    made, above = hull.mixture(x), float(hull.at(x))
    ignored = (above - y) / (above - x) if above > x else 0.0
    return Mixture(made.low, made.high, made.share, float(np.clip(ignored, 0, 1)), x)


def _scores(where: str, value: Any) -> Floats:
    found = array_of(value, f"{where} scores")
    if found.ndim != 1 or len(found) == 0:
        raise DataError(
            where, f"scores {list(found.shape)}", "expected one for each row", "of probabilities take those of class 1"
        )
    found = found.astype(np.float64)
    check_finite(found, f"{where} scores")
    return found


def _hull(scores: Floats, truth: Bools, constraint: str) -> _Hull:
    order = np.argsort(-scores, kind="stable")
    last = np.append(np.diff(scores[order]) != 0, True)  # of equal scores all are taken, or none
    right = np.concatenate([[0], np.cumsum(truth[order])[last]]).astype(np.float64)
    wrong = np.concatenate([[0], np.cumsum(~truth[order])[last]]).astype(np.float64)
    thresholds = np.concatenate([[np.inf], scores[order][last]])
    if constraint == "equalized_odds":
        x, y = wrong / wrong[-1], right / right[-1]
    else:
        accuracy = (right + wrong[-1] - wrong) / len(scores)
        x, y = (right + wrong) / len(scores) if constraint == "demographic_parity" else right / right[-1], accuracy
    kept: list[int] = []
    for at in range(len(x)):
        while kept and (
            (x[kept[-1]] == x[at] and y[kept[-1]] <= y[at])
            or (len(kept) > 1 and _turns_up(x[kept[-2]], y[kept[-2]], x[kept[-1]], y[kept[-1]], x[at], y[at]))
        ):
            kept.pop()
        if not kept or x[at] > x[kept[-1]]:
            kept.append(at)
    return _Hull(x[kept], y[kept], thresholds[kept])


def _turns_up(ax: float, ay: float, bx: float, by: float, cx: float, cy: float) -> bool:
    """Whether b lies on the line from a to c, or below it."""
    return bool((by - ay) * (cx - ax) <= (cy - ay) * (bx - ax))


def _places(hulls: list[_Hull]) -> Floats:
    """The x of all corners, and of where two hulls cross between them."""
    corners = np.unique(np.concatenate([hull.x for hull in hulls]))
    heights = np.array([hull.at(corners) for hull in hulls])
    crossed = [corners]
    for first in range(len(hulls)):
        apart = heights[first] - heights[first + 1 :]
        before, after = apart[:, :-1], apart[:, 1:]
        other, at = np.nonzero(before * after < 0)
        share = before[other, at] / (before[other, at] - after[other, at])
        crossed.append(corners[at] + share * (corners[at + 1] - corners[at]))
    return np.unique(np.concatenate(crossed))
