"""How much a single column says of the target: one that says all of it is hardly ever known beforehand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from powertrain.data.errors import DataError
from powertrain.data.in_memory import array_of
from powertrain.quality.checks import Floats, flat_rows

if TYPE_CHECKING:
    from powertrain.typing import TensorLike


def target_scores(x: TensorLike, y: TensorLike, *, regression: bool = False) -> Floats:
    """Score how well each column alone tells the target, from 0 to 1; near 1 it probably leaks it.

    Of classes it is the largest area under the ROC curve of one class against the others, whichever way the column
    points (0.5: nothing); of numbers the share of the variance that a line explains. A column that never varies has 0.

    Shapes    x [rows, columns], y [rows] -> [columns], float64
    Example
        >>> x = np.array([[0.0, 3.0], [1.0, 1.0], [2.0, 2.0], [3.0, 0.0]])
        >>> pt.quality.target_scores(x, [0, 0, 1, 1]).tolist()
        [1.0, 0.75]
    """
    where = "target_scores"
    columns, target = flat_rows(where, x), array_of(y, f"{where} y")
    if target.shape != (len(columns),):
        raise DataError(
            where, f"y {list(target.shape)} for {len(columns):,} rows", "expected one target for each", "check y"
        )
    if regression:
        return _explained(columns.astype(np.float64), target.astype(np.float64))
    classes = [target == one for one in np.unique(target)]
    return np.array([max(area(columns[:, at], one) for one in classes) for at in range(columns.shape[1])])


def _explained(x: Floats, y: Floats) -> Floats:
    x, y = x - x.mean(axis=0), y - y.mean()
    scale = np.square(x).sum(axis=0) * np.square(y).sum()
    found = np.divide(np.square(y @ x), scale, out=np.zeros(x.shape[1]), where=scale > 0)
    return np.asarray(found)


def area(values: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    """The area under the curve of one feature, whichever way it points; ties count half. 0 of one that never varies."""
    count = int(positive.sum())
    if count in (0, len(values)) or values.min() == values.max():
        return 0.0
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    u = float(ranks[positive].sum()) - count * (count + 1) / 2
    share = u / (count * (len(values) - count))
    return max(share, 1 - share)
