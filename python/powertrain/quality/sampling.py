"""Which examples to label next: those of which a model is least sure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powertrain.data.errors import demand_choice
from powertrain.quality.checks import Floats, probabilities

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

METHODS = ("margin", "least_confidence", "entropy")


def uncertainty(predicted: TensorLike, method: str = "margin") -> Floats:
    """Score how unsure a model is of each row, from 0 on; label the rows with the largest scores first.

    method    "margin": 1 - the difference of the two largest probabilities; "least_confidence": 1 - the largest;
              "entropy": that of all classes, in nats
    Shapes    predicted: probabilities [rows, classes] -> [rows], float64
    Source    Settles 2009, section 3.1
    Example
        >>> predicted = np.array([[0.5, 0.5, 0.0], [0.8, 0.1, 0.1]])
        >>> pt.quality.uncertainty(predicted).round(3).tolist()
        [1.0, 0.3]
        >>> pt.quality.uncertainty(predicted, "entropy").round(3).tolist()
        [0.693, 0.639]
    """
    where = "uncertainty"
    demand_choice(where, "method", method, METHODS)
    shares = probabilities(where, predicted)
    if method == "entropy":
        logs = np.log(np.where(shares > 0, shares, 1.0))
        return np.asarray(-(shares * logs).sum(axis=1))
    ranked = np.sort(shares, axis=1)
    return np.asarray(1 - (ranked[:, -1] - (ranked[:, -2] if method == "margin" else 0.0)))
