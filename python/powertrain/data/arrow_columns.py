"""Columns of pyarrow as NumPy arrays of numbers, or as lists of texts or bytes. Nothing in a file can run code."""

from __future__ import annotations

import functools
from typing import Any, TypeAlias

import numpy as np

from powertrain.data.errors import DataError
from powertrain.data.source import Array

# Earlier versions can unpickle a type that a file defines.
_OLDEST = 17

Column: TypeAlias = "Array | list[Any]"
"""The values of a column: numbers in an array, texts or bytes in a list."""


class ColumnError(ValueError):
    """A column that is no array: what it holds, and the first such row where one can be named."""

    def __init__(self, held: str, row: int | None = None) -> None:
        super().__init__(held if row is None else f"row {row} holds {held}")
        self.held, self.row = held, row


@functools.cache
def arrow(where: str) -> Any:
    """The module pyarrow, in a version that reads strangers' files."""
    fix = "pip install 'powertrain[parquet]'"
    try:
        import pyarrow
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError as error:
        raise DataError(
            where, f"pyarrow cannot be imported ({error})", "expected it, since it reads Parquet and Arrow files", fix
        ) from None
    if int(pyarrow.__version__.partition(".")[0]) < _OLDEST:
        raise DataError(
            where, f"pyarrow {pyarrow.__version__}", f"expected {_OLDEST} or later, which unpickles nothing", fix
        )
    return pyarrow


def column_of(values: Any) -> Column:
    """The values of a chunked array of pyarrow."""
    pa = arrow("columns")
    kind = values.type
    if pa.types.is_dictionary(kind):
        return _named(pa, values)
    if _is_text(pa, kind):
        _demand_all(values)
        return list(values.to_pylist())
    return _numbers(pa, values.combine_chunks())


def _is_text(pa: Any, kind: Any) -> bool:
    types = pa.types
    return any(
        is_kind(kind) for is_kind in (types.is_string, types.is_large_string, types.is_binary, types.is_large_binary)
    )


def _demand_all(values: Any) -> None:
    if values.null_count:
        raise ColumnError("nothing (null)", int(np.argmax(values.is_null().to_numpy(zero_copy_only=False))))


def _named(pa: Any, values: Any) -> Column:
    """Texts that are written as numbers of a list of texts. Each text is made once, however many rows name it."""
    _demand_all(values)
    if not _is_text(pa, values.type.value_type):
        return _numbers(pa, values.cast(values.type.value_type).combine_chunks())
    found: list[Any] = []
    for chunk in values.chunks:
        names = chunk.dictionary.to_pylist()
        found += [names[at] for at in chunk.indices.to_pylist()]
    return found


def _numbers(pa: Any, values: Any) -> Array:
    """An array of pyarrow that holds numbers, or lists of them that are all of one length."""
    kind, types = values.type, pa.types
    _demand_all(values)
    if isinstance(kind, pa.FixedShapeTensorType):
        if kind.permutation not in (None, list(range(len(kind.shape)))):
            raise ColumnError(f"tensors whose axes are permuted ({kind.permutation})")
        return _numbers(pa, values.storage).reshape(len(values), *kind.shape)
    if types.is_fixed_size_list(kind) or types.is_list(kind) or types.is_large_list(kind):
        return _lists(pa, values)
    if not (types.is_integer(kind) or types.is_floating(kind) or types.is_boolean(kind)):
        raise ColumnError(f"values of the type {kind}")
    array: Array = np.array(values.to_numpy(zero_copy_only=False))  # a copy: the file's bytes are not kept
    if array.dtype.kind == "f" and not (finite := np.isfinite(array)).all():
        row = int(np.argmin(finite))
        raise ColumnError("NaN" if np.isnan(array[row]) else "infinity", row)
    return array


def _lists(pa: Any, values: Any) -> Array:
    fixed = pa.types.is_fixed_size_list(values.type)
    lengths = np.full(len(values), values.type.list_size) if fixed else np.asarray(values.value_lengths())
    if len(lengths) and (lengths != lengths[0]).any():
        row = int(np.argmax(lengths != lengths[0]))
        raise ColumnError(f"a list of {lengths[row]} values, and row 0 one of {lengths[0]}", row)
    length = int(lengths[0]) if len(lengths) else 0
    try:
        inner = _numbers(pa, values.flatten())
    except ColumnError as error:
        raise ColumnError(error.held, None if error.row is None else error.row // max(1, length)) from None
    return inner.reshape(len(values), length, *inner.shape[1:])


def joined(columns: list[Column]) -> Column:
    """One column as it is; several as the columns of one array in float32."""
    if len(columns) == 1:
        return columns[0]
    if any(isinstance(one, list) or one.ndim != 1 for one in columns):
        raise ColumnError("texts or lists among columns that become one array")
    return np.stack([np.asarray(one, np.float32) for one in columns], axis=1)


def form_of(column: Column) -> str:
    """What a row of a column is, such as float32[8, 8]."""
    if isinstance(column, list):
        return type(column[0]).__name__ if column else "text"
    return f"{column.dtype}{list(column.shape[1:]) or ''}"
