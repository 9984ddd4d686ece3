"""What a table looks like to who chooses a model for it: its target, columns that give it away, row numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from powertrain_tabular.cleaning import different_wholes
from powertrain_tabular.encoding import skewness
from powertrain_tabular.frame import PLURAL, Column, Frame

IMBALANCED = 0.4  # of an equal share: where the rarest class has less, accuracy hides it
SKEWED = 1.0
DENSE = 1.5  # whole numbers up to the largest, for each row
SAME = 1 - 1e-9  # of a correlation: float64 leaves nothing else
SHOWN = 5


@dataclass(frozen=True)
class Target:
    """What is predicted, in words, and the measure that suits it."""

    words: str
    metric: str
    why: str  # the metric is that one
    skewed: bool = False


def of_classes(names: Sequence[str], labels: Sequence[str]) -> Target:
    """Classes with their shares, the most frequent first; `names` are those of the rows."""
    counts = dict(zip(*np.unique(np.asarray(names, dtype=str), return_counts=True), strict=True))
    ordered = sorted(labels, key=lambda label: (-counts[label], label))
    shares = [float(counts[label]) / len(names) for label in ordered]
    shown = ", ".join(f"{label} {share:.1%}" for label, share in zip(ordered[:SHOWN], shares, strict=False))
    more = f" and {len(labels) - SHOWN:,} more, the rarest {shares[-1]:.2%}" if len(labels) > SHOWN else ""
    words = f"{len(labels):,} classes: {shown}{more}"
    if shares[-1] >= IMBALANCED / len(labels):
        return Target(words, "accuracy", "the classes are of similar size")
    if len(labels) == 2:
        why = f"only {shares[-1]:.1%} are {ordered[-1]}, so that always saying {ordered[0]} would be accurate"
        return Target(words, "auc", why)
    why = "some classes are much rarer than others, and each of them counts alike"
    return Target(words, "balanced-accuracy", why)


def of_numbers(column: Column) -> Target:
    """Numbers with their range and skewness."""
    values = column.values
    low, middle, high = (float(value) for value in np.quantile(values, [0, 0.5, 1]))
    skew = skewness(values)
    words = f"numbers from {low:,.6g} to {high:,.6g}, median {middle:,.6g}, skewness {skew:.1f}"
    if skew > SKEWED and low >= 0:
        why = "a few large values would decide a mean of squares; models learn log(1 + y)"
        return Target(words, "mae", why, skewed=True)
    return Target(words, "rmse", "large errors count more than small ones")


def kinds(frame: Frame, hidden: Sequence[str]) -> str:
    """`12 columns: 8 of numbers, 4 of categories; 3.1 % of the cells are missing`."""
    columns = [column for name, column in frame.columns.items() if name not in hidden]
    found = [column.kind for column in columns]
    of = ", ".join(f"{found.count(kind)} of {PLURAL[kind]}" for kind in dict.fromkeys(found))
    gaps = float(np.mean([column.missing.mean() for column in columns])) if columns else 0.0
    return f"{len(columns):,} columns: {of}; {gaps:.1%} of the cells are missing"


def useless(frame: Frame, target: str, hidden: Sequence[str], classify: bool) -> dict[str, str]:
    """Columns that a model must not learn from, by what gives them away: copies of the target, row numbers."""
    found = {}
    for name, column in frame.columns.items():
        if name == target or name in hidden:
            continue
        if _copies(column, frame[target], classify):
            found[name] = f"it says the same as {target} in every row; is it known before {target} is?"
        elif _numbered(column):
            found[name] = "it numbers the rows"
    return found


def _copies(column: Column, target: Column, classify: bool) -> bool:
    """Whether each of its values stands beside one value of the target, and the other way round; of numbers, whether a
    line goes through all of them."""
    if column.missing.any():
        return False
    if not classify:
        if column.kind != "number" or column.values.min() == column.values.max():
            return False
        with np.errstate(over="ignore", invalid="ignore"):
            return bool(abs(np.corrcoef(column.values, target.values)[0, 1]) >= SAME)
    mine, theirs = _codes(column), _codes(target)
    pairs = len(np.unique(np.stack([mine, theirs]), axis=1)[0])
    return bool(pairs == mine.max() + 1 == theirs.max() + 1)


def _codes(column: Column) -> NDArray[np.int64]:
    values = column.values.astype(str) if column.kind == "category" else column.values
    return np.unique(values, return_inverse=True)[1].astype(np.int64)


def _numbered(column: Column) -> bool:
    """Whether all values are different whole numbers with few between them: some numbers are those of other rows."""
    values = column.values
    return different_wholes(column) and float(values.max() - values.min()) < DENSE * len(values)
