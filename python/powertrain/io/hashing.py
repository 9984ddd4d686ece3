"""One SHA-256 over named arrays."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from powertrain.io.array_pieces import raw


def hash_arrays(arrays: Mapping[str, NDArray[Any]]) -> str:
    """The names, dtypes, shapes and bytes of all, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        array = arrays[name]
        shape = ",".join(str(size) for size in array.shape)
        digest.update(f"{name}\0{array.dtype.str}\0{shape}\0".encode())
        digest.update(raw(array))
    return digest.hexdigest()
