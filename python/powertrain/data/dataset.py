"""Data sets: examples by number, or as a stream.

A data set of one's own is a class with `__len__` and `__getitem__`. Those here give whole batches at once too, by
`fetch`, without a Python call for each example.
"""

from __future__ import annotations

import operator
from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain import _core
from powertrain._core import Tensor
from powertrain.data import drawing
from powertrain.data.collate import as_fields, field_name, stacked
from powertrain.data.errors import DataError, DataIndexError
from powertrain.data.npy import StoredArray
from powertrain.data.one_thread import asking
from powertrain.data.order import Cursor
from powertrain.data.source import (
    Array,
    Fields,
    Indices,
    Source,
    anew,
    by_rows,
    check_finite,
    fetch_scaled,
    fetch_training,
    fetches_anew,
    length_of,
    rows_of,
)
from powertrain.errors.methods import Abstract, missing, needed_unless
from powertrain.io.mapped import check_mapped, unmapped

if TYPE_CHECKING:
    from powertrain.data.scaling import Scaling
    from powertrain.typing import DatasetLike, TensorLike


class Dataset(Abstract):
    """Base class of data sets: define `__len__` and `__getitem__(index)`, which gives one example.

    An example is an array, a number, a tensor or a picture, or a tuple, list or dict of them.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 3
    ...     def __getitem__(self, index):
    ...         return {"x": float(index), "y": index * index}
    >>> Squares().fetch(np.array([2, 1]))
    {'x': array([2., 1.], dtype=float32), 'y': array([4, 1])}
    """

    if TYPE_CHECKING:  # theirs: without it a data set has no length

        def __len__(self) -> int: ...

    @needed_unless("fetch")
    def __getitem__(self, index: int) -> object:
        """One example; the data sets of Powertrain give a tuple of its fields."""
        row = place_of(index, len(self), type(self).__name__)
        return tuple(value[0] for value in self.fetch(np.array([row])).values())

    @anew()
    def fetch(self, indices: Indices) -> Fields:
        """The examples `indices`, in that order, as named arrays: `x` and `y` where the examples are pairs."""
        with asking(asked_alone(self)):
            return as_fields(stacked([drawing.of_epoch(self.__getitem__, int(index)) for index in indices]))

    def __add__(self, other: Any) -> ConcatDataset:
        return ConcatDataset([self, other])


class IterableDataset(Abstract):
    """Base class of streams, whose length need not be known: define `__iter__`, which gives one example after another.

    Each epoch iterates again. A stream that differs from epoch to epoch may define `set_epoch(epoch)`, which is called
    before each; it must give the same examples for the same epoch, so that a loader can resume.

    Example
        >>> class Lines(IterableDataset):
        ...     def __iter__(self):
        ...         for number in range(3):
        ...             yield {"x": float(number), "y": number % 2}
        >>> [batch.x.tolist() for batch in pt.data.DataLoader(Lines(), batch_size=2)]
        [[0.0, 1.0], [2.0]]
    """

    @abstractmethod
    def __iter__(self) -> Iterator[object]:
        """One example after another."""
        raise missing(self, "__iter__")


