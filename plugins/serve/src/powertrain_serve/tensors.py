"""Tensors of the Open Inference Protocol: as JSON, and as bytes behind the JSON (its binary extension).

https://github.com/open-inference/open-inference-protocol
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from powertrain_serve.errors import RefusedError
from powertrain_serve.model import Array

# Names of the protocol, and what they are here. Bytes are little-endian. BYTES are texts.
DTYPES: Mapping[str, Any] = {
    "BOOL": np.dtype(np.bool_),
    **{f"UINT{bits}": np.dtype(f"<u{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": np.dtype(f"<i{bits // 8}") for bits in (8, 16, 32, 64)},
    **{f"FP{bits}": np.dtype(f"<f{bits // 8}") for bits in (16, 32, 64)},
}
NAMES = {dtype.newbyteorder("="): name for name, dtype in DTYPES.items()}
KNOWN = (*DTYPES, "BYTES")
_MOST_AXES = 8
_MOST_SIZE = 1 << 40


@dataclass(frozen=True)
class Tensor:
    """A named tensor; texts are an array of objects."""

    name: str
    datatype: str
    values: Array


def read(entry: Any, binary: memoryview) -> tuple[Tensor, memoryview]:
    """The tensor of an entry of `inputs`, and what is left of the bytes behind the JSON."""
    if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
        raise RefusedError(400, "an input without a name; expected name, shape, datatype and data; give them")
    where = f"input {entry['name'][:80]!r}"
    datatype, shape = entry.get("datatype"), _shape(entry.get("shape"), where)
    if datatype not in KNOWN:
        raise RefusedError(
            400, f"{where} of datatype {str(datatype)[:40]!r}; expected one of {', '.join(KNOWN)}; change it"
        )
    parameters = entry.get("parameters", {})
    size = parameters.get("binary_data_size") if isinstance(parameters, dict) else None
    if size is None:
        if "data" not in entry:
            raise RefusedError(
                400, f"{where} without data; expected data, or parameters.binary_data_size; give one of them"
            )
        return Tensor(entry["name"], datatype, _of_json(entry["data"], datatype, shape, where)), binary
    if "data" in entry:
        raise RefusedError(400, f"{where} with data and binary_data_size; expected one of them; leave one out")
    if type(size) is not int or not 0 <= size <= len(binary):
        raise RefusedError(
            400, f"{where} of {str(size)[:40]} bytes; expected what follows the JSON, {len(binary)} bytes"
        )
    return Tensor(entry["name"], datatype, _of_bytes(binary[:size], datatype, shape, where)), binary[size:]


def _shape(value: Any, where: str) -> tuple[int, ...]:
    whole = isinstance(value, list) and len(value) <= _MOST_AXES
    if not whole or not all(type(one) is int and 0 <= one <= _MOST_SIZE for one in value):
        raise RefusedError(
            400, f"{where} of shape {str(value)[:80]}; expected whole numbers such as [1, 8]; give the sizes"
        )
    return tuple(value)


def _of_json(data: Any, datatype: str, shape: tuple[int, ...], where: str) -> Array:
    if not isinstance(data, list):
        raise RefusedError(400, f"{where} has data that is not a list; expected a list of its elements; send one")
    wanted = math.prod(shape)
    if datatype == "BYTES":
        texts = list(_flat(data))
        _demand_count(len(texts), wanted, where)
        if not all(isinstance(text, str) for text in texts):
            raise RefusedError(
                400, f"{where} holds other values than texts; expected texts, as it is of BYTES; quote them"
            )
        found = np.empty(len(texts), dtype=object)
        found[:] = texts
        return found.reshape(shape)
    demand_no_texts(data, where)
    try:
        given = np.asarray(data)
    except (ValueError, OverflowError):
        raise RefusedError(
            400, f"{where} has rows of different lengths; expected one length; pad the shorter ones"
        ) from None
    _demand_count(given.size, wanted, where)
    dtype = DTYPES[datatype]
    kinds = {"b": "b", "u": "iu", "i": "iu", "f": "iuf"}[dtype.kind]
    if given.size and given.dtype.kind not in kinds:
        raise RefusedError(
            400, f"{where} holds other values than {datatype}; expected {datatype}; change them or the datatype"
        )
    with np.errstate(over="ignore"):
        made = given.astype(dtype)
    if dtype.kind in "iu" and given.size and not np.array_equal(made, given):
        raise RefusedError(400, f"{where} holds numbers beyond {datatype}; expected {datatype}; name a wider datatype")
    return made.reshape(shape)


def demand_no_texts(data: list[Any], where: str) -> None:
    """Refuse texts in nested lists of numbers. NumPy would give every element as much room as the longest text: a
    megabyte of JSON could take all memory."""
    level: list[Any] = data
    while level:
        kinds = set(map(type, level))
        if str in kinds:
            raise RefusedError(400, f"{where}: texts among the numbers; expected numbers alone; leave the quotes out")
        if list not in kinds:
            return
        inner = level if len(kinds) == 1 else [one for one in level if type(one) is list]
        level = list(itertools.chain.from_iterable(inner))


def _flat(data: list[Any]) -> Any:
    """The elements of nested lists, without recursion."""
    left = [iter(data)]
    while left:
        for one in left[-1]:
            if isinstance(one, list):
                left.append(iter(one))
                break
            yield one
        else:
            left.pop()


def _demand_count(count: int, wanted: int, where: str) -> None:
    if count != wanted:
        raise RefusedError(
            400, f"{where} has {count} elements; expected {wanted}, as its shape says; correct one of them"
        )


def _of_bytes(content: memoryview, datatype: str, shape: tuple[int, ...], where: str) -> Array:
    if datatype == "BYTES":
        return _texts(content, shape, where)
    dtype = DTYPES[datatype]
    wanted = math.prod(shape) * dtype.itemsize
    if len(content) != wanted:
        raise RefusedError(
            400, f"{where} has {len(content)} bytes; expected {wanted}, as its shape says; correct one of them"
        )
    if datatype == "BOOL":
        return (np.frombuffer(content, np.uint8) != 0).reshape(shape)
    return np.frombuffer(content, dtype).astype(dtype.newbyteorder("=")).reshape(shape)


def _texts(content: memoryview, shape: tuple[int, ...], where: str) -> Array:
    """Texts, each behind its length in four bytes."""
    texts: list[str] = []
    at = 0
    while at < len(content):
        end = at + 4 + int.from_bytes(content[at : at + 4], "little")
        if at + 4 > len(content) or end > len(content):
            raise RefusedError(
                400, f"{where} ends within a text; expected lengths in four bytes, then texts; correct them"
            )
        try:
            texts.append(str(content[at + 4 : end], "utf-8"))
        except UnicodeDecodeError:
            raise RefusedError(400, f"{where} holds bytes that are not UTF-8; expected texts; encode them so") from None
        at = end
    _demand_count(len(texts), math.prod(shape), where)
    found = np.empty(len(texts), dtype=object)
    found[:] = texts
    return found.reshape(shape)


def to_json(tensor: Tensor) -> dict[str, Any]:
    return {
        "name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.values.shape),
        "data": tensor.values.ravel().tolist(),
    }  # fmt: skip


def to_bytes(tensor: Tensor) -> tuple[dict[str, Any], bytes]:
    """The entry of a tensor whose elements follow the JSON, and these."""
    if tensor.datatype == "BYTES":
        texts = [text.encode("utf-8", "replace") for text in tensor.values.ravel().tolist()]
        content = b"".join(len(text).to_bytes(4, "little") + text for text in texts)
    else:
        content = np.ascontiguousarray(tensor.values, DTYPES[tensor.datatype]).tobytes()
    entry = {
        "name": tensor.name, "datatype": tensor.datatype, "shape": list(tensor.values.shape),
        "parameters": {"binary_data_size": len(content)},
    }  # fmt: skip
    return entry, content
