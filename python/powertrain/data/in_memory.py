"""Data sets from what a caller holds in memory: arrays, a data set, a loader, or a DataModule."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import numpy as np

from powertrain.data.dataset import ArrayDataset, as_source
from powertrain.data.errors import DataError
from powertrain.data.loader import DataLoader
from powertrain.data.module import DataModule
from powertrain.data.npy import StoredArray
from powertrain.data.source import Array, Source, check_labels, whole

WANTED = "(x, y), a pt.data.Dataset of pairs, a loader or a DataModule"


def dataset_of(value: Any, name: str = "arrays") -> DataModule:
    """The data set of a pair (x, y), a table of such pairs by part, a pt.data.Dataset of pairs, or a loader of one.

    Whole numbers y [examples] are classes; other numbers are targets of regression.
    """
    if isinstance(value, DataModule):
        return value
    if isinstance(value, Mapping):
        parts = {part: pair_of(one, part) for part, one in value.items()}
    else:
        parts = {"train": pair_of(value, "train")}
    if "train" not in parts:
        raise DataError(
            "data", f"parts {', '.join(parts) or 'of no name'}", "expected train among them", 'pass {"train": (x, y)}'
        )
    y = parts["train"][1]
    if y.dtype.kind in "iub" and y.ndim == 1:
        classes = max(check_labels(one, None, part) for part, (_, one) in parts.items())
        return classification(name, parts, tuple(map(str, range(classes))))
    sources: dict[str, Source] = {part: ArrayDataset(x=x, y=one.astype(np.float32)) for part, (x, one) in parts.items()}
    return DataModule(name, "regression", sources, 1 if y.ndim == 1 else int(np.prod(y.shape[1:])))


def classification(
    name: str, splits: Mapping[str, tuple[Array | StoredArray, Array]], labels: tuple[str, ...]
) -> DataModule:
    """A checked DataModule from (x, class number) arrays by split."""
    sources: dict[str, Source] = {}
    for split, (x, y) in splits.items():
        if x.shape[:1] != y.shape[:1] or x.ndim == 0:
            raise DataError(
                f"{name} {split}", f"{_count(x)} examples and {_count(y)} labels", "expected as many of each",
                "the files do not belong together; fetch them again",
            )  # fmt: skip
        check_labels(y, len(labels), f"{name} {split}")
        sources[split] = ArrayDataset(x=x, y=y.astype(np.int64))
    return DataModule(name, "classification", sources, len(labels), labels)


def _count(array: Array | StoredArray) -> str:
    return f"{len(array):,}" if array.ndim else "a single number of"


def with_part(dataset: DataModule, part: str, value: Any) -> DataModule:
    """A data set with one part more, given as (x, y); of the classes that the data set has."""
    x, y = pair_of(value, part)
    if dataset.kind.classes:
        check_labels(y, dataset.outputs, part)
        y = y.astype(np.int64)
    else:
        y = y.astype(np.float32)
    return dataclasses.replace(dataset, splits={**dataset.splits, part: ArrayDataset(x=x, y=y)})


def pair_of(value: Any, where: str) -> tuple[Array, Array]:
    """Inputs and targets as arrays. Numbers of float64 become float32, in which models compute."""
    if isinstance(value, DataLoader):
        value = as_source(value.dataset)
    if isinstance(value, Source) and not isinstance(value, (tuple, list)):
        value = tuple(whole(value, field) for field in ("x", "y"))
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        count = f" of {len(value)}" if isinstance(value, (tuple, list)) else ""
        raise DataError(where, f"a {type(value).__name__}{count}", f"expected {WANTED}", "pass inputs and targets")
    x, y = array_of(value[0], f"{where} x"), array_of(value[1], f"{where} y")
    if len(x) != len(y):
        raise DataError(
            where, f"{len(x):,} examples and {len(y):,} targets", "expected as many of each", "check the first axes"
        )
    return _narrow(x), _narrow(y)


def array_of(value: Any, where: str) -> Array:
    """Numbers with one row for each example."""
    try:
        array = np.asarray(value)
    except Exception as error:
        raise DataError(
            where, f"a {type(value).__name__}: {error}", "expected an array of numbers", "convert it"
        ) from None
    if array.ndim == 0 or array.dtype.kind not in "fiub":
        raise DataError(
            where, f"{array.dtype}{list(array.shape)}", "expected numbers, one row for each example",
            "number the classes of texts: labels, y = numpy.unique(y, return_inverse=True)",
        )  # fmt: skip
    return array


def _narrow(array: Array) -> Array:
    """Numbers of float64 as float32; what is too large for it becomes an infinity, which the source refuses."""
    with np.errstate(over="ignore"):
        return array.astype(np.float32) if array.dtype == np.float64 else array
