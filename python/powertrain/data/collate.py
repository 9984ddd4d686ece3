"""Examples made into one batch: what `torch.utils.data.default_collate` does, for NumPy arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.data.errors import DataError

if TYPE_CHECKING:
    from powertrain.typing import Collated

_FIX = "give numbers, texts, arrays, tensors or pictures of one shape, or pass a collate_fn that makes the batch"


def collate(examples: Sequence[object]) -> Collated:
    """One batch of examples: arrays with a first axis of examples, in the structure that the examples have.

    Numbers, arrays, tensors and pictures are stacked; texts become a list; tuples, lists and dicts are collated field
    by field. Python's floats become float32, its whole numbers int64.

    >>> collate([(1.0, 2), (3.0, 4)])
    (array([1., 3.], dtype=float32), array([2, 4]))
    """
    return _collate(examples, "")


def _collate(values: Sequence[Any], place: str) -> Any:
    first = values[0]
    if isinstance(first, Mapping):
        _check_alike(values, place, Mapping, "the same keys", lambda value: sorted(map(str, value)))
        return {key: _collate([value[key] for value in values], f"{place}[{key!r}]") for key in first}
    if isinstance(first, (tuple, list)):
        _check_alike(values, place, (tuple, list), "as many fields", len)
        made = [_collate(column, f"{place}[{at}]") for at, column in enumerate(zip(*values, strict=True))]
        return type(first)(*made) if hasattr(first, "_fields") else tuple(made)
    if isinstance(first, (str, bytes)):
        return list(values)
    return _stacked(values, place)


def _check_alike(values: Sequence[Any], place: str, kind: Any, expected: str, of: Any) -> None:
    for at, value in enumerate(values):
        if not isinstance(value, kind) or of(value) != of(values[0]):
            raise DataError(
                "collate",
                f"example {at} of the batch{_at(place)} is {_said(value)}, example 0 is {_said(values[0])}",
                f"expected {expected} in each",
                _FIX,
            )


def _stacked(values: Sequence[Any], place: str) -> Any:
    if all(type(value) is bool for value in values):
        return np.array(values, dtype=np.bool_)
    if all(type(value) is int for value in values):
        return np.array(values, dtype=np.int64)
    if all(type(value) in (int, float) for value in values):
        return np.array(values, dtype=np.float32)
    arrays = [np.asarray(value) for value in values]
    for at, array in enumerate(arrays):
        if array.dtype.kind not in "fiubc" and array.dtype.name != "bfloat16":
            raise DataError(
                "collate", f"example {at} of the batch{_at(place)} is {_said(values[at])}", "expected numbers", _FIX
            )
        if array.shape != arrays[0].shape:
            raise DataError(
                "collate",
                f"example {at} of the batch{_at(place)} has the shape {list(array.shape)}, example 0 has "
                f"{list(arrays[0].shape)}",
                "expected one shape",
                _FIX,
            )
    return np.stack(arrays)


def _at(place: str) -> str:
    return f", field {place}," if place else ""


def _said(value: Any) -> str:
    if value is None:
        return "None"
    if isinstance(value, Mapping):
        return f"a dict of {', '.join(map(str, value))}"
    if isinstance(value, (tuple, list)):
        return f"a {type(value).__name__} of {len(value)}"
    return f"of type {type(value).__name__}"
