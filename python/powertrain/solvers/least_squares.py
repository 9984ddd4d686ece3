"""Least squares with an L2 penalty, solved from the products of the centred data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powertrain.solvers.checks import finite, number, table, targets, weights
from powertrain.solvers.tall import Array, Floats, gram

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def fit_ridge(
    x: TensorLike, y: TensorLike, sample_weight: TensorLike | None = None, *, l2: float, intercept: bool = True
) -> tuple[Floats, Floats]:
    """Find the coefficients that minimize sum(sample_weight (y - x coef - intercept)^2) + l2 sum(coef^2).

    Of several that do, it is the smallest. The intercept is not held down; without one it is zero.

    Shapes    x [rows, features], y [rows], sample_weight [rows] -> coef [features], intercept []
              y [rows, targets] -> coef [targets, features], intercept [targets]
    Dtypes    products in x's dtype, float32 or float64; results in float64
    Errors    shapes that do not fit, numbers that are not finite, l2 < 0: SolverError
    Source    Hoerl & Kennard 1970, Ridge Regression
    Example
        >>> coef, intercept = fit_ridge(np.array([[0.0], [1.0], [2.0]]), np.array([1.0, 3.0, 5.0]), l2=0.0)
        >>> coef.round(6).tolist(), float(intercept.round(6))
        ([2.0], 1.0)
    """
    x = table("fit_ridge", "x", x)
    wanted = targets("fit_ridge", y, len(x))
    weight = weights("fit_ridge", sample_weight, len(x))
    coef, shift = _ridge(x, wanted.reshape(len(x), -1), weight, number("fit_ridge", "l2", l2), intercept)
    return (coef[0], shift[0]) if wanted.ndim == 1 else (coef, shift)


def centred(x: Array, y: Floats, weight: Floats, intercept: bool) -> tuple[Array, Array, Floats]:
    """x and y side by side, about their means if there is an intercept, times the roots of the weights; the means."""
    total = weight.sum()
    x_mean = (weight @ x / total).astype(x.dtype) if intercept else np.zeros(x.shape[1], x.dtype)
    y_mean = weight @ y / total if intercept else np.zeros(y.shape[1])
    roots = np.sqrt(weight)[:, None]
    return np.hstack([(x - x_mean) * roots, (y - y_mean) * roots]).astype(x.dtype), x_mean, y_mean


def _ridge(x: Array, y: Floats, weight: Floats, l2: float, intercept: bool) -> tuple[Floats, Floats]:
    both, x_mean, y_mean = centred(x, y, weight, intercept)
    features = x.shape[1]
    if len(x) >= features:
        products = finite("fit_ridge", "x", gram(both))
        coef = _solve(products[:features, :features], products[:features, features:], l2, x.dtype).T
    else:  # as many equations as rows: coef = x^T (x x^T + l2)^-1 y
        rows, wanted = both[:, :features], both[:, features:].astype(np.float64)
        products = finite("fit_ridge", "x", gram(np.ascontiguousarray(rows.T)))
        coef = (rows.T @ _solve(products, wanted, l2, x.dtype)).T
    return np.asarray(coef, dtype=np.float64), np.asarray(y_mean - coef @ x_mean.astype(np.float64))


def _solve(matrix: Floats, right: Floats, l2: float, dtype: np.dtype) -> Floats:
    """(matrix + l2)^-1 right of a symmetric matrix; directions that rounding cannot tell from nothing are left."""
    values, vectors = np.linalg.eigh(matrix)
    values = values + l2
    kept = values > len(values) * np.finfo(dtype).eps * max(float(values[-1]), 0.0)
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=kept)
    return np.asarray(vectors @ (inverse[:, None] * (vectors.T @ right)))
