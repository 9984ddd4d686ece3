"""One batch of examples."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from powertrain.data.errors import DataError
from powertrain.data.order import Pick
from powertrain.data.source import Array, Fields, example_weights


class BatchFieldError(DataError, AttributeError, KeyError):
    """A field that a batch has not."""

    __str__ = Exception.__str__  # KeyError's shows the text in quotes


class Batch:
    """The named arrays of one batch, with weights (0 for padding), its rows and the cursor after it.

    A field `weight` of the data set holds a number for each example. Where the loader pads, as in training, it is
    multiplied into the weights, and is no field of the batch.

    Fields are attributes (`batch.x`), or by name or number (`batch["x"]`, `batch[0]`). Iterating gives the fields in
    order, and then the weights where the loader pads: `for x, y, weight in loader`.
    """

    __slots__ = ("_real", "_weighted", "cursor", "fields", "has_weights", "indices", "weight")

    def __init__(self, fields: Fields, pick: Pick, weighted: bool) -> None:
        self.has_weights = weighted and "weight" in fields
        self.weight = pick.weight * example_weights(fields["weight"]) if self.has_weights else pick.weight
        self.fields = {name: fields[name] for name in fields if name != "weight"} if self.has_weights else fields
        self._real = pick.weight
        self.indices = pick.indices
        self.cursor = np.array(pick.cursor, dtype=np.int64)
        self._weighted = weighted

    def __getattr__(self, name: str) -> Array:
        try:
            return self.fields[name]
        except KeyError:
            raise BatchFieldError(
                "batch", f"field {name!r}", f"expected one of {', '.join([*self.fields, 'weight'])}",
                "unpack it in order, as in `for x, y in loader`, or name a field that the data set has",
            ) from None  # fmt: skip

    def __getitem__(self, key: str | int) -> Array:
        if isinstance(key, str):
            return self.weight if key == "weight" else self.__getattr__(key)
        return list(self)[key]

    def __iter__(self) -> Iterator[Array]:
        yield from self.fields.values()
        if self._weighted:
            yield self.weight

    def __len__(self) -> int:
        """Real examples, without padding."""
        return int(np.count_nonzero(self._real))
