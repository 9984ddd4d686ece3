"""Whether the test knows what it should not, or training knows the test: repeated rows, groups, time, one feature
that gives the answer away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import evenly_spaced
from powertrain.quality import target_scores
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
    at = evenly_spaced(len(y), MOST_ROWS)
    found = []
    for name, features in columns:
        score = float(target_scores(features[at], y[at], regression=classes is None).max()) if features.size else 0.0
        if score > TELLING:
            how = "explains" if classes is None else "ranks"
            text = f"alone it {how} the target to {score:.1%}; is it known before the target is?"
            found.append(Finding("telling", name, len(y), text))
    return found
