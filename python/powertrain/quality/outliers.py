"""How far each row is from the others: scores of outliers."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from powertrain.data.errors import DataError, demand_choice
from powertrain.errors.arguments import shown
from powertrain.quality.checks import Array, Floats, flat_rows
from powertrain.quality.products import tiles

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

METHODS = ("knn", "mahalanobis")


def outlier_scores(x: TensorLike, method: str = "knn", *, neighbours: int = 10, scale: bool = True) -> Floats:
    """Score how far each row is from the others; the largest scores are outliers.

    method      "knn": the mean distance to the nearest `neighbours` other rows, from the products of all pairs on the
                engine; "mahalanobis": the distance from the mean in deviations of the columns, with their correlations
    scale       divide each column by its standard deviation first; "mahalanobis" does not depend on it
    Shapes      x [rows, ...] -> [rows], float64
    Errors      numbers that are not finite, fewer rows than neighbours + 1: DataError
    Source      Ramaswamy, Rastogi and Shim 2000; Mahalanobis 1936
    Example
        >>> x = np.array([[0.0, 0.1], [0.1, 0.0], [0.0, 0.0], [5.0, 5.0]])
        >>> int(pt.quality.outlier_scores(x, neighbours=2).argmax())
        3
    """
    where = "outlier_scores"
    demand_choice(where, "method", method, METHODS)
    rows = flat_rows(where, x)
    if method == "mahalanobis":
        return _mahalanobis(rows)
    if not isinstance(neighbours, int) or not 1 <= neighbours < len(rows):
        raise DataError(
            where, f"neighbours = {shown(neighbours)} of {len(rows):,} rows", "expected 1 or more, and fewer than rows",
            "10 is usual",
        )  # fmt: skip
    moved = rows - rows.mean(axis=0, dtype=np.float64).astype(rows.dtype)
    if scale:
        spread = moved.std(axis=0, dtype=np.float64)
        moved = (moved / np.where(spread > 0, spread, 1.0)).astype(rows.dtype)
    return _to_neighbours(moved, neighbours)


def _to_neighbours(x: Array, count: int) -> Floats:
    """The mean distance to the nearest rows. Squares of distances are |a|^2 + |b|^2 - 2 a b, of rows about the mean."""
    squares = np.square(x, dtype=np.float64).sum(axis=1)
    nearest = np.full((len(x), count), np.inf)
    for here, there, products in tiles(x, x):
        apart = squares[here, None] + squares[there] - 2 * products.astype(np.float64)
        own = np.arange(max(here.start, there.start), min(here.stop, there.stop))
        apart[own - here.start, own - there.start] = np.inf
        both = np.concatenate([nearest[here], apart], axis=1)
        nearest[here] = np.partition(both, count - 1, axis=1)[:, :count]
    return np.asarray(np.sqrt(np.maximum(nearest, 0)).mean(axis=1))


def _mahalanobis(x: Array) -> Floats:
    moved = x - x.mean(axis=0, dtype=np.float64)
    # The pseudo-inverse: columns that depend on others, or never vary, add nothing.
    inverse = np.linalg.pinv(moved.T @ moved / len(moved), hermitian=True)
    return np.asarray(np.sqrt(np.maximum(np.einsum("ij,jk,ik->i", moved, inverse, moved, optimize=True), 0)))
