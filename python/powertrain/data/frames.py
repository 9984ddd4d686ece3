"""Data frames of pandas, polars and pyarrow as arrays of numbers: columns go by their names, rows by their places."""

from __future__ import annotations

from typing import Any

import numpy as np

from powertrain.data.errors import DataError
from powertrain.data.source import Array


def _all_names(value: Any) -> tuple[Any, ...]:
    """The names of the columns of a data frame, numbers too; none of what has no columns."""
    # Those of pandas and polars are `columns`; of pyarrow these are arrays, and names are `column_names`.
    found = getattr(value, "columns", None)
    if found is not None and not hasattr(value, "iloc"):
        found = getattr(value, "column_names", found)
    return () if found is None or not hasattr(value, "__array__") else tuple(found)


def _are_numbers(names: tuple[Any, ...]) -> bool:
    return all(isinstance(name, (int, np.integer)) for name in names)


def column_names(value: Any) -> tuple[str, ...]:
    """The names of the columns of a data frame; none of an array, or where they are 0, 1, 2, ..., as of a frame that
    was made without names."""
    names = _all_names(value)
    if _are_numbers(names) and names == tuple(range(len(names))):
        return ()
    return tuple(map(str, names))


def in_order(value: Any, names: tuple[str, ...], where: str) -> Any:
    """The columns of a data frame in the order in which training had them; others are left out. An array as it is."""
    raw = _all_names(value)
    given = tuple(map(str, raw))
    twice = next((name for name in given if given.count(name) > 1), None)
    if twice is not None:
        raise DataError(
            where, f"two columns {twice}", "expected a name for each column", "rename one, or leave one out"
        )
    numbered = tuple(map(str, range(len(given))))
    if not names and _are_numbers(raw) and set(given) == set(numbered):
        names = numbered  # a frame without names, whose columns were moved
    if not names or not given or given == names:
        return value
    lacking = [name for name in names if name not in given]
    if lacking and not column_names(value):
        return value  # without names of its own
    if lacking:
        raise DataError(
            where, f"columns {', '.join(given[:12])}", f"expected {', '.join(names[:12])}",
            f"give the column {lacking[0]}",
        )  # fmt: skip
    order = [given.index(name) for name in names]
    if hasattr(value, "iloc"):
        return value.iloc[:, order]
    return value.select(order) if hasattr(value, "column_names") else value[:, order]  # pyarrow, polars


def demand_same_rows(x: Any, other: Any, where: str, what: str) -> None:
    """Refuse targets or weights of pandas whose index has the rows of x in another order: they would be matched by
    place, and belong to other rows."""
    ours: Any = getattr(x, "index", None)
    theirs: Any = getattr(other, "index", None)
    if not (hasattr(ours, "get_indexer") and hasattr(theirs, "get_indexer")):  # of pandas
        return
    if len(ours) != len(theirs) or ours.equals(theirs) or not (ours.is_unique and theirs.is_unique):
        return
    places = theirs.get_indexer(ours)
    if (places >= 0).all() and (places != np.arange(len(places))).any():
        row = int(np.flatnonzero(places != np.arange(len(places)))[0])
        raise DataError(
            where, f"{what} whose index has the rows of x in another order, {theirs[row]!r} in row {row:,} and not "
            f"{ours[row]!r}", "expected one order, since rows are matched by place",
            f"write {what}.loc[x.index], or {what}.to_numpy() if they are in order",
        )  # fmt: skip


def demand_no_gaps(gaps: Array, words: str, where: str, fix: str) -> None:
    """Refuse values that are marked as missing, by the first row that has one."""
    if gaps.any():
        rows = np.flatnonzero(gaps.reshape(len(gaps), -1).any(axis=1))
        raise DataError(
            where, f"{words} in {len(rows):,} of {len(gaps):,} rows, such as row {rows[0]:,}",
            "expected a number everywhere", fix,
        )  # fmt: skip


def of_nullable(value: Any, array: Array, where: str) -> Array:
    """The numbers of a pandas series or frame of dtypes that may have gaps, such as Int64 and boolean."""
    kinds = {getattr(dtype, "kind", "O") for dtype in (value.dtypes if array.ndim == 2 else [value.dtype])}
    if not kinds <= set("fiub"):
        return array
    demand_no_gaps(
        np.asarray(value.isna()),
        "gaps (NA)",
        where,
        "fill them, such as frame.fillna(0), or leave the rows out: frame.dropna()",
    )
    made: Array = value.to_numpy(dtype=np.bool_ if kinds == {"b"} else np.float64 if "f" in kinds else np.int64)
    return made
