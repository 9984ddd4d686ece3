"""One batch of examples."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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

    __slots__ = (
        "_arrays", "_count", "_names", "_on_device", "_pick", "_real", "_sent", "_shown", "_tensors", "_values",
        "has_weights",
    )  # fmt: skip

    def __init__(
        self, fields: Fields, pick: Pick, weighted: bool, device: str | None = None, real: Array | None = None
    ) -> None:
        self.has_weights = weighted and "weight" in fields
        if self.has_weights:
            own = {name: fields[name] for name in fields if name != "weight"}
            arrays = {**own, "weight": pick.weight * example_weights(fields["weight"])}
        else:
            arrays = fields if "weight" in fields else {**fields, "weight": pick.weight}
        self._arrays: Fields | None = arrays
        self._names, self._values = tuple(arrays), tuple(arrays.values())
        self._shown = self._names if weighted else tuple(fields)  # what iterating gives
        self._pick = pick
        self._real = pick.weight if real is None else real  # of which this may be a part
        self._count: int | None = None  # of the real examples, once it is known
        # Made when they are asked for, and kept, since an assignment gives the object another value. The training loop
        # takes the arrays.
        self._tensors: dict[str, Tensor] | None = None
        self._on_device = device is not None
        # What is numbers is on its way to a device from here on, which whoever uses the batch need not wait for.
        names = [name for name, value in arrays.items() if numeric(value)] if device else []
        self._sent = (names, _core.send([arrays[name] for name in names], device)) if device else None

    def parts(
        self, picks: Iterable[Pick], values: Iterable[tuple[Array, ...]], counts: Iterable[int | None]
    ) -> list[Batch]:
        """The batches of some picks, which are parts of this one, each with its arrays and so many real examples, where
        that is known."""
        made = []
        # The attributes one by one: a call for each takes longer than a small batch.
        for pick, own, count in zip(picks, values, counts):  # noqa: B905 - counts may have no end
            one = Batch.__new__(Batch)
            one._names, one._values, one._shown, one.has_weights = self._names, own, self._shown, self.has_weights
            one._pick, one._real, one._count = pick, pick.weight, count
            one._arrays = one._tensors = one._sent = None
            one._on_device = False
            made.append(one)
        return made

    @property
    def arrays(self) -> Fields:
        """The fields as NumPy arrays."""
        if self._arrays is None:
            self._arrays = dict(zip(self._names, self._values, strict=True))
        return self._arrays

    @property
    def indices(self) -> Array:
        """The rows of the data set."""
        return self._pick.indices

    def for_a_step(self) -> tuple[tuple[str, ...], tuple[object, ...]]:
        """The names and values of `arrays`: what the loader has sent to a device as tensors there."""
        if not self._on_device:
            return self._names, self._values
        tensors = self._received()
        return self._names, tuple(tensors.get(name, value) for name, value in self.arrays.items())

    def sent(self) -> dict[str, Tensor]:
        """The fields that the loader has sent to a device, by name."""
        return dict(self._received()) if self._on_device else {}

    def take_over(self, sent: dict[str, Tensor]) -> None:
        """Has such fields of other batches for its own."""
        self._received().update(sent)
        self._on_device = bool(sent)

    def _received(self) -> dict[str, Tensor]:
        """The tensors that are made so far, with what has arrived on a device."""
        if self._tensors is None:
            self._tensors = {}
        if self._sent is not None:
            names, sent = self._sent
            self._sent = None
            self._tensors.update(zip(names, sent.receive(), strict=True))
        return self._tensors

    @property
    def weight(self) -> Tensor:
        """One number for each example: 0 for padding."""
        return self._tensor("weight")

    @property
    def cursor(self) -> Array:
        """Epoch and position after this batch."""
        return np.array(self._pick.cursor, dtype=np.int64)

    def _tensor(self, name: str) -> Tensor:
        tensors = self._received()
        made = tensors.get(name)
        if made is None:
            made = tensors[name] = as_tensors(self.arrays[name])
        return made

    def _field(self, name: str) -> Tensor:
        if name not in self.arrays:
            raise BatchFieldError(
                "batch", f"field {name!r}", f"expected one of {', '.join(self.arrays)}",
                "unpack it in order, as in `for x, y in loader`, or name a field that the data set has",
            )  # fmt: skip
        return self._tensor(name)

    def __getattr__(self, name: str) -> Tensor:
        if name in vars(Batch):  # while it is copied or unpickled
            raise AttributeError(name)
        return self._field(name)

    def __getitem__(self, key: str | int) -> Tensor:
        return self._field(key) if isinstance(key, str) else self._tensor(self._shown[key])

    def __iter__(self) -> Iterator[Tensor]:
        return iter([self._tensor(name) for name in self._shown])

    def keys(self) -> tuple[str, ...]:
        return self._shown

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
        if self._count is None:
            self._count = int(np.count_nonzero(self._real))
        return self._count


def held_bytes(batch: object) -> int:
    """The memory of a batch's arrays; 0 of what is no Batch."""
    if not isinstance(batch, Batch):
        return 0
    return sum(array.nbytes for array in batch.arrays.values() if isinstance(array, np.ndarray))
