"""What the functions of this room are given: two classes, groups, weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.errors import DataError
from powertrain.data.in_memory import array_of
from powertrain.data.source import example_weights

Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
# Groups with names are compared in pairs; a column with more values is no group of people.
MOST_GROUPS = 100


def two_classes(where: str, name: str, value: Any) -> Bools:
    """Whether each row is of class 1."""
    found = array_of(value, f"{where} {name}")
    if found.ndim != 1 or len(found) == 0 or not np.isin(found, (0, 1)).all():
        raise DataError(
            where, f"{name} {found.dtype}{list(found.shape)}", "expected 0 or 1 for each row, one row or more",
            f"write 1 for the outcome that is wanted: {name} == wanted",
        )  # fmt: skip
    return found.astype(np.bool_)


def grouped(where: str, value: Any, rows: int) -> tuple[Numbers, list[str]]:
    """The number of each row's group, and their names in order."""
    found = np.asarray(value)
    if found.shape != (rows,) or found.dtype.kind not in "fiubUO":
        raise DataError(
            where, f"sensitive_features {found.dtype}{list(found.shape)}",
            f"expected a group for each of {rows:,} rows",
            "of several columns make one: [f'{a} {b}' for a, b in zip(first, second)]",
        )  # fmt: skip
    if found.dtype.kind == "f" and not np.isfinite(found).all():
        raise DataError(
            where, "a gap in sensitive_features", "expected a group for each row", "name the gap as a group"
        )
    names, codes = np.unique(found.astype(str), return_inverse=True)
    if len(names) > MOST_GROUPS:
        raise DataError(
            where, f"sensitive_features has {len(names):,} values", f"expected at most {MOST_GROUPS} groups",
            "cut numbers into ranges: numpy.digitize(age, [30, 50])",
        )  # fmt: skip
    return codes.astype(np.int64).ravel(), [str(name) for name in names]


def weights(where: str, value: Any, rows: int) -> Floats:
    """The weight of each row: ones where none are given."""
    if value is None:
        return np.ones(rows)
    found = array_of(value, f"{where} sample_weight")
    if found.shape != (rows,):
        raise DataError(
            where, f"sample_weight {list(found.shape)}", f"expected one for each of {rows:,} rows", "check its length"
        )
    example_weights(found)
    return found.astype(np.float64)
