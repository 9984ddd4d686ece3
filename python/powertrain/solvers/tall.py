"""Products and sums of tall data on the engine, a piece of the rows at a time.

A piece is read from memory once for all that is computed from it. Results of pieces add up in float64, in the order of
the rows, so they are the same for any number of threads.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt

Array = NDArray[Any]
Floats = NDArray[np.float64]

# 1,024 rows of some hundred features lie in a core's cache, and are enough to keep the threads busy.
ROWS = 1024
GRAM_ROWS = 4096
# Narrow blocks leave out more of the other half, and are still a few tiles wide.
GRAM_COLUMNS = 64
# The names that OpenBLAS gives to processors for which it has kernels of AVX-512.
OPENBLAS_WITH_AVX512 = {"SkylakeX", "Cooperlake", "SapphireRapids"}
# Sums of products lose the digits of a spread that is small beside its distance from zero: such data are centred first.
FAR = 4.0


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
    return np.asarray(pt.matmul(x, np.ascontiguousarray(matrix, dtype=x.dtype)).numpy())


def gram(x: Array, centre: Array | None = None) -> Floats:
    """(x - centre)^T (x - centre) in float64, from products in the dtype of x.

    Where the engine has AVX-512 and NumPy's BLAS does not, on the engine; else NumPy's, which sees that the result is
    symmetric too. 60,000 x 784 on two threads: of a Zen 5, for which OpenBLAS keeps to AVX2, 0.104 s on the engine and
    0.172 s (the engine with AVX2: 0.185 s); of a Xeon 0.57 s and 0.23 s.
    """
    if gram_is_ours():
        return gram_by_halves(x, centre)
    total = np.zeros((x.shape[1], x.shape[1]))
    for start in range(0, len(x), GRAM_ROWS):
        rows = x[start : start + GRAM_ROWS]
        rows = rows if centre is None else rows - centre
        total += rows.T @ rows
    return total


def gram_is_ours() -> bool:
    """Whether `gram` is computed on the engine."""
    return pt.isa() == "avx512" and not blas_has_avx512()


@functools.cache
def blas_has_avx512() -> bool:
    """Whether NumPy's BLAS computes in AVX-512. Without threadpoolctl, which says so, its products are good enough."""
    try:
        from threadpoolctl import threadpool_info
    except ImportError:
        return True
    return any(library.get("architecture") in OPENBLAS_WITH_AVX512 for library in threadpool_info())


def gram_by_halves(x: Array, centre: Array | None = None) -> Floats:
    """`gram` on the engine: of each block of columns the products with those from it on. A piece of the rows is centred
    and multiplied while it is in the cache, and added to the sums where its products are."""
    features = x.shape[1]
    starts = range(0, features, GRAM_COLUMNS)
    rows = min(GRAM_ROWS, len(x))

    @pt.compile
    def add(piece: Any, *sums: Any) -> tuple[Any, ...]:
        moved = piece if centre is None else piece - centre
        turned = pt.permute_dims(moved, (1, 0))
        return tuple(
            total + pt.astype(pt.matmul(turned[at:], moved[:, at : at + GRAM_COLUMNS]), "float64")
            for at, total in zip(starts, sums, strict=True)
        )

    sums = tuple(pt.tensor(np.zeros((features - at, min(GRAM_COLUMNS, features - at)))) for at in starts)
    for start in range(0, len(x), rows):
        piece = x[start : start + rows]
        if len(piece) < rows:  # what is added lies at the centre, where it counts for nothing
            empty = np.zeros((1, features), x.dtype) if centre is None else centre[None]
            piece = np.concatenate([piece, np.repeat(empty, rows - len(piece), axis=0)])
        sums = add(piece, *sums)
    whole = np.empty((features, features))
    for at, total in zip(starts, sums, strict=True):
        whole[at:, at : at + GRAM_COLUMNS] = total.numpy()
        whole[at : at + GRAM_COLUMNS, at:] = total.numpy().T
    return whole


@dataclass
class Moments:
    """The mean of each column, in the dtype of x, and the mean of all variances."""

    mean: Array
    variance: float

    @property
    def far(self) -> bool:
        """Whether x lies so far from zero that it has to be centred before it is squared."""
        return float(np.square(self.mean, dtype=np.float64).mean()) > FAR * self.variance


def sampled_moments(x: Array) -> Moments:
    """The exact mean, in a quick pass; the variance by some rows, which tells whether x lies far from zero."""
    mean = add_up(pt.compile(lambda piece: (pt.sum(piece, axis=0),)), x)[0] / len(x)
    rows = np.linspace(0, len(x) - 1, min(len(x), ROWS)).astype(np.int64)
    return Moments(mean.astype(x.dtype), moments(x[rows]).variance)


def moments(x: Array) -> Moments:
    """In one pass, with sums of each piece about its own mean, so that no digits are lost (Chan et al. 1979)."""
    centred = pt.compile(_about_its_mean)
    count, mean, squared = 0, np.zeros(x.shape[1]), 0.0
    for start in range(0, len(x), ROWS):
        piece = x[start : start + ROWS]
        its_mean, its_squared = (tensor.numpy().astype(np.float64) for tensor in centred(piece))
        apart, total = its_mean - mean, count + len(piece)
        squared += float(its_squared.sum()) + float(apart @ apart) * count * len(piece) / total
        mean, count = mean + apart * (len(piece) / total), total
    return Moments(mean.astype(x.dtype), squared / x.size)


def _about_its_mean(x: Any) -> tuple[Any, Any]:
    mean = pt.mean(x, axis=0)
    return mean, pt.sum(pt.square(x - mean), axis=0)
