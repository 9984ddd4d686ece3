"""Least squares with an L1 and an L2 penalty, by coordinate descent on the products of the centred data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from powertrain.solvers.checks import SolverError, finite, number, table, targets, weights, whole
from powertrain.solvers.least_squares import centred, fit_ridge
from powertrain.solvers.tall import Floats, gram

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


@dataclass
class Descent:
    """Where `coordinate_descent` ended; `gap` is at least as large as what the minimum is below it.

    Example
        >>> end = pt.solvers.coordinate_descent(np.eye(2), np.array([1.0, 0.2]), 1.04, l1=0.5)
        >>> end.converged, end.x.round(2).tolist()
        (True, [0.5, 0.0])
    """

    x: Floats
    gap: float
    iterations: int
    converged: bool


@dataclass
class ElasticNetFit:
    """What `fit_elastic_net` found, with the end of the descent of each target (of the one, if y is [rows]).

    Example
        >>> x = np.arange(6.0)[:, None]
        >>> pt.solvers.fit_elastic_net(x, x[:, 0], l1=0.1).coef.shape
        (1,)
    """

    coef: Floats
    intercept: Floats
    ends: list[Descent]


def fit_elastic_net(
    x: TensorLike,
    y: TensorLike,
    sample_weight: TensorLike | None = None,
    *,
    l1: float,
    l2: float = 0.0,
    intercept: bool = True,
    tol: float = 1e-4,
    max_iter: int = 1000,
) -> ElasticNetFit:
    """Find the coefficients that minimize mean((y - x coef - intercept)^2) / 2 + l1 sum |coef| + l2 / 2 sum(coef^2).

    The mean is weighted by sample_weight. The intercept has no penalty. It ends where the duality gap is at most tol
    times the mean square of y about its mean, or after max_iter sweeps. Without l1 it is `fit_ridge`.

    Shapes    x [rows, features], y [rows], sample_weight [rows] -> coef [features], intercept []
              y [rows, targets] -> coef [targets, features], intercept [targets]
    Dtypes    products in x's dtype, float32 or float64; results in float64
    Errors    shapes that do not fit, numbers that are not finite, l1 < 0 or l2 < 0: SolverError
    Source    Friedman, Hastie & Tibshirani 2010
    Example
        >>> x, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]), np.array([1.0, 3.0, 5.0, 7.0])
        >>> fit_elastic_net(x, y, l1=0.25).coef.round(3).tolist()
        [1.8, 0.0]
    """
    where = "fit_elastic_net"
    x = table(where, "x", x)
    wanted = targets(where, y, len(x))
    weight = weights(where, sample_weight, len(x))
    total = float(weight.sum())
    first, second = number(where, "l1", l1), number(where, "l2", l2)
    tol, most = number(where, "tol", tol), whole(where, "max_iter", max_iter, 1)
    if first == 0.0:
        coef, shift = fit_ridge(x, wanted, weight, l2=second * total, intercept=intercept)
        return ElasticNetFit(coef, shift, [Descent(row, 0.0, 1, True) for row in np.atleast_2d(coef)])
    both, x_mean, y_mean = centred(x, wanted.reshape(len(x), -1), weight, intercept)
    products = finite(where, "x", gram(both)) / total
    features = x.shape[1]
    ends = [
        coordinate_descent(
            products[:features, :features], products[:features, at], products[at, at],
            l1=first, l2=second, tol=tol, max_iter=most,
        )
        for at in range(features, len(products))
    ]  # fmt: skip
    coef = np.stack([end.x for end in ends])
    shift = np.asarray(y_mean - coef @ x_mean.astype(np.float64))
    return ElasticNetFit(coef[0], shift[0], ends) if wanted.ndim == 1 else ElasticNetFit(coef, shift, ends)


def coordinate_descent(
    matrix: TensorLike,
    right: TensorLike,
    square: float,
    *,
    l1: float,
    l2: float = 0.0,
    tol: float = 1e-4,
    max_iter: int = 1000,
) -> Descent:
    """Minimize square / 2 - right^T c + c^T matrix c / 2 + l1 sum |c| + l2 / 2 sum(c^2), one element at a time.

    matrix, right, square    the products a^T a, a^T b and b^T b of a problem |b - a c|^2 / 2, of any scale

    It ends where the duality gap is at most tol * square, where a sweep moves nothing, or after max_iter sweeps.

    Shapes    matrix [n, n], right [n] -> Descent.x [n]
    Errors    shapes that do not fit, numbers that are not finite, l1 = 0: SolverError
    Source    Friedman, Hastie & Tibshirani 2010; Kim et al. 2007 (the gap)
    Example
        >>> coordinate_descent(np.eye(2), np.array([3.0, 0.5]), 10.0, l1=1.0).x.tolist()
        [2.0, 0.0]
    """
    where = "coordinate_descent"
    made, slopes = np.asarray(matrix, dtype=np.float64), np.array(right, dtype=np.float64)
    if slopes.ndim != 1 or slopes.size == 0 or made.shape != (len(slopes), len(slopes)):
        raise SolverError(
            f"[{where}] matrix is {list(made.shape)}, right is {list(slopes.shape)}; expected [n, n] and [n]; "
            "pass the products a.T @ a and a.T @ b"
        )
    finite(where, "matrix", made), finite(where, "right", slopes)
    first, second = number(where, "l1", l1), number(where, "l2", l2)
    if first == 0.0:
        raise SolverError(f"[{where}] l1 = 0; expected a number > 0; solve the linear equations, or use fit_ridge")
    return _sweeps(
        made + second * np.eye(len(slopes)), slopes, number(where, "square", square), first, second,
        number(where, "tol", tol), whole(where, "max_iter", max_iter, 1),
    )  # fmt: skip


def _sweeps(matrix: Floats, right: Floats, square: float, l1: float, l2: float, tol: float, max_iter: int) -> Descent:
    coef, slopes, scales = np.zeros(len(right)), right.copy(), np.diagonal(matrix)
    gap = _gap(coef, slopes, right, square, l1, l2)
    for sweep in range(max_iter):
        if gap <= tol * square:
            return Descent(coef, gap, sweep, True)
        moved = False
        # An element that is zero, and whose slope the penalty outweighs, stays: others may change that for the next.
        for at in np.flatnonzero((scales > 0) & ((coef != 0) | (np.abs(slopes) > l1))):
            aim = slopes[at] + scales[at] * coef[at]
            new = np.sign(aim) * max(abs(aim) - l1, 0.0) / scales[at]
            if new != coef[at]:
                slopes -= (new - coef[at]) * matrix[:, at]
                coef[at], moved = new, True
        gap = _gap(coef, slopes, right, square, l1, l2)
        if not moved:
            return Descent(coef, gap, sweep + 1, True)
    return Descent(coef, gap, max_iter, gap <= tol * square)


def _gap(coef: Floats, slopes: Floats, right: Floats, square: float, l1: float, l2: float) -> float:
    """The duality gap: the dual point is the residual, shortened until no slope is above l1."""
    along = float(right @ coef)
    held = float(coef @ coef)
    # slopes = right - (matrix + l2) coef, so that |residual|^2 = square - 2 right coef + coef matrix coef.
    residual = max(square - along - float(slopes @ coef) - l2 * held, 0.0)
    steepest = float(np.abs(slopes).max())
    share = 1.0 if steepest <= l1 else l1 / steepest
    gap = 0.5 * residual * (1 + share**2) + l1 * float(np.abs(coef).sum()) - share * (square - along)
    return max(gap + 0.5 * l2 * (1 + share**2) * held, 0.0)
