"""Stochastic gradient descent of linear models, a compiled step for each batch: what `sgd.py` shows to scikit-learn.

A batch takes the step that its examples would take one after the other from the same point, but none above what keeps
the loss stable: 1 / (curvature * mean(weight (|x|^2 + 1))). So features need not be scaled for it not to diverge.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.sklearn.checks import EstimatorError
from powertrain.solvers.tall import Array, Floats, filled


def _modified_huber(score: Any, sign: Any, epsilon: Any) -> Any:
    margin = score * sign
    return pt.where(margin >= -1, pt.square(pt.relu(1 - margin)), -4 * margin)


def _huber(score: Any, target: Any, epsilon: Any) -> Any:
    apart = pt.abs(score - target)
    near = pt.minimum(apart, epsilon)
    return near * (apart - near / 2)


# Losses by scikit-learn's names, of scores and signs -1 or 1, and how much their slope can grow with the score (1 where
# it jumps).
OF_CLASSES: Final[dict[str, tuple[Callable[..., Any], float]]] = {
    "hinge": (lambda score, sign, epsilon: pt.relu(1 - score * sign), 1.0),
    "log_loss": (lambda score, sign, epsilon: F.softplus(-score * sign), 0.25),
    "modified_huber": (_modified_huber, 2.0),
    "squared_hinge": (lambda score, sign, epsilon: pt.square(pt.relu(1 - score * sign)), 2.0),
}
OF_VALUES: Final[dict[str, tuple[Callable[..., Any], float]]] = {
    "epsilon_insensitive": (lambda score, target, epsilon: pt.relu(pt.abs(score - target) - epsilon), 1.0),
    "huber": (_huber, 1.0),
    "squared_error": (lambda score, target, epsilon: pt.square(score - target) / 2, 1.0),
}
LOSSES: Final = {**OF_CLASSES, **OF_VALUES}
# The L1 penalty's share by scikit-learn's names; that of "elasticnet" is l1_ratio.
PENALTIES: Final[dict[str, float]] = {"elasticnet": math.nan, "l1": 1.0, "l2": 0.0}


@dataclass(frozen=True)
class Schedule:
    """The rate of an example: "constant", "invscaling" (eta0 / seen^power_t) or "optimal" (Bottou's)."""

    kind: str
    alpha: float
    eta0: float
    power_t: float

    def rate(self, seen: float) -> float:
        """After so many examples."""
        if self.kind == "optimal":
            # The first rate is that by which a weight of usual size, 1 / alpha^(1/4), could be reached in one example.
            first = 1.0 / (self.alpha * max(self.alpha, 1e-12) ** -0.25)
            return 1.0 / (self.alpha * (first + seen))
        return self.eta0 / (1.0 + seen) ** self.power_t if self.kind == "invscaling" else self.eta0


@dataclass
class Descent:
    """Where it is: coef [features, columns], intercept [columns], and how many examples were seen."""

    coef: Array
    intercept: Array
    seen: int = 0

    def epoch(
        self, x: Array, y: Array, weight: Array, rows: Any, batch: int, loss: str, schedule: Schedule,
        penalties: tuple[float, float], epsilon: float, intercept: bool,
    ) -> float:  # fmt: skip
        """One pass over `rows`, in their order: the mean of the losses before each step.

        `y` and `weight` have a column for each column of coef; `penalties` are those of the squares and of the sizes.
        """
        batch = min(batch, len(rows))
        coef, shift, total = self.coef, self.intercept, np.zeros((), x.dtype)
        step = compiled(loss, bool(intercept), batch, coef.shape, str(x.dtype))
        held = [np.asarray(one, x.dtype) for one in penalties]
        for start in range(0, len(rows), batch):
            some = rows[start : start + batch]
            count = np.asarray(len(some), x.dtype)
            rate = np.asarray(schedule.rate(self.seen) * len(some), x.dtype)
            piece = filled(batch, x[some], y[some], weight[some])
            coef, shift, total = step(*piece, count, coef, shift, total, rate, *held, np.asarray(epsilon, x.dtype))
            self.seen += len(some)
        self.coef, self.intercept = np.array(coef), np.array(shift)
        if not (np.isfinite(self.coef).all() and np.isfinite(self.intercept).all()):
            raise EstimatorError(
                f"[SGD] the coefficients after {self.seen:,} examples are not finite; expected finite ones; scale the "
                "features, or lower eta0"
            )
        return float(np.asarray(total)) / len(rows)


def _step(
    loss: str, intercept: bool, x: Any, y: Any, weight: Any, count: Any, coef: Any, shift: Any, total: Any, rate: Any,
    l2: Any, l1: Any, epsilon: Any,
) -> tuple[Any, Any, Any]:  # fmt: skip
    function, curvature = LOSSES[loss]

    def summed(coef: Any, shift: Any) -> Any:
        return pt.sum(function(pt.matmul(x, coef) + shift, y, epsilon) * weight)

    value, (by_coef, by_shift) = pt.value_and_grad(summed, argnums=(0, 1))(coef, shift)
    sizes = pt.sum(weight * (pt.sum(pt.square(x), axis=1, keepdims=True) + 1), axis=0)
    rate = pt.minimum(rate, count / (curvature * sizes))
    # The L2 penalty shrinks before the step; the L1 penalty takes what it can after it, and so leaves exact zeros.
    moved = coef * pt.maximum(1 - rate * l2, 0) - rate * by_coef / count
    coef = pt.sign(moved) * pt.relu(pt.abs(moved) - rate * l1)
    shift = shift - rate * by_shift / count if intercept else shift
    return coef, shift, total + value


@functools.lru_cache(maxsize=64)
def compiled(loss: str, intercept: bool, batch: int, shape: tuple[int, ...], dtype: str) -> Callable[..., Any]:
    """The step of some loss and form of batch, kept for later fits and for each `partial_fit`."""
    return pt.compile(functools.partial(_step, loss, intercept))


def class_columns(numbers: Any, weight: Floats, by_class: Floats, dtype: Any) -> tuple[Array, Array]:
    """Signs and weights [rows, columns] of class numbers: one column of two classes, else one for each.

    As in scikit-learn the rest, which is no class, has no class's weight.
    """
    classes = len(by_class)
    own = numbers[:, None] == (np.array([1]) if classes == 2 else np.arange(classes))
    its = np.where(own, by_class[1], by_class[0]) if classes == 2 else np.where(own, by_class, 1.0)
    return np.where(own, 1, -1).astype(dtype), (weight[:, None] * its).astype(dtype)
