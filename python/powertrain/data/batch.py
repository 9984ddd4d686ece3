"""One batch of examples."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from powertrain import _core
from powertrain.data.collate import as_tensors, numeric
from powertrain.data.errors import DataError
from powertrain.data.order import Pick
from powertrain.data.source import Array, Fields, example_weights

if TYPE_CHECKING:
    from powertrain import Tensor


class BatchFieldError(DataError, AttributeError, KeyError):
    """A field that a batch has not."""

    __str__ = Exception.__str__  # KeyError's shows the text in quotes


class Batch:
    """The fields of one batch as tensors, with weights (0 for padding), its rows and the cursor after it.

    A field `weight` of the data set holds a number for each example. Where the loader pads, as in training, it is
    multiplied into the weights, and is no field of the batch.

    Fields are attributes (`batch.x`), or by name or number (`batch["x"]`, `batch[0]`). Iterating gives the fields in
    order, and then the weights where the loader pads: `for x, y, weight in loader`. `keys`, `values` and `items` are
    those of a dict of them, so that `model(**batch)` works. `arrays` has the same as NumPy arrays, `weight` always.

    Example
        >>> loader = pt.data.DataLoader(pt.data.TensorDataset(np.zeros((4, 3)), np.arange(4)), batch_size=2)
        >>> batch = next(iter(loader))
        >>> batch.x.shape, batch["y"].tolist(), list(batch.keys())
        ((2, 3), [0, 1], ['x', 'y'])
    """

    __slots__ = ("_cursor", "_on_device", "_real", "_sent", "_shown", "_tensors", "arrays", "has_weights", "indices")

    def __init__(
        self, fields: Fields, pick: Pick, weighted: bool, device: str | None = None, real: Array | None = None
    ) -> None:
        self.has_weights = weighted and "weight" in fields
        if self.has_weights:
            own = {name: fields[name] for name in fields if name != "weight"}
            self.arrays = {**own, "weight": pick.weight * example_weights(fields["weight"])}
        else:
            self.arrays = fields if "weight" in fields else {**fields, "weight": pick.weight}
        self._shown = self.arrays if weighted else fields  # what iterating gives
        self._real = pick.weight if real is None else real  # of which this may be a part
        self.indices = pick.indices
        self._cursor = pick.cursor
        # Made when they are asked for, and kept, since an assignment gives the object another value. The training loop
        # takes the arrays.
        self._tensors: dict[str, Tensor] = {}
        self._on_device = device is not None
        # What is numbers is on its way to a device from here on, which whoever uses the batch need not wait for.
        names = [name for name, value in self.arrays.items() if numeric(value)] if device else []
        self._sent = (names, _core.send([self.arrays[name] for name in names], device)) if device else None

    def for_a_step(self) -> tuple[object, ...]:
        """The values of `arrays`: those that the loader has sent to a device as tensors there."""
        self._receive()
        if not self._on_device:
            return tuple(self.arrays.values())
        return tuple(self._tensors.get(name, value) for name, value in self.arrays.items())

    def sent(self) -> dict[str, Tensor]:
        """The fields that the loader has sent to a device, by name."""
        self._receive()
        return dict(self._tensors) if self._on_device else {}

    def take_over(self, sent: dict[str, Tensor]) -> None:
        """Has such fields of other batches for its own."""
        self._tensors.update(sent)
        self._on_device = bool(sent)

    def _receive(self) -> None:
        if self._sent is not None:
            names, sent = self._sent
            self._sent = None
            self._tensors.update(zip(names, sent.receive(), strict=True))

    @property
    def weight(self) -> Tensor:
        """One number for each example: 0 for padding."""
        return self._tensor("weight")

    @property
    def cursor(self) -> Array:
        """Epoch and position after this batch."""
        return np.array(self._cursor, dtype=np.int64)

    def _tensor(self, name: str) -> Tensor:
        self._receive()
        made = self._tensors.get(name)
        if made is None:
            made = self._tensors[name] = as_tensors(self.arrays[name])
        return made

    def __getattr__(self, name: str) -> Tensor:
        if name in Batch.__slots__:  # while it is copied or unpickled
            raise AttributeError(name)
        if name not in self.arrays:
            raise BatchFieldError(
                "batch", f"field {name!r}", f"expected one of {', '.join(self.arrays)}",
                "unpack it in order, as in `for x, y in loader`, or name a field that the data set has",
            )  # fmt: skip
        return self._tensor(name)

    def __getitem__(self, key: str | int) -> Tensor:
        return self.__getattr__(key) if isinstance(key, str) else self._tensor(tuple(self._shown)[key])

    def __iter__(self) -> Iterator[Tensor]:
        return iter([self._tensor(name) for name in self._shown])

    def keys(self) -> tuple[str, ...]:
        return tuple(self._shown)

    def values(self) -> list[Tensor]:
        return list(self)

    def items(self) -> list[tuple[str, Tensor]]:
        return list(zip(self._shown, self, strict=True))

    def __repr__(self) -> str:
        found = [f"{name}={value.dtype}{list(value.shape)}" if isinstance(value, np.ndarray) else name
                 for name, value in self.arrays.items() if name in self._shown]  # fmt: skip
        return f"Batch({', '.join(found)})"

    def __len__(self) -> int:
        """Real examples, without padding."""
        return int(np.count_nonzero(self._real))
