"""What a transform of single numbers does, told so that a batch is chosen and scaled in one pass over its memory."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from powertrain import _core
from powertrain.data.source import Array, Indices

_REPEATED = 1 << 10  # of one number: enough that the loop over a row's parts costs nothing


class Scaling:
    """`(x - subtract) * multiply + add` in float32, of all numbers alike or by feature: what a transform of that form
    has as its `scaling`.

    subtract, multiply, add
                    one number, or an array of the shape of an example

    Example
        >>> Scaling(subtract=1.0, multiply=2.0).rows(np.array([[5, 1], [3, 2]], np.uint8), np.array([1]))
        array([[4., 2.]], dtype=float32)
    """

    def __init__(self, subtract: ArrayLike = 0.0, multiply: ArrayLike = 1.0, add: ArrayLike = -0.0) -> None:
        # Adding -0.0 changes no number, where 0.0 would make 0.0 of -0.0.
        self._parts = tuple(np.asarray(part, dtype=np.float32) for part in (subtract, multiply, add))
        self._numbers: tuple[tuple[int, ...], Array | None] = ((-1,), None)

    def _numbers_of(self, shape: tuple[int, ...]) -> Array | None:
        """What the engine takes for rows of a shape, [3, k]; None where an array does not have this shape."""
        known, numbers = self._numbers  # both at once, since threads share it
        if known != shape:
            numbers = _laid_out(self._parts, shape)
            self._numbers = (shape, numbers)
        return numbers

    def rows(self, table: object, rows: Indices) -> Array | None:
        """The rows of an array, scaled; None where only NumPy can do it: of other dtypes than bytes and float32, or of
        an array that is not row-major."""
        plain = isinstance(table, np.ndarray) and table.dtype in _DTYPES and table.flags.c_contiguous
        if not plain or rows.dtype != np.int64:
            return None
        assert isinstance(table, np.ndarray)
        numbers = self._numbers_of(table.shape[1:])
        if numbers is None:
            return None
        out = np.empty((len(rows), *table.shape[1:]), np.float32)
        # The workers of a loader are beside each other already.
        shared = threading.current_thread() is threading.main_thread()
        _core.scaled_rows(table, np.ascontiguousarray(rows), numbers, out, shared)
        return out


_DTYPES = (np.dtype(np.uint8), np.dtype(np.float32))


def _laid_out(parts: Sequence[Array], shape: tuple[int, ...]) -> Array | None:
    if any(part.size != 1 and part.shape != shape for part in parts):
        return None
    size = _REPEATED if all(part.size == 1 for part in parts) else int(np.prod(shape))
    return np.stack([np.resize(part, size) for part in parts]) if size else None
