"""Linear support vector machines with a squared hinge and an L2 penalty, by a preconditioned L-BFGS."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

import powertrain as pt
from powertrain.solvers.bound import bound
from powertrain.solvers.checks import classes, finite, number, table, weights, whole
from powertrain.solvers.quasi_newton import Minimum, descend
from powertrain.solvers.tall import Array, Floats, add_up, product, sampled_moments

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


@dataclass
class SquaredHingeFit:
    """What `fit_squared_hinge` found; for two classes there is one column, whose score above 0 says the second class.

    coef       [columns, features], in float64
    intercept  [columns]
    minimum    where L-BFGS ended, and whether it converged

    Example
        >>> x, y = np.array([[-1.0], [-2.0], [1.0], [2.0]]), np.array([0, 0, 1, 1])
        >>> found = pt.solvers.fit_squared_hinge(x, y, n_classes=2, l2=0.1)
        >>> (found.scores(x)[:, 0] > 0).tolist()
        [False, False, True, True]
    """

    coef: Floats
    intercept: Floats
    minimum: Minimum

    def scores(self, x: TensorLike) -> Array:
        """x coef + intercept, [rows, columns]."""
        return np.asarray(product(table("SquaredHingeFit", "x", x), self.coef.T) + self.intercept)


def fit_squared_hinge(
    x: TensorLike,
    y: TensorLike,
    n_classes: int,
    sample_weight: TensorLike | None = None,
    *,
    l2: float,
    intercept_l2: float = 0.0,
    intercept: bool = True,
    tol: float = 1e-4,
    max_iter: int = 1000,
) -> SquaredHingeFit:
    """Find the coefficients that minimize mean(sample_weight max(0, 1 - margin)^2) + l2 / 2 sum(coef^2), one-vs-rest.

    A margin is the score of a column, with its sign turned for rows of other classes; the losses of the columns add up.
    The mean is the weighted sum over the total weight. intercept_l2 / 2 sum(intercept^2) is the intercepts' penalty.

    Shapes    x [rows, features], y [rows], sample_weight [rows] -> coef [columns, features], intercept [columns], with
              one column for two classes, else one for each
    Dtypes    y whole numbers below n_classes; sums of the rows in x's dtype, float32 or float64; results in float64
    Errors    shapes that do not fit, numbers that are not finite, a class not below n_classes: SolverError
    Source    Fan et al. 2008 (LIBLINEAR), equation 2; Nocedal & Wright 2006, algorithm 7.4
    Example
        >>> x, y = np.array([[0.0], [1.0], [2.0], [3.0]]), np.array([0, 0, 1, 1])
        >>> (fit_squared_hinge(x, y, 2, l2=0.01).scores(x)[:, 0] > 0).tolist()
        [False, False, True, True]
    """
    where = "fit_squared_hinge"
    count = whole(where, "n_classes", n_classes, 2)
    x = table(where, "x", x)
    labels = classes(where, y, len(x), count)
    weight = weights(where, sample_weight, len(x))
    l2, held = number(where, "l2", l2), number(where, "intercept_l2", intercept_l2)
    tol, most = number(where, "tol", tol), whole(where, "max_iter", max_iter, 1)
    features, columns = x.shape[1], 1 if count == 2 else count
    finite(where, "x", sampled_moments(x).mean)
    # Weights of mean 1, so that float32 holds the sums of small and of large ones alike.
    scaled = (weight * (len(weight) / float(weight.sum()))).astype(x.dtype)
    end = descend(
        _objective(x, labels, scaled, columns, l2, held, intercept),
        np.zeros((features + 1) * columns),
        precondition=bound(x, scaled, l2, columns, intercept, 2.0, held),
        tol=tol,
        max_iter=most,
        rounding=float(np.finfo(x.dtype).eps),
    )
    found = end.x.reshape(features + 1, columns)
    return SquaredHingeFit(np.ascontiguousarray(found[:-1].T), found[-1].copy(), end)


def _objective(
    x: Array, labels: Array, weight: Array, columns: int, l2: float, intercept_l2: float, intercept: bool
) -> Callable[[Floats], tuple[float, Floats]]:
    """The function of all coefficients, the intercepts last, and its gradient."""
    evaluate: Callable[..., Any] = pt.compile(_sums)
    own = np.array([1]) if columns == 1 else np.arange(columns)
    signs = np.where(labels[:, None] == own, 1, -1).astype(x.dtype)
    penalty = np.array([l2] * x.shape[1] + [intercept_l2])[:, None]

    def function(flat: Floats) -> tuple[float, Floats]:
        coef = flat.reshape(-1, columns)
        rows, shift = coef[:-1].astype(x.dtype), coef[-1].astype(x.dtype)
        loss, by_row, by_shift = add_up(lambda *piece: evaluate(*piece, rows, shift), x, signs, weight)
        gradient = np.vstack([by_row, by_shift[None] * intercept]) / len(x) + penalty * coef
        return float(loss) / len(x) + 0.5 * float((penalty * np.square(coef)).sum()), gradient.ravel()

    return function


def _sums(x: Any, signs: Any, weight: Any, rows: Any, shift: Any) -> tuple[Any, Any, Any]:
    """The summed loss of a piece and its gradients."""
    short = pt.relu(1 - signs * (pt.matmul(x, rows) + shift))
    each = pt.reshape(weight, (-1, 1))
    apart = -2 * short * signs * each
    return pt.sum(pt.square(short) * each), pt.matmul(pt.permute_dims(x), apart), pt.sum(apart, axis=0)
