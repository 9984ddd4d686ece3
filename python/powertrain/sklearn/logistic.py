"""Logistic regression with an L2 penalty: the whole data in every step of a preconditioned L-BFGS.

The objective is that of scikit-learn: the mean of the losses, plus penalty / 2 times the squared coefficients, without
the intercepts; two classes have one column of coefficients, more have one each. The Hessian is nowhere above that of a
bound which depends on the data alone (Böhning 1992); its inverse, once, makes ill-scaled features as easy as others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.sklearn.quasi_newton import Minimum, minimize
from powertrain.sklearn.tall import Array, Floats, add_up, gram, sampled_moments

# The bound's matrix has so many rows and columns; above that its inverse costs more than it saves.
MOST_FEATURES = 2048
# It only has to be near: so many rows, evenly spaced, tell it well enough.
BOUND_ROWS = 8192


@dataclass
class Logistic:
    """coef [columns, features] and intercept [columns]; one column where there are two classes."""

    coef: Floats
    intercept: Floats
    end: Minimum


def fit_logistic(
    x: Array,
    classes: NDArray[np.int64],
    count: int,
    weight: Floats,
    *,
    penalty: float,
    intercept: bool,
    tol: float,
    max_iter: int,
) -> Logistic:
    """Fit to class numbers below `count`; `weight` has one number >= 0 for each row."""
    features, columns = x.shape[1], 1 if count == 2 else count
    about = sampled_moments(x)
    # A free intercept makes up for a shift; far from zero, scores would be differences of large numbers.
    shifted = about.mean if intercept and about.far else None
    x = x if shifted is None else x - shifted
    total = float(weight.sum())
    # Weights of mean 1, so that float32 holds the sums of small and of large ones alike.
    scaled = (weight * (len(weight) / total)).astype(x.dtype)
    evaluate = pt.compile(_binary if columns == 1 else _softmax)
    labels = classes.astype(x.dtype)[:, None] if columns == 1 else classes

    def function(flat: Floats) -> tuple[float, Floats]:
        table = flat.reshape(features + 1, columns)
        rows, shift = table[:-1].astype(x.dtype), table[-1].astype(x.dtype)
        loss, by_row, by_shift = add_up(lambda *piece: evaluate(*piece, rows, shift), x, labels, scaled)
        gradient = np.vstack([by_row / len(x) + penalty * table[:-1], by_shift[None] / len(x) * intercept])
        return float(loss) / len(x) + 0.5 * penalty * float(np.square(table[:-1]).sum()), gradient.ravel()

    end = minimize(
        function,
        np.zeros((features + 1) * columns),
        precondition=_bound(x, scaled, penalty, columns, intercept),
        tol=tol,
        max_iter=max_iter,
        rounding=float(np.finfo(x.dtype).eps),
    )
    table = end.point.reshape(features + 1, columns)
    coef, constant = np.ascontiguousarray(table[:-1].T), table[-1].copy()
    if shifted is not None:
        constant -= coef @ shifted.astype(np.float64)
    return Logistic(coef, constant, end)


def _softmax(x: Any, labels: Any, weight: Any, rows: Any, shift: Any) -> tuple[Any, Any, Any]:
    """The summed loss of a piece and its gradients."""
    scores = pt.matmul(x, rows) + shift
    losses = F.cross_entropy(scores, labels, ignore_index=None, reduction="none") * weight
    apart = pt.softmax(scores, axis=1) - pt.astype(F.one_hot(labels, scores.shape[1]), scores.dtype)
    return _sums(x, losses, apart * pt.reshape(weight, (-1, 1)))


def _binary(x: Any, labels: Any, weight: Any, rows: Any, shift: Any) -> tuple[Any, Any, Any]:
    scores = pt.matmul(x, rows) + shift
    each = pt.reshape(weight, (-1, 1))
    return _sums(
        x,
        F.binary_cross_entropy_with_logits(scores, labels, reduction="none") * each,
        (pt.sigmoid(scores) - labels) * each,
    )


def _sums(x: Any, losses: Any, apart: Any) -> tuple[Any, Any, Any]:
    return pt.sum(losses), pt.matmul(pt.permute_dims(x), apart), pt.sum(apart, axis=0)


def _bound(x: Array, weight: Array, penalty: float, columns: int, intercept: bool) -> Callable[[Floats], Floats] | None:
    """Multiplication by the inverse of the bound."""
    features = x.shape[1]
    if features > MOST_FEATURES:
        return None
    rows = np.unique(np.linspace(0, len(x) - 1, min(len(x), BOUND_ROWS)).astype(np.int64))
    some, its = x[rows], weight[rows].astype(np.float64)
    weighted = some * np.sqrt(its).astype(x.dtype)[:, None]
    matrix = np.empty((features + 1, features + 1))
    matrix[:-1, :-1] = gram(weighted)
    matrix[-1, :-1] = matrix[:-1, -1] = its @ some if intercept else 0
    matrix[-1, -1] = its.sum()
    # The largest second derivative is 1/4 of a sigmoid, and 1/2 of a softmax.
    matrix *= (0.25 if columns == 1 else 0.5) / len(rows)
    diagonal = np.arange(features + 1)
    matrix[diagonal[:-1], diagonal[:-1]] += penalty
    # Features that never vary, without a penalty, leave it singular: as much as rounding has added anyway.
    matrix[diagonal, diagonal] += np.finfo(x.dtype).eps * max(float(matrix[diagonal, diagonal].max()), 1e-300)
    inverse = np.linalg.inv(matrix)

    def multiply(flat: Floats) -> Floats:
        return np.asarray(inverse @ flat.reshape(features + 1, columns)).ravel()

    return multiply
