"""Examples made into one batch: what `torch.utils.data.default_collate` does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from powertrain import _core
from powertrain.data.errors import DataError
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain.typing import Collated

_FIX = "give numbers, texts, arrays, tensors or pictures of one shape, or pass a collate_fn that makes the batch"


def collate(examples: Sequence[object]) -> Collated:
    """One batch of examples: tensors with a first axis of examples, in the structure that the examples have.

    Numbers, arrays, tensors and pictures are stacked; texts become a list; tuples, lists and dicts are collated field
    by field. Python's floats become float32, its whole numbers int64; others keep their dtype.

    >>> collate([(1.0, 2), (3.0, 4)])
    (Tensor([1., 3.], f32[2]), Tensor([2, 4], i64[2]))
    """
    return cast("Collated", as_tensors(stacked(examples)))


def stacked(examples: Sequence[object]) -> Any:
    """The same as NumPy arrays, in which data sets and transforms work."""
    return _stacked(examples, "")


def as_tensors(value: Any) -> Any:
    """Arrays as tensors of the same memory, in tuples and dicts too; what is no array of numbers stays as it is."""
    if isinstance(value, np.ndarray):
        return _core.asarray(value) if numeric(value) else value
    if isinstance(value, dict):
        return {key: as_tensors(one) for key, one in value.items()}
    if isinstance(value, tuple):
        made = [as_tensors(one) for one in value]
        return type(value)(*made) if hasattr(value, "_fields") else tuple(made)
    return value


def field_name(at: int) -> str:
    return ("x", "y")[at] if at < 2 else f"field_{at}"


def as_fields(batch: Any) -> dict[str, Any]:
    """A collated batch as named fields: keys stay names, and the first two of a tuple are x and y."""
    if isinstance(batch, dict):
        return {str(name): value for name, value in batch.items()}
    if hasattr(batch, "_asdict"):
        return dict(batch._asdict())
    values = batch if isinstance(batch, tuple) else (batch,)
    return {field_name(at): value for at, value in enumerate(values)}


def numeric(value: Any) -> bool:
    """Whether it is an array of numbers, which a tensor can hold."""
    return isinstance(value, np.ndarray) and (value.dtype.kind in "fiubc" or value.dtype.name == "bfloat16")


def _stacked(values: Sequence[Any], place: str) -> Any:
    first = values[0]
    if isinstance(first, Mapping):
        _check_alike(values, place, Mapping, "the same keys", lambda value: sorted(map(str, value)))
        return {key: _stacked([value[key] for value in values], f"{place}[{key!r}]") for key in first}
    if isinstance(first, (tuple, list)):
        _check_alike(values, place, (tuple, list), "as many fields", len)
        made = [_stacked(column, f"{place}[{at}]") for at, column in enumerate(zip(*values, strict=True))]
        return type(first)(*made) if hasattr(first, "_fields") else tuple(made)
    if isinstance(first, (str, bytes)):
        return list(values)
    return _rows(values, place)


def _check_alike(values: Sequence[Any], place: str, kind: Any, expected: str, of: Any) -> None:
    for at, value in enumerate(values):
        if not isinstance(value, kind) or of(value) != of(values[0]):
            raise DataError(
                "collate",
                f"example {at} of the batch{_at(place)} is {_said(value)}, example 0 is {_said(values[0])}",
                f"expected {expected} in each",
                _FIX,
            )


def _rows(values: Sequence[Any], place: str) -> Any:
    if all(type(value) is bool for value in values):
        return np.array(values, dtype=np.bool_)
    if all(type(value) is int for value in values):
        return np.array(values, dtype=np.int64)
    if all(type(value) in (int, float) for value in values):
        return np.array(values, dtype=np.float32)
    if all(type(value) is _core.Tensor for value in values) and len({(one.shape, one.dtype) for one in values}) == 1:
        return OPERATORS["stack"](list(values)).numpy()  # one array to read, and not one for each example
    arrays = [np.asarray(value) for value in values]
    for at, array in enumerate(arrays):
        if not numeric(array):
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
