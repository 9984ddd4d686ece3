"""Named arrays as pieces of bytes, without a copy of them: what is hashed and written may be gigabytes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain._core import DTypeError

Arrays = Mapping[str, NDArray[Any]]
Piece = bytes | memoryview
# How safetensors calls them.
DTYPES = {
    "float64": "F64", "float32": "F32", "float16": "F16", "int64": "I64", "int32": "I32", "int16": "I16", "int8": "I8",
    "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL", "complex64": "C64",
}  # fmt: skip


def raw(array: NDArray[Any]) -> memoryview:
    """The bytes of an array in row-major order: its own memory if that is how they lie."""
    return np.asarray(array, order="C").reshape(-1).view(np.uint8).data


def safetensors_pieces(arrays: Arrays) -> list[Piece]:
    """What a safetensors file of these arrays holds, in order: a header, then each array. The wider numbers come first,
    so that each array lies at a multiple of its own width."""
    for name, array in arrays.items():
        if array.dtype.name not in DTYPES:
            raise DTypeError(
                f"[safetensors {name}] received {array.dtype}; expected one of {', '.join(DTYPES)}; convert it, "
                "complex128 to its real and imaginary parts"
            )
    header: dict[str, Any] = {}
    pieces: list[Piece] = []
    end = 0
    for name in sorted(arrays, key=lambda name: (-arrays[name].itemsize, name)):
        array = np.asarray(arrays[name], arrays[name].dtype.newbyteorder("<"))
        begin, end = end, end + array.nbytes
        header[name] = {"dtype": DTYPES[array.dtype.name], "shape": list(array.shape), "data_offsets": [begin, end]}
        pieces.append(raw(array))
    text = json.dumps(header, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return [len(text).to_bytes(8, "little") + text, *pieces]
