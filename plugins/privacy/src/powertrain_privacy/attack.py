"""The simplest membership attack: an example with a small loss was probably trained on (Yeom et al. 2018)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
FALSE_ALARMS = 0.01  # share of outsiders whom the attack may take for members


@dataclass(frozen=True)
class Attack:
    """How well losses tell training examples (members) from others.

    auc          chance that a member has a smaller loss than an outsider; 0.5 is guessing
    low, high    its 95 % interval
    found        share of members that are recognized when 1 % of outsiders are taken for members
    """

    auc: float
    low: float
    high: float
    found: float
    members: int
    outsiders: int


def loss_attack(members: ArrayLike, outsiders: ArrayLike) -> Attack:
    """The attack by the losses of both. The interval is that of DeLong et al. 1988."""
    inside, outside = (-np.asarray(losses, np.float64) for losses in (members, outsiders))
    above, below = _shares_below(outside, inside), 1 - _shares_below(inside, outside)
    auc = float(above.mean())
    deviation = math.sqrt(_variance(above) / len(inside) + _variance(below) / len(outside))
    low, high = max(0.0, auc - 1.96 * deviation), min(1.0, auc + 1.96 * deviation)
    threshold = np.quantile(outside, 1 - FALSE_ALARMS, method="higher")
    return Attack(auc, low, high, float((inside > threshold).mean()), len(inside), len(outside))


def _shares_below(of: Floats, values: Floats) -> Floats:
    """For each value the share of the numbers `of` that are below it; equal ones count half."""
    ordered: Any = np.sort(of)
    left, right = (np.searchsorted(ordered, values, side) for side in ("left", "right"))
    return np.asarray((left + right) / (2 * len(of)))


def _variance(values: Floats) -> float:
    return float(values.var(ddof=1)) if len(values) > 1 else 0.0


def most_advantage(epsilon: float, delta: float) -> float:
    """What an attack can at most reach: the share of members found less that of outsiders (Humphries et al. 2023)."""
    return (math.expm1(epsilon) + 2 * delta) / (math.exp(epsilon) + 1)
