"""A bound of the Hessian of a linear model's loss: its inverse makes ill-scaled features as easy as others."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from powertrain.solvers.tall import Array, Floats, gram

# The bound's matrix has so many rows and columns; above that its inverse costs more than it saves.
MOST_FEATURES = 2048
# It only has to be near: so many rows, evenly spaced, tell it well enough.
BOUND_ROWS = 8192


def bound(
    x: Array, weight: Array, l2: float, columns: int, intercept: bool, curvature: float, intercept_l2: float = 0.0
) -> Callable[[Floats], Floats] | None:
    """Multiplication by the inverse of curvature x^T x / rows + l2, which no Hessian of the loss is above."""
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
    matrix *= curvature / len(rows)
    diagonal = np.arange(features + 1)
    matrix[diagonal[:-1], diagonal[:-1]] += l2
    matrix[-1, -1] += intercept_l2
    # Features that never vary, without a l2, leave it singular: as much as rounding has added anyway.
    matrix[diagonal, diagonal] += np.finfo(x.dtype).eps * max(float(matrix[diagonal, diagonal].max()), 1e-300)
    inverse = np.linalg.inv(matrix)

    def multiply(flat: Floats) -> Floats:
        return np.asarray(inverse @ flat.reshape(features + 1, columns)).ravel()

    return multiply
