"""Products of tall data on the engine, a piece of the rows at a time.

A piece is read from memory once for all that is computed from it, and results of pieces add up in float64, in the order
of the rows: they are the same for any number of threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt

Array = NDArray[Any]
Floats = NDArray[np.float64]

# 1,024 rows of some hundred features lie in a core's cache, and are enough to keep the threads busy.
ROWS = 1024
# A Gram matrix is symmetric: of so many blocks in each direction only those on and above the diagonal are computed.
BLOCKS = 7
GRAM_ROWS = 2048


def rows_of(x: Array) -> int:
    """Rows in a piece: small data are one."""
    return min(ROWS, len(x))


def pieces(*arrays: Array, rows: int) -> Iterator[tuple[Array, ...]]:
    """The same rows of each array, the last piece filled up with zeros, so that one program serves all."""
    for start in range(0, len(arrays[0]), rows):
        yield filled(rows, *(array[start : start + rows] for array in arrays))


def filled(rows: int, *arrays: Array) -> tuple[Array, ...]:
    """Arrays with rows of zeros after their own, so many in all."""
    short = rows - len(arrays[0])
    if not short:
        return arrays
    return tuple(np.concatenate([array, np.zeros((short, *array.shape[1:]), array.dtype)]) for array in arrays)


def add_up(function: Callable[..., Any], *arrays: Array) -> tuple[Floats, ...]:
    """The sums over the pieces of what a compiled function gives; it must give nothing for rows of zeros."""
    totals: list[Floats] = []
    for piece in pieces(*arrays, rows=rows_of(arrays[0])):
        parts = [tensor.numpy().astype(np.float64) for tensor in function(*piece)]
        totals = parts if not totals else [total + part for total, part in zip(totals, parts, strict=True)]
    return tuple(totals)


def each_row(function: Callable[..., Any], *arrays: Array) -> list[Array]:
    """What a compiled function gives for each row, put together again."""
    count = len(arrays[0])
    made: list[list[Array]] = []
    for piece in pieces(*arrays, rows=rows_of(arrays[0])):
        made.append([np.array(tensor.numpy()) for tensor in function(*piece)])
    return [np.concatenate(parts)[:count] for parts in zip(*made, strict=True)]


def product(x: Array, matrix: Array) -> Array:
    """x @ matrix."""
    times = pt.compile(lambda piece, right: (pt.matmul(piece, right),))
    right = np.ascontiguousarray(matrix, dtype=x.dtype)
    return each_row(lambda piece: times(piece, right), x)[0]


def gram(x: Array, centre: Array | None = None) -> Floats:
    """(x - centre)^T (x - centre) in float64, from products in the dtype of x."""
    count, features = x.shape
    width = -(-features // BLOCKS) if features >= 64 * BLOCKS else features
    starts = range(0, features, width)
    # Each block has a program of its own, since each has its own shape.
    programs = [pt.compile(_transposed_times) for _ in starts]
    total = np.zeros((features, features))
    for at in range(0, count, GRAM_ROWS):
        rows = x[at : at + GRAM_ROWS]
        rows = rows if centre is None else rows - centre
        (piece,) = filled(min(GRAM_ROWS, count), rows)
        for start, times in zip(starts, programs, strict=True):
            end = start + width
            total[start:end, start:] += times(piece[:, start:end], piece[:, start:]).numpy()
    lower = np.tril_indices(features, -1)
    total[lower] = total.T[lower]
    return total


def _transposed_times(left: Any, right: Any) -> Any:
    return pt.matmul(pt.transpose(left), right)


def means(x: Array) -> Array:
    """The mean of each column, in the dtype of x."""
    total = add_up(pt.compile(lambda piece: (pt.sum(piece, axis=0),)), x)[0]
    return np.asarray(total / len(x)).astype(x.dtype)