class ArrayDataset(Dataset):
    """Arrays in memory, or in .npy files too large for it, that share their first axis.

    >>> ArrayDataset(x=np.zeros((3, 2)), y=np.array([0, 1, 1])).fetch(np.array([2]))["y"]
    array([1])
    """

    def __init__(self, fields: Mapping[str, Array | StoredArray] | None = None, /, **more: Array | StoredArray) -> None:
        arrays = {
            name: value if isinstance(value, StoredArray) else _native(unmapped(np.asanyarray(value), f"arrays {name}"))
            for name, value in {**(fields or {}), **more}.items()
        }
        if not arrays:
            raise DataError("arrays", "no array", "expected at least one", "pass x=array, y=array")
        for name, array in arrays.items():
            where = f"arrays {name}"
            if array.ndim == 0 or array.dtype.kind not in "fiub":
                raise DataError(
                    where,
                    f"dtype {array.dtype}, shape {list(array.shape)}",
                    "expected an array of numbers with one row per example",
                    "convert the field to numbers first",
                )
        sizes = {name: len(array) for name, array in arrays.items()}
        if len(set(sizes.values())) > 1:
            raise DataError(
                "arrays",
                "fields of different lengths: " + ", ".join(f"{name} {size:,}" for name, size in sizes.items()),
                "expected as many rows in each",
                "check how the arrays were made",
            )
        if 0 in sizes.values():
            raise DataError("arrays", "no example", "expected at least one row", "check the file or the filter")
        for name, array in arrays.items():
            check_finite(array, f"arrays {name}")
        self.arrays = arrays
        self._length = next(iter(sizes.values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}: {one.dtype}{list(one.shape[1:]) or ''}" for name, one in self.arrays.items())
        return f"{type(self).__name__}({self._length:,} examples of {fields})"

    def __len__(self) -> int:
        return self._length

    @anew()
    @by_rows()
    def fetch(self, indices: Indices) -> Fields:
        for name, array in self.arrays.items():
            check_mapped(array, f"arrays {name}")
        return rows_of(self.arrays, indices)

    def fetch_scaled(self, indices: Indices, field: str, scaling: Scaling) -> Fields | None:
        """The examples `indices` with one field scaled, in one pass over its memory; None where that cannot be."""
        for name, array in self.arrays.items():
            check_mapped(array, f"arrays {name}")
        scaled = scaling.rows(self.arrays.get(field), indices)
        if scaled is None:
            return None
        others = rows_of({name: array for name, array in self.arrays.items() if name != field}, indices)
        return {name: scaled if name == field else others[name] for name in self.arrays}

    def __getitem__(self, index: int) -> tuple[Array, ...]:
        if isinstance(index, slice):
            index = np.arange(len(self))[index]
        else:
            index = place_of(index, len(self), type(self).__name__)
        return tuple(array[index] for array in self.arrays.values())


def _native(array: Array) -> Array:
    """An array in the machine's byte order, in which tensors are."""
    return array if array.dtype.isnative else array.astype(array.dtype.newbyteorder("="))


class TensorDataset(ArrayDataset):
    """Arrays or tensors that share their first axis: the fields of the examples, in order.

    Of two, the first is `x` and the second `y`.

    >>> x, y = TensorDataset(np.zeros((3, 2)), np.array([0, 1, 1]))[2]
    >>> x.shape, y
    ((2,), Tensor(1, i64[]))
    """

    def __init__(self, *tensors: TensorLike) -> None:
        super().__init__({field_name(at): np.asarray(tensor) for at, tensor in enumerate(tensors)})

    def __getitem__(self, index: int) -> tuple[Tensor, ...]:  # type: ignore[override]  # PyTorch's gives tensors
        return tuple(map(_core.tensor, super().__getitem__(index)))


class Subset(Dataset):
    """Some examples of a data set, in a given order.

    Example
        >>> part = Subset(TensorDataset(np.arange(5) * 10), [4, 0])
        >>> part.fetch(np.array([0, 1]))["x"].tolist()
        [40, 0]
    """

    def __init__(self, dataset: DatasetLike, indices: Sequence[int] | Indices) -> None:
        given = np.asarray(indices)
        if given.dtype.kind not in "iu" and given.size:  # a mask would be the rows 0 and 1
            mask = given.dtype.kind == "b"
            raise DataError(
                "subset", f"rows of {given.dtype}{list(given.shape)}", "expected whole numbers",
                "write numpy.flatnonzero(mask)" if mask else "give row numbers of the data set",
            )  # fmt: skip
        rows = given.astype(np.int64)
        if rows.ndim != 1 or len(rows) == 0:
            raise DataError("subset", f"{rows.size} rows", "expected at least one", "make the part larger")
        count = length_of(dataset, "Subset")
        if int(rows.min()) < 0 or int(rows.max()) >= count:
            raise DataError(
                "subset",
                f"rows {int(rows.min())} to {int(rows.max())}",
                f"expected rows from 0 to {count - 1}",
                "take the indices from this data set",
            )
        self.dataset = dataset
        self.indices = rows

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, index: int) -> object:
        return item(self.dataset, int(self.indices[place_of(index, len(self), "Subset")]))

    @anew("dataset")
    @by_rows("dataset")
    def fetch(self, indices: Indices) -> Fields:
        return as_source(self.dataset).fetch(self.indices.take(indices))

    @by_rows("dataset")
    def fetch_changed(self, indices: Indices, seed: int, call: Cursor) -> Fields:
        return fetch_training(as_source(self.dataset), self.indices.take(indices), seed, call)

    def fetch_scaled(self, indices: Indices, field: str, scaling: Scaling) -> Fields | None:
        """The examples `indices` with one field scaled, where the data set does that in one pass; else None."""
        return fetch_scaled(self.dataset, self.indices.take(indices), field, scaling)


class ConcatDataset(Dataset):
    """Data sets one after the other.

    >>> len(ConcatDataset([TensorDataset(np.zeros(3)), TensorDataset(np.ones(2))]))
    5
    """

    def __init__(self, datasets: Sequence[DatasetLike]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise DataError("ConcatDataset", "no data set", "expected at least one", "pass a list of data sets")
        lengths = [length_of(dataset, "ConcatDataset") for dataset in self.datasets]
        for dataset in self.datasets:
            as_source(dataset)
        self._ends = np.cumsum(lengths)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, index: int) -> object:
        row = place_of(index, len(self), "ConcatDataset")
        at = int(np.searchsorted(self._ends, row, side="right"))
        return item(self.datasets[at], row - int(self._ends[at] - len(self.datasets[at])))

    @anew()
    def fetch(self, indices: Indices) -> Fields:
        return self._gathered(indices, lambda source, rows: source.fetch(rows))

    def fetch_changed(self, indices: Indices, seed: int, call: Cursor) -> Fields:
        return self._gathered(indices, lambda source, rows: fetch_training(source, rows, seed, call))

    def _gathered(self, indices: Indices, fetch: Callable[[Source, Indices], Fields]) -> Fields:
        parts = np.searchsorted(self._ends, indices, side="right")
        order = np.argsort(parts, kind="stable")
        made = []
        for at in np.unique(parts):
            begin = self._ends[at] - len(self.datasets[at])
            made.append(fetch(as_source(self.datasets[at]), indices[parts == at] - begin))
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return {name: np.concatenate([part[name] for part in made])[back] for name in made[0]}


