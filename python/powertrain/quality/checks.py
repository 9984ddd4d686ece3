"""What the functions of this room are given: labels, probabilities of classes, rows of numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.errors import DataError
from powertrain.data.in_memory import array_of
from powertrain.data.source import check_finite, check_labels

Array = NDArray[Any]
Floats = NDArray[np.float64]
Labels = NDArray[np.int64]
Rows = NDArray[np.int64]
# How far the probabilities of a row may be from 1 together: those of float16 are.
ROUNDING = 1e-2


def probabilities(where: str, value: Any) -> Floats:
    """Probabilities [rows, classes] of two classes or more, whose rows add up to 1."""
    found = np.asarray(array_of(value, f"{where} probabilities"), dtype=np.float64)
    if found.ndim != 2 or len(found) == 0 or found.shape[1] < 2:
        raise DataError(
            where, f"probabilities {list(found.shape)}", "expected [rows, classes], two classes or more",
            "of two classes give both columns",
        )  # fmt: skip
    wrong = ~(np.isfinite(found).all(axis=1) & (found >= 0).all(axis=1) & (np.abs(found.sum(axis=1) - 1) <= ROUNDING))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise DataError(
            where, f"row {row} of the probabilities adds up to {found[row].sum():.4g}",
            "expected numbers >= 0 that add up to 1", "pass probabilities, not logits: pt.softmax(logits, axis=1)",
        )  # fmt: skip
    return found


def labelled(where: str, labels: Any, value: Any) -> tuple[Labels, Floats]:
    """The class number and the probabilities of each row."""
    found = probabilities(where, value)
    numbers = array_of(labels, f"{where} labels")
    if numbers.shape != (len(found),):
        raise DataError(
            where, f"labels {list(numbers.shape)} and probabilities {list(found.shape)}",
            "expected a label for each row", "check the first axes",
        )  # fmt: skip
    check_labels(numbers, found.shape[1], f"{where} labels")
    return numbers.astype(np.int64), found


def flat_rows(where: str, value: Any, name: str = "x") -> Array:
    """Finite numbers [rows, features] in float32 or float64; further axes are one with the features."""
    found = array_of(value, f"{where} {name}")
    if len(found) == 0 or found.size == 0:
        raise DataError(where, f"{name} {list(found.shape)}", "expected one row or more", "check the filter")
    found = found.reshape(len(found), -1)
    found = found if found.dtype in (np.float32, np.float64) else found.astype(np.float64)
    check_finite(found, f"{where} {name}")
    return np.ascontiguousarray(found)
