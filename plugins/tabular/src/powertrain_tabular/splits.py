"""Which rows are for training, validation and test: at random, with equal shares, by group, by time, in folds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError, permutation, split_ordered, split_random, split_stratified
from powertrain.plugin import param
from powertrain_tabular.frame import Column

Rows = NDArray[np.int64]
BINS = 10  # into which a number is cut, so that its parts can have equal shares


@dataclass(frozen=True, kw_only=True)
class Split:
    """The [data.split] table of a recipe whose data is a table."""

    by: str = param("random", choices=("random", "stratify", "group", "time"), doc="how rows are dealt out")
    valid: float = param(0.0, low=0, below=1, doc="share that is watched during training")
    test: float = param(0.0, low=0, below=1, doc="share that is looked at once, after training")
    column: str = param("", doc="column of the groups that stay together, or of the time")
    folds: int | None = param(None, low=2, high=100, doc="cut into so many test parts instead of `test`")
    fold: int = param(0, low=0, doc="the test part of this run, from 0 on")
    seed: int = param(0, low=0, doc="chooses the rows")

    def __post_init__(self) -> None:
        if self.valid + self.test >= 1:
            raise ValueError(
                f"received valid {self.valid:g} and test {self.test:g}; expected less than 1 together; lower one"
            )
        if self.by in ("group", "time") and not self.column:
            raise ValueError(f'received by = "{self.by}" without a column; expected one; add column = ...')
        if self.folds is not None and (self.fold >= self.folds or self.test):
            raise ValueError(
                f"received folds {self.folds}, fold {self.fold} and test {self.test:g}; expected a fold below folds, "
                "and no test; the fold is the test part"
            )


def split_rows(split: Split, target: Column, order: Column | None, where: str) -> dict[str, Rows]:
    """Rows by part, ascending; parts of no share are left out. `order` is the column that the split names."""
    count = len(target.values)
    if split.folds is not None:
        return _folds(split, target, order, where)
    shares = {part: share for part, share in (("valid", split.valid), ("test", split.test)) if share > 0}
    if not shares:
        return {"train": np.arange(count, dtype=np.int64)}
    if split.by == "time":
        assert order is not None
        in_time = _by_time(order, where, split.column)
        return {part: np.sort(in_time[rows]) for part, rows in split_ordered(count, shares).items()}
    if split.by == "group":
        assert order is not None
        groups = _numbers(order)
        dealt = split_random(int(groups.max()) + 1, shares, split.seed)
        return {part: np.flatnonzero(np.isin(groups, chosen)).astype(np.int64) for part, chosen in dealt.items()}
    if split.by == "stratify":
        return split_stratified(_numbers(target), shares, split.seed)
    return split_random(count, shares, split.seed)


def _folds(split: Split, target: Column, order: Column | None, where: str) -> dict[str, Rows]:
    assert split.folds is not None
    count, folds = len(target.values), split.folds
    if count < 2 * folds:
        raise DataError(where, f"{folds} folds of {count} rows", "expected two rows or more in each", "lower folds")
    if split.by == "time":  # what comes later is tested; what came before it is learned
        assert order is not None
        in_time = _by_time(order, where, split.column)
        edges = np.linspace(0, count, folds + 2).astype(int)
        train, test = in_time[: edges[split.fold + 1]], in_time[edges[split.fold + 1] : edges[split.fold + 2]]
        return _parts(train, test, split, ordered=True)
    if split.by == "group":
        assert order is not None
        groups = _numbers(order)
        chosen = permutation(int(groups.max()) + 1, split.seed)[split.fold :: folds]
        inside = np.isin(groups, chosen)
        kept = np.unique(groups[~inside])
        learned = np.flatnonzero(~inside).astype(np.int64)
        parts = {"train": learned, "test": np.flatnonzero(inside).astype(np.int64)}
        if split.valid > 0:
            dealt = split_random(len(kept), {"valid": split.valid}, split.seed)
            watched = np.isin(groups[learned], kept[dealt["valid"]])
            parts = {"train": learned[~watched], "valid": learned[watched], "test": parts["test"]}
        return parts
    rows = permutation(count, split.seed)
    if split.by == "stratify":
        rows = rows[np.argsort(_numbers(target)[rows], kind="stable")]
    inside = np.zeros(count, dtype=bool)
    inside[rows[split.fold :: folds]] = True
    train, test = np.flatnonzero(~inside).astype(np.int64), np.flatnonzero(inside).astype(np.int64)
    return _parts(train, test, split, labels=_numbers(target) if split.by == "stratify" else None)


def _parts(train: Rows, test: Rows, split: Split, labels: Any = None, ordered: bool = False) -> dict[str, Rows]:
    """Training rows with a validation part taken off."""
    if split.valid == 0:
        return {"train": np.sort(train), "test": np.sort(test)}
    shares = {"valid": split.valid}
    if ordered:
        dealt = split_ordered(len(train), shares)
    elif labels is not None:
        dealt = split_stratified(labels[train], shares, split.seed)
    else:
        dealt = split_random(len(train), shares, split.seed)
    return {"train": np.sort(train[dealt["train"]]), "valid": np.sort(train[dealt["valid"]]), "test": np.sort(test)}


def _by_time(order: Column, where: str, name: str) -> Rows:
    if order.missing.any():
        row = int(np.flatnonzero(order.missing)[0])
        raise DataError(where, f"no {name} in row {row}", "expected a time in every row", "fill or drop those rows")
    return np.argsort(order.values, kind="stable").astype(np.int64)


def _numbers(column: Column) -> NDArray[np.int64]:
    """A number for each value; of numbers with many values, for each of ten bins with as many rows."""
    if column.kind == "category":
        texts = np.array(["" if value is None else value for value in column.values], dtype=str)
        return np.unique(texts, return_inverse=True)[1].astype(np.int64)
    values = np.nan_to_num(column.values, nan=-np.inf)
    found, numbers = np.unique(values, return_inverse=True)
    if len(found) > 2 * BINS and not _whole(found):
        return (np.argsort(np.argsort(values, kind="stable"), kind="stable") * BINS // len(values)).astype(np.int64)
    return numbers.astype(np.int64)


def _whole(values: Any) -> bool:
    finite = values[np.isfinite(values)]
    return bool((finite == np.round(finite)).all())
