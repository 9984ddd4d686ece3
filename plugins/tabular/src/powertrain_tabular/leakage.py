"""Whether the test knows what it should not, or training knows the test: repeated rows, groups, time, one feature
that gives the answer away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain_tabular.cleaning import Finding, row_keys
from powertrain_tabular.frame import Column, Frame
from powertrain_tabular.splits import Split

# A single column that ranks the classes, or explains the target, this well is hardly ever known beforehand.
TELLING = 0.995
MOST_ROWS = 20_000


def leaks(
    frame: Frame,
    rows: Mapping[str, NDArray[np.int64]],
    split: Split,
    order: Column | None,
    columns: Sequence[tuple[str, Any]],
    y: NDArray[Any],
    classes: int | None,
) -> list[Finding]:
    """`frame` without the target; `columns` the features of each column of the training rows, and y their targets."""
    found: list[Finding] = []
    keys = row_keys(frame)
    for part in rows:
        if part == "train":
            continue
        shared = int(np.isin(keys[rows[part]], keys[rows["train"]]).sum())
        if shared:
            found.append(Finding("shared-rows", "", shared, f"{shared:,} rows of {part} have a twin in train"))
    if split.by == "time" and order is not None:
        found += _time(order, rows, split.column)
    found += _telling(columns, y, classes)
    return found


def _time(order: Column, rows: Mapping[str, NDArray[np.int64]], name: str) -> list[Finding]:
    """Rows of the moment at which the parts are cut are on both sides."""
    last = order.values[rows["train"]].max()
    both = sum(int((order.values[found] <= last).sum()) for part, found in rows.items() if part != "train")
    return [Finding("same-time", name, both, f"{both:,} held-out rows are of the last moment of train")] if both else []


def _telling(columns: Sequence[tuple[str, Any]], y: NDArray[Any], classes: int | None) -> list[Finding]:
    at = np.linspace(0, len(y) - 1, min(len(y), MOST_ROWS)).astype(np.int64)
    found = []
    for name, features in columns:
        score = max((_score(features[at, each], y[at], classes) for each in range(features.shape[1])), default=0.0)
        if score > TELLING:
            how = "explains" if classes is None else "ranks"
            text = f"alone it {how} the target to {score:.1%}; is it known before the target is?"
            found.append(Finding("telling", name, len(y), text))
    return found


def _score(feature: NDArray[Any], y: NDArray[Any], classes: int | None) -> float:
    """The share of variance explained by a line, or how well the feature ranks a class (area under the curve)."""
    values = feature.astype(np.float64)
    if values.min() == values.max():
        return 0.0
    if classes is None:
        return float(np.corrcoef(values, y.astype(np.float64))[0, 1] ** 2) if y.min() < y.max() else 0.0
    return max((area(values, y == number) for number in np.unique(y)), default=0.0)


def area(values: NDArray[Any], positive: NDArray[np.bool_]) -> float:
    """The area under the curve of one feature, whichever way it points; ties count half."""
    count = int(positive.sum())
    if count in (0, len(values)):
        return 0.0
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[inverse]
    u = float(ranks[positive].sum()) - count * (count + 1) / 2
    share = u / (count * (len(values) - count))
    return max(share, 1 - share)
