"""Weights of training examples, by which the target does not depend on the group any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powertrain.data.in_memory import array_of
from powertrain.data.source import check_labels
from powertrain.fairness.checks import Floats, grouped

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def reweighing(y: TensorLike, *, sensitive_features: TensorLike) -> Floats:
    """Give each training example the weight by which group and class are independent: `sample_weight` of `pt.fit`.

    It is P(group) P(class) / P(group, class): above 1 where a class is rarer in a group than in all. The weights of
    each group and of each class add up to their number of examples.

    y          class numbers, of two classes or more
    Source     Kamiran and Calders 2012, algorithm 3
    Example
        >>> pt.fairness.reweighing([1, 1, 1, 0], sensitive_features=["m", "m", "f", "f"]).tolist()
        [0.75, 0.75, 1.5, 0.5]
    """
    where = "reweighing"
    labels = array_of(y, f"{where} y")
    count = check_labels(labels, None, f"{where} y")
    group, names = grouped(where, sensitive_features, len(labels))
    cells = group * count + labels.astype(np.int64)
    both = np.bincount(cells, minlength=len(names) * count)
    apart = np.outer(np.bincount(group, minlength=len(names)), np.bincount(labels, minlength=count)).ravel()
    return np.asarray(apart[cells] / (len(labels) * both[cells]))
