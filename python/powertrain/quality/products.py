"""Products of all pairs of rows on the engine, a tile at a time: the whole table would fill the memory."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from powertrain.quality.checks import Array, Floats
from powertrain.solvers.tall import product

ROWS, OTHERS = 1024, 4096


def tiles(x: Array, others: Array) -> Iterator[tuple[slice, slice, Array]]:
    """The products x[rows] @ others[columns].T, the columns of one piece of the rows after each other."""
    for start in range(0, len(x), ROWS):
        rows = slice(start, min(start + ROWS, len(x)))
        for first in range(0, len(others), OTHERS):
            columns = slice(first, min(first + OTHERS, len(others)))
            yield rows, columns, product(x[rows], others[columns].T)


def unit(x: Array) -> tuple[Array, Floats]:
    """Rows of length 1, and how long they were; a row of zeros stays one."""
    lengths = np.sqrt(np.square(x, dtype=np.float64).sum(axis=1))
    return (x / np.where(lengths > 0, lengths, 1.0)[:, None]).astype(x.dtype), lengths
