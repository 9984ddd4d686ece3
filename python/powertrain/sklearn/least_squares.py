"""Least squares with an L2 penalty, solved from the products of the centred data."""

from __future__ import annotations

import numpy as np

from powertrain.sklearn.tall import Array, Floats, gram


def fit_ridge(x: Array, y: Array, weight: Floats, *, penalty: float, intercept: bool) -> tuple[Floats, Floats]:
    """coef [targets, features] and intercept [targets] that minimize sum(weight (y - x coef - intercept)^2) + penalty
    sum(coef^2); of several that do, the smallest."""
    total = weight.sum()
    targets = y.astype(np.float64)
    x_mean = (weight @ x / total).astype(x.dtype) if intercept else np.zeros(x.shape[1], x.dtype)
    y_mean = weight @ targets / total if intercept else np.zeros(targets.shape[1])
    roots = np.sqrt(weight)[:, None]
    both = np.hstack([(x - x_mean) * roots, (targets - y_mean) * roots]).astype(x.dtype)
    features = x.shape[1]
    if len(x) >= features:
        products = gram(both)
        coef = _solve(products[:features, :features], products[:features, features:], penalty, x.dtype).T
    else:  # as many equations as rows: coef = x^T (x x^T + penalty)^-1 y
        centred, wanted = both[:, :features], both[:, features:].astype(np.float64)
        coef = (centred.T @ _solve(gram(np.ascontiguousarray(centred.T)), wanted, penalty, x.dtype)).T
    return np.asarray(coef, dtype=np.float64), np.asarray(y_mean - coef @ x_mean.astype(np.float64))


def _solve(matrix: Floats, right: Floats, penalty: float, dtype: np.dtype) -> Floats:
    """(matrix + penalty)^-1 right of a symmetric matrix; directions that rounding cannot tell from nothing are left."""
    values, vectors = np.linalg.eigh(matrix)
    values = values + penalty
    kept = values > len(values) * np.finfo(dtype).eps * max(float(values[-1]), 0.0)
    inverse = np.divide(1.0, values, out=np.zeros_like(values), where=kept)
    return np.asarray(vectors @ (inverse[:, None] * (vectors.T @ right)))