class Mapped(Dataset):
    """A source whose batches pass through a function of the fields, for example fitted transforms.

    Example
        >>> doubled = Mapped(ArrayDataset(x=np.arange(3)), lambda fields: {"x": 2 * fields["x"]})
        >>> doubled.fetch(np.array([0, 2]))["x"].tolist()
        [0, 4]
    """

    def __init__(self, source: Source, function: Callable[[Fields], Fields]) -> None:
        self.source = source
        self.function = function

    def __len__(self) -> int:
        return len(self.source)

    def fetch(self, indices: Indices) -> Fields:
        return self.function(self.source.fetch(indices))


class _Items(Dataset):
    """What has `__len__` and `__getitem__` alone, such as a list of pairs or a data set of PyTorch."""

    def __init__(self, examples: Any) -> None:
        self.examples = examples

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> object:
        return self.examples[index]


def as_source(dataset: Any) -> Source:
    """A data set as something that gives whole batches."""
    # First the base class: asked for each batch, isinstance of a protocol takes longer than making it.
    if isinstance(dataset, (Dataset, Source)):
        return dataset
    if not is_stream(dataset) and hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__"):
        return _Items(dataset)
    raise DataError(
        "data", f"a data set of type {type(dataset).__name__}", "expected one with __len__ and __getitem__",
        "hold arrays in a pt.data.TensorDataset(x, y), or derive from pt.data.Dataset",
    )  # fmt: skip


def is_stream(dataset: Any) -> bool:
    """Whether a data set only iterates: no example can be asked for by its number."""
    if isinstance(dataset, Dataset):
        kind = type(dataset)
        return kind.__getitem__ is Dataset.__getitem__ and kind.fetch is Dataset.fetch and hasattr(kind, "__iter__")
    return hasattr(dataset, "__iter__") and not hasattr(dataset, "__getitem__") and not hasattr(dataset, "fetch")


def gives_items(dataset: Any) -> bool:
    """Whether the examples of a data set come one by one: a Subset of such a data set is one too."""
    if isinstance(dataset, Subset):
        return gives_items(dataset.dataset)
    if isinstance(dataset, ConcatDataset):
        return any(map(gives_items, dataset.datasets))
    return not hasattr(dataset, "fetch") or getattr(type(dataset), "fetch", None) is Dataset.fetch


def holds_items(dataset: Any) -> bool:
    """Whether some of the examples come one by one, out of a `__getitem__` that may draw random numbers."""
    inner = getattr(dataset, "datasets", None) or [getattr(dataset, "dataset", getattr(dataset, "source", None))]
    return gives_items(dataset) or any(holds_items(one) for one in inner if one is not None)


def asked_alone(dataset: Any) -> list[Any]:
    """Of a data set and those that it is made of, the ones that several threads must not ask at once.

    These are all that are not Powertrain's own, but for those whose `fetch` is marked as `anew`."""
    own = type(dataset).__module__.partition(".")[0] == "powertrain"
    items = gives_items(dataset)
    found = [dataset] if not own and (items or not fetches_anew(dataset)) else []
    if own or items:
        several = getattr(dataset, "datasets", None)
        names = ("dataset", "source", "examples") if own else ("dataset",)
        below = [one for name in names if (one := getattr(dataset, name, None)) is not None and one is not dataset]
        for one in [*below, *(several if isinstance(several, (list, tuple)) else ())]:
            found += asked_alone(one)
    return found


def item(dataset: Any, index: int) -> Any:
    """One example of any data set."""
    if hasattr(dataset, "__getitem__"):
        return dataset[index]
    return tuple(value[0] for value in dataset.fetch(np.array([index], dtype=np.int64)).values())


def place_of(index: Any, count: int, where: str) -> int:
    """A whole number from -count to count - 1, as one from 0."""
    try:
        row = operator.index(index)
    except TypeError:
        raise DataError(
            where, f"index {index!r}", "expected a whole number", f"for example {where.lower()}[0]"
        ) from None
    if not -count <= row < count:
        raise DataIndexError(
            where, f"index {row}", f"expected one from {-count} to {count - 1}", "the data set has no further examples"
        )
    return row % count
