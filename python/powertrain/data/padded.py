"""Batches of sequences that differ in length, padded to one length."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from powertrain.data.collate import as_tensors, numeric, stacked
from powertrain.data.errors import DataError
from powertrain.data.samplers import rising
from powertrain.errors.arguments import shown

if TYPE_CHECKING:
    from powertrain.typing import Collated

_WHERE = "PaddedCollate"


class PaddedCollate:
    """A `collate_fn` for examples with sequences of several lengths: they are padded behind their ends.

    With `boundaries`, up to the first boundary that no sequence of the batch is longer than, so that batches have few
    shapes and a compiled step few traces; else up to the longest sequence. The lengths come behind the other fields
    (int64, one for each example), or under the key "lengths".

    Parameters
        boundaries       rising lengths, those of `BucketBatchSampler`
        fields           numbers or keys of the fields that are padded, along their first axis; those of one example
                         have one length
        padding_value    what stands behind the end

    Errors    a field that is not there or has no axis; fields of several lengths in one example; a sequence that is
              longer than the last boundary

    Example
        >>> x, y, lengths = PaddedCollate([4, 8])([([1, 2, 3], 0), ([4], 1)])
        >>> x.numpy().tolist(), lengths.numpy().tolist()
        ([[1, 2, 3, 0], [4, 0, 0, 0]], [3, 1])
    """

    def __init__(
        self,
        boundaries: Sequence[int] | None = None,
        fields: Sequence[int | str] = (0,),
        padding_value: float = 0,
    ) -> None:
        self.boundaries = None if boundaries is None else rising(boundaries, _WHERE)
        if isinstance(fields, str) or not len(fields):
            raise DataError(
                _WHERE, f"fields = {shown(fields)}", "expected numbers or keys of fields", "write fields=[0]"
            )
        self.fields, self.padding_value = tuple(fields), padding_value

    def __call__(self, examples: Sequence[object]) -> Collated:
        named = isinstance(examples[0], Mapping)
        rows: list[Any] = [dict(cast("Mapping[str, Any]", one)) if named else list(_tuple(one)) for one in examples]
        lengths = [self._converted(row, at) for at, row in enumerate(rows)]
        target = self._target(max(lengths))
        for row, length in zip(rows, lengths, strict=True):
            for field in self.fields:
                around = [(0, target - length), *[(0, 0)] * (row[field].ndim - 1)]
                row[field] = np.pad(row[field], around, constant_values=self.padding_value)
            if named:
                row["lengths"] = length
            else:
                row.append(length)
        return cast("Collated", as_tensors(stacked(rows if named else [tuple(row) for row in rows])))

    def _converted(self, row: Any, at: int) -> int:
        """The length of an example, whose fields become arrays."""
        found = []
        for field in self.fields:
            try:
                row[field] = _array(row[field])
                found.append(len(row[field]))
            except (LookupError, TypeError, ValueError):
                there = list(row) if isinstance(row, dict) else list(range(len(row)))
                raise DataError(
                    _WHERE, f"no sequence of numbers in field {field!r} of example {at}, which has the fields {there}",
                    "expected numbers with at least one axis", "name others: fields=[...]",
                ) from None  # fmt: skip
        if len(set(found)) > 1:
            raise DataError(
                _WHERE, f"lengths {found} in example {at} of the batch", "expected fields of one length",
                "pad those of another length in the data set",
            )  # fmt: skip
        return found[0]

    def _target(self, longest: int) -> int:
        if self.boundaries is None:
            return longest
        place = int(np.searchsorted(self.boundaries, longest))
        if place == len(self.boundaries):
            raise DataError(
                _WHERE, f"a sequence of {longest}", f"expected at most {self.boundaries[-1]}, the last boundary",
                f"write boundaries=[..., {longest}], or cut the sequence in the data set",
            )  # fmt: skip
        return int(self.boundaries[place])


def _tuple(example: object) -> Sequence[Any]:
    return example if isinstance(example, (tuple, list)) and not _numbers(example) else (example,)


def _numbers(example: Sequence[Any]) -> bool:
    """Whether it is one sequence of numbers, and no tuple of fields."""
    return isinstance(example, list) and all(np.ndim(one) == 0 for one in example)


def _array(value: Any) -> NDArray[Any]:
    """As an array with an axis; floats of Python are float32, as `collate` has them."""
    found = np.asarray(value)
    if found.ndim == 0 or not numeric(found):
        raise TypeError("no sequence of numbers")
    return found.astype(np.float32) if isinstance(value, (list, tuple)) and found.dtype == np.float64 else found
