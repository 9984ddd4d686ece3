"""Logistic regression with an L2 penalty: the whole data in every step of a preconditioned L-BFGS.

Two classes have one column of coefficients, more have one each. The Hessian is nowhere above that of a
bound which depends on the data alone (Böhning 1992); its inverse, once, makes ill-scaled features as easy as others.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.solvers.bound import bound
from powertrain.solvers.checks import classes, finite, number, table, weights, whole
from powertrain.solvers.quasi_newton import Minimum, descend
from powertrain.solvers.tall import Array, Floats, add_up, product, sampled_moments

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


@dataclass
class LogisticFit:
    """What `fit_logistic` found; for two classes there is one column, whose score above 0 says the second class.

    coef       [columns, features], in float64
    intercept  [columns]
    minimum    where L-BFGS ended, and whether it converged

    Example
        >>> x, y = np.arange(6.0)[:, None], np.arange(6) > 2
        >>> pt.solvers.fit_logistic(x, y.astype(int), 2, l2=0.1).probabilities(x).shape
        (6, 2)
    """

    coef: Floats
    intercept: Floats
    minimum: Minimum

    def scores(self, x: TensorLike) -> Array:
        """x coef + intercept, [rows, columns]."""
        rows = table("LogisticFit", "x", x)
        return np.asarray(product(rows, self.coef.T) + self.intercept)

    def probabilities(self, x: TensorLike) -> Array:
        """The probability of each class, [rows, classes].

        >>> fit = fit_logistic(np.array([[0.0], [1.0]]), np.array([0, 1]), 2, l2=0.01)
        >>> fit.probabilities(np.array([[0.5]])).round(3).tolist()
        [[0.5, 0.5]]
        """
        scores = self.scores(x)
        scores = np.hstack([np.zeros_like(scores), scores]) if scores.shape[1] == 1 else scores
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        return np.asarray(shares / shares.sum(axis=1, keepdims=True))


def fit_logistic(
    x: TensorLike,
    y: TensorLike,
    n_classes: int,
    sample_weight: TensorLike | None = None,
    *,
    l2: float,
    intercept: bool = True,
    tol: float = 1e-4,
    max_iter: int = 1000,
) -> LogisticFit:
    """Find the coefficients that minimize mean(sample_weight cross-entropy) + l2 / 2 sum(coef^2).

    The mean is that of scikit-learn: the weighted sum over the total weight. Intercepts are not held down.

    Shapes    x [rows, features], y [rows], sample_weight [rows] -> coef [columns, features], intercept [columns], with
              one column for two classes, else one for each
    Dtypes    y whole numbers below n_classes; sums of the rows in x's dtype, float32 or float64; results in float64
    Errors    shapes that do not fit, numbers that are not finite, a class not below n_classes: SolverError
    Source    Böhning 1992 (the bound); Nocedal & Wright 2006, algorithm 7.4
    Example
        >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
        >>> (fit_logistic(x, y, 2, l2=0.01).scores(x)[:, 0] > 0).tolist()
        [False, False, True, True]
    """
    where = "fit_logistic"
    count = whole(where, "n_classes", n_classes, 2)
    x = table(where, "x", x)
    labels = classes(where, y, len(x), count)
    weight = weights(where, sample_weight, len(x))
    l2, tol, most = number(where, "l2", l2), number(where, "tol", tol), whole(where, "max_iter", max_iter, 1)
    features, columns = x.shape[1], 1 if count == 2 else count
    about = sampled_moments(x)
    finite(where, "x", about.mean)
    # A free intercept makes up for a shift; far from zero, scores would be differences of large numbers.
    shifted = about.mean if intercept and about.far else None
    x = x if shifted is None else x - shifted
    # Weights of mean 1, so that float32 holds the sums of small and of large ones alike.
    scaled = (weight * (len(weight) / float(weight.sum()))).astype(x.dtype)
    objective = _objective(x, labels, scaled, columns, l2, intercept)
    end = descend(
        objective,
        np.zeros((features + 1) * columns),
        # The largest second derivative is 1/4 of a sigmoid, and 1/2 of a softmax.
        precondition=bound(x, scaled, l2, columns, intercept, 0.25 if columns == 1 else 0.5),
        tol=tol,
        max_iter=most,
        rounding=float(np.finfo(x.dtype).eps),
    )
    found = end.x.reshape(features + 1, columns)
    coef, constant = np.ascontiguousarray(found[:-1].T), found[-1].copy()
    if shifted is not None:
        constant -= coef @ shifted.astype(np.float64)
    return LogisticFit(coef, constant, end)


def _objective(
    x: Array, classes: Array, weight: Array, columns: int, l2: float, intercept: bool
) -> Callable[[Floats], tuple[float, Floats]]:
    """The function of all coefficients, the intercepts last, and its gradient."""
    evaluate: Callable[..., tuple[pt.Tensor, ...]] = pt.compile(_binary if columns == 1 else _softmax)
    labels = classes.astype(x.dtype)[:, None] if columns == 1 else classes

    def function(flat: Floats) -> tuple[float, Floats]:
        coef = flat.reshape(-1, columns)
        rows, shift = coef[:-1].astype(x.dtype), coef[-1].astype(x.dtype)
        loss, by_row, by_shift = add_up(lambda *piece: evaluate(*piece, rows, shift), x, labels, weight)
        gradient = np.vstack([by_row / len(x) + l2 * coef[:-1], by_shift[None] / len(x) * intercept])
        return float(loss) / len(x) + 0.5 * l2 * float(np.square(coef[:-1]).sum()), gradient.ravel()

    return function


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
