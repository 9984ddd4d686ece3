"""Wrong labels by confident learning: where a model that has not seen an example is sure of another class."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powertrain.data.errors import demand_choice
from powertrain.quality.checks import Floats, Labels, Rows, labelled

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

FILTERS = ("prune_by_noise_rate", "prune_by_class", "both", "confident_learning")
# A class with one example would be lost.
FEW = 1


@dataclass(frozen=True, eq=False)
class LabelIssues:
    """Rows whose label is probably wrong, the most doubtful first.

    rows       their numbers
    suggested  the class that the model gives each of them
    scores     of every row of the data the probability of its own label: the lower, the more doubtful
    joint      the estimated share of examples by (given label, true label), [classes, classes]

    Example
        >>> probabilities = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.2, 0.8], [0.05, 0.95]] * 2)
        >>> labels = np.array([0, 0, 1, 1, 0] + [0, 0, 1, 1, 1])
        >>> found = pt.quality.find_label_issues(labels, probabilities)
        >>> found.rows.tolist(), found.suggested.tolist()
        ([4], [1])
    """

    rows: Rows
    suggested: Labels
    scores: Floats = field(repr=False)
    joint: Floats = field(repr=False)

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def noise(self) -> float:
        """The estimated share of wrong labels."""
        return float(1 - np.trace(self.joint))


def confident_joint(labels: TensorLike, probabilities: TensorLike) -> NDArray[np.int64]:
    """Count the examples by (given label, class that the model is confident of): the confident joint.

    The model is confident of a class where its probability reaches the mean of those that examples labelled so have.
    Of several classes the likeliest counts; an example without any is in no cell.

    Shapes    labels [rows], probabilities [rows, classes] of a model that has not seen the row -> [classes, classes]
    Source    Northcutt, Jiang and Chuang 2021, eq. 1; cleanlab.count.compute_confident_joint(calibrate=False)
    Example
        >>> pt.quality.confident_joint([0, 0, 1, 1], [[0.9, 0.1], [0.2, 0.8], [0.3, 0.7], [0.1, 0.9]]).tolist()
        [[1, 1], [0, 1]]
    """
    given, shares = labelled("confident_joint", labels, probabilities)
    return _counted(_cells(given, shares), shares.shape[1])


def _counted(cells: Labels, count: int) -> NDArray[np.int64]:
    """How many rows are in each cell of the joint."""
    return np.bincount(cells, minlength=count**2 + 1)[: count**2].reshape(count, count)


def _cells(given: Labels, shares: Floats) -> Labels:
    """The cell of the joint that each row is in; the one behind the last for a row in none."""
    count = shares.shape[1]
    # The probability of a class that no example is labelled with reaches no threshold.
    thresholds = np.array(
        [shares[given == one, one].mean() if (given == one).any() else np.inf for one in range(count)]
    )
    sure = shares >= thresholds - 1e-6  # a class whose probabilities are all the same is reached by them
    likeliest = np.where(sure, shares, -1.0).argmax(axis=1)
    return np.where(sure.any(axis=1), given * count + likeliest, count**2)


def _expected(joint: NDArray[np.int64], given: Labels) -> Floats:
    """The joint, scaled to as many examples of each given label as there are."""
    totals = joint.sum(axis=1, keepdims=True)
    shares = np.where(totals > 0, joint / np.maximum(totals, 1), np.eye(len(joint)))
    return np.asarray(shares * np.bincount(given, minlength=len(joint))[:, None])


def find_label_issues(
    labels: TensorLike, probabilities: TensorLike, *, filter_by: str = "prune_by_noise_rate"
) -> LabelIssues:
    """Find wrong labels by confident learning, the most doubtful first.

    The confident joint says how many examples of one label are of another class. So many are taken: those for which
    the model puts that class farthest above the label. A row that the model classes as it is labelled is never taken.

    labels         class numbers as they were given, [rows]
    probabilities  [rows, classes] of a model that has not seen the row, as `pt.quality.out_of_fold` gives them
    filter_by      "prune_by_noise_rate": as above; "prune_by_class": of each label as many as the joint has off its
                   diagonal, those of which the label is least likely; "both": what both take; "confident_learning":
                   the rows off the diagonal themselves
    Errors         probabilities that do not add up to 1, labels that they have no column for: DataError
    Source         Northcutt, Jiang and Chuang 2021; cleanlab.filter.find_label_issues
    Example
        >>> probabilities = np.tile([[0.9, 0.1], [0.2, 0.8], [0.15, 0.85]], (4, 1))
        >>> labels = np.array([0, 1, 1] * 3 + [0, 1, 0])
        >>> issues = pt.quality.find_label_issues(labels, probabilities)
        >>> issues.rows.tolist(), round(issues.noise, 3)
        ([11], 0.083)
    """
    where = "find_label_issues"
    demand_choice(where, "filter_by", filter_by, FILTERS)
    given, shares = labelled(where, labels, probabilities)
    count, rows = shares.shape[1], np.arange(len(given))
    cells = _cells(given, shares)
    joint = _expected(_counted(cells, count), given)
    own = shares[rows, given]
    likeliest = shares.argmax(axis=1)
    taken = np.ones(len(given), np.bool_)
    if filter_by in ("prune_by_noise_rate", "both"):
        taken &= _by_noise_rate(given, shares, joint)
    if filter_by in ("prune_by_class", "both"):
        taken &= _by_class(given, own, joint)
    if filter_by == "confident_learning":
        taken &= (cells < count**2) & (cells % count != given)
    found = np.flatnonzero(taken & (likeliest != given))
    found = found[np.argsort(own[found], kind="stable")]
    return LabelIssues(found, likeliest[found], own, joint / len(given))


def _by_noise_rate(given: Labels, shares: Floats, joint: Floats) -> NDArray[np.bool_]:
    """Of each pair of label and class as many rows as the joint has, the largest differences of probability first."""
    taken = np.zeros(len(given), np.bool_)
    for label in range(len(joint)):
        here = np.flatnonzero(given == label)
        if len(here) <= FEW:
            continue
        for other in range(len(joint)):
            many = round(joint[label, other])
            if other != label and many:
                apart = shares[here, label] - shares[here, other]
                taken[here[np.argsort(apart, kind="stable")[:many]]] = True
    return taken


def _by_class(given: Labels, own: Floats, joint: Floats) -> NDArray[np.bool_]:
    """Of each label as many rows as the joint has off the diagonal, the least probable first."""
    taken = np.zeros(len(given), np.bool_)
    for label in range(len(joint)):
        here = np.flatnonzero(given == label)
        many = round(joint[label].sum() - joint[label, label])
        if len(here) > FEW and many:
            taken[here[np.argsort(own[here], kind="stable")[:many]]] = True
    return taken
