"""Sources: collections of examples with random access.

A source gives the rows of any list of indices as named arrays, first axis = the rows. It holds no position: where a
training run stands is the loader's cursor.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, cast, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain.data import drawing
from powertrain.data.errors import DataError, NotFiniteDataError
from powertrain.data.npy import StoredArray
from powertrain.data.order import Cursor
from powertrain.plugin.protocols import is_random

if TYPE_CHECKING:
    from powertrain.data.scaling import Scaling

Array = NDArray[Any]
Fields = dict[str, Array]
Indices = NDArray[np.int64]

# Finite checks and statistics read a large array in pieces of this many bytes of rows.
_PIECE_BYTES = 1 << 24
# Class numbers from here on are no classes: a model would have an output for each.
MOST_CLASSES = 1 << 20


@runtime_checkable
class Source(Protocol):
    """Random access to examples.

    Example
        >>> class Squares:
        ...     def __len__(self):
        ...         return 1_000_000
        ...     def fetch(self, indices):
        ...         return {"x": indices.astype(np.float32), "y": indices**2}
        >>> isinstance(Squares(), pt.data.Source), Squares().fetch(np.array([3]))["y"].tolist()
        (True, [9])
    """

    def __len__(self) -> int: ...

    def fetch(self, indices: Indices) -> Fields:
        """The rows of `indices`, in that order, as one array per field."""
        ...


F = TypeVar("F", bound=Callable[..., Any])


def _marking(name: str, inner: str) -> Callable[[F], F]:
    def marked(fetch: F) -> F:
        setattr(fetch, name, inner)
        return fetch

    return marked


def anew(inner: str = "") -> Callable[[F], F]:
    """Mark a `fetch` that makes new arrays each time, which a loader need not copy, and that several threads may call.

    inner    the attribute with the data set from which it fetches, if it does so only where that does

    Example
        >>> class Doubles(pt.data.Dataset):
        ...     def __len__(self):
        ...         return 10
        ...     @pt.data.anew()
        ...     def fetch(self, indices):
        ...         return {"x": indices * 2}
        >>> next(iter(pt.data.DataLoader(Doubles(), batch_size=3))).x.tolist()
        [0, 2, 4]
    """
    return _marking("anew", inner)


def by_rows(inner: str = "") -> Callable[[F], F]:
    """Mark a `fetch` or `fetch_changed` that makes each row by itself: a loader may ask for several batches at once.

    Its rows are the same, to the bit, whatever other rows are asked for with them.

    inner    the attribute with the data set from which it fetches, if it does so only where that does

    Example
        >>> class Squares(pt.data.Dataset):
        ...     def __len__(self):
        ...         return 1_000_000
        ...     @pt.data.anew()
        ...     @pt.data.by_rows()
        ...     def fetch(self, indices):
        ...         return {"x": indices.astype(np.float32), "y": indices**2}
        >>> Squares().fetch(np.array([3]))["y"].tolist()
        [9]
    """
    return _marking("by_rows", inner)


def fetches_by_rows(dataset: Any) -> bool:
    """Whether each row is the same, to the bit, whatever other rows are fetched with it: then several batches can be
    fetched at once and cut apart. A data set for which that depends has a `by_row`."""
    inner = getattr(getattr(type(dataset), "fetch", None), "by_rows", None)
    changed = getattr(type(dataset), "fetch_changed", None)
    if inner is None or (changed is not None and not hasattr(changed, "by_rows")):
        return False
    return getattr(dataset, "by_row", True) and (inner == "" or fetches_by_rows(getattr(dataset, inner)))


def fetches_anew(dataset: Any) -> bool:
    """Whether each batch of a data set is memory of its own. A `fetch` from elsewhere may fill one buffer again and
    again, or give a view of what it holds: a loader copies such a batch, since the numbers of a tensor never change."""
    fetch = getattr(type(dataset), "fetch", None)
    if fetch is None:
        return True  # of single examples, which are stacked
    inner = getattr(fetch, "anew", None)
    return inner == "" or (inner is not None and fetches_anew(getattr(dataset, inner)))


@runtime_checkable
class ChangingSource(Source, Protocol):
    """A source whose rows come out changed at random in training; `fetch` gives them as they are."""

    def fetch_changed(self, indices: Indices, seed: int, call: Cursor) -> Fields:
        """The rows of one training batch; the changes are a function of (seed, call)."""
        ...


def fetch_training(source: Source, indices: Indices, seed: int, call: Cursor) -> Fields:
    """The rows as training sees them: changed at random where the source does that."""
    # Asked for each batch: Python takes longer over isinstance of a protocol than over some batches.
    changed = getattr(source, "fetch_changed", None)
    return source.fetch(indices) if changed is None else cast("Fields", changed(indices, seed, call))


def fetch_scaled(source: Any, indices: Indices, field: str, scaling: Scaling) -> Fields | None:
    """The rows with one field scaled, where a source does that together; such a source changes nothing at random."""
    fetch = getattr(source, "fetch_scaled", None)
    return None if fetch is None else cast("Fields | None", fetch(indices, field, scaling))


def changes_together(source: Any) -> bool:
    """Whether the changes of an example may depend on the others of its batch: those of random transforms, which draw
    for all of them at once."""
    while isinstance(source, ChangingSource):
        inner = getattr(source, "source", getattr(source, "dataset", None))
        if inner is None or any(is_random(one) for one in getattr(source, "transforms", ())):
            return True
        source = inner
    return False


def pieces(array: Array | StoredArray) -> list[slice]:
    """Slices along axis 0 that cover `array` in pieces small enough to convert and reduce at once."""
    row_bytes = max(1, array.nbytes // max(1, len(array)))
    rows = max(1, _PIECE_BYTES // row_bytes)
    return [slice(start, start + rows) for start in range(0, len(array), rows)]


def check_finite(array: Array | StoredArray, where: str) -> None:
    """Raises if a floating array holds NaN or infinity, naming the first row."""
    if array.dtype.kind not in "fc":
        return
    if isinstance(array, np.ndarray):  # of what is repeated by broadcasting, once is enough
        array = array[tuple(slice(0, 1) if step == 0 else slice(None) for step in array.strides)]
    for piece in pieces(array):
        finite = np.isfinite(array[piece])
        if not finite.all():
            row = piece.start + int(np.argwhere(~finite)[0][0])
            value = "NaN" if np.isnan(array[row]).any() else "infinity"
            raise NotFiniteDataError(
                where, f"{value} in row {row}", "expected finite numbers", "remove those rows or fill the gaps first"
            )


def length_of(dataset: Any, where: str) -> int:
    """The number of examples, where a data set has one: a stream need not end."""
    if not hasattr(dataset, "__len__"):
        raise DataError(
            where, f"a data set of type {type(dataset).__name__} without a length", "expected __len__ and __getitem__",
            "of a stream, take as many examples as you need into a list: list(itertools.islice(stream, 1000))",
        )  # fmt: skip
    return len(dataset)


def example_weights(given: Array) -> Array:
    """The field `weight` of some examples: one number >= 0 for each."""
    good = given.ndim == 1 and given.dtype.kind in "fiub"
    if not good or not bool(np.isfinite(given).all()) or float(given.min(initial=0.0)) < 0:
        held = "numbers below 0 or not finite" if good else f"{given.dtype}{list(given.shape)}"
        raise DataError(
            "weight", held, "expected one finite number >= 0 for each example",
            "give the field another name if it does not hold weights of examples",
        )  # fmt: skip
    return given.astype(np.float32)


def check_labels(labels: Array, classes: int | None, where: str) -> int:
    """Checks integer class labels and returns the number of classes, which is counted when `classes` is None."""
    if labels.dtype.kind not in "iub" or labels.ndim != 1:
        raise DataError(
            where,
            f"labels of dtype {labels.dtype} and shape {list(labels.shape)}",
            "expected one integer class number per example",
            "encode the classes as 0, 1, 2, ...",
        )
    if len(labels) == 0:
        raise DataError(where, "no label", "expected at least one row", "check the file or the filter")
    low, high = int(labels.min()), int(labels.max())
    count = min(high + 1, MOST_CLASSES) if classes is None else classes
    if low < 0 or high >= count:
        wrong = int(np.flatnonzero((labels < 0) | (labels >= count))[0])
        raise DataError(
            where,
            f"label {int(labels[wrong])} in row {wrong}",
            f"expected labels from 0 to {count - 1}",
            "encode the classes as 0, 1, 2, ... or give the right number of classes",
        )
    return count


def columns(source: Source, wanted: Sequence[str], optional: Sequence[str] = (), batch: int = 4096) -> Fields:
    """Fields of every example, in order; the optional ones where there are such."""
    rows = np.arange(len(source), dtype=np.int64)
    with drawing.batch(0, 0):  # the same each time, so that what is learned from it is too
        parts = [source.fetch(rows[start : start + batch]) for start in range(0, max(1, len(rows)), batch)]
    for name in wanted:
        if name not in parts[0]:
            raise DataError(
                "data", f"no field {name!r}", f"expected one of {', '.join(parts[0])}", "name a field that the data has"
            )
    there = [*wanted, *(name for name in optional if name in parts[0])]
    return {name: np.concatenate([part[name] for part in parts]) for name in there}


def rows_of(arrays: Mapping[str, Array | StoredArray], rows: Indices) -> dict[str, Array]:
    """The same rows of each of some arrays, which have as many rows each, as arrays of their own.

    >>> fields = {"x": np.arange(10).reshape(5, 2), "y": np.arange(5)}
    >>> [one.tolist() for one in rows_of(fields, np.array([4, 0, -1])).values()]
    [[[8, 9], [0, 1], [8, 9]], [4, 0, 4]]
    """
    plain = {name: array for name, array in arrays.items() if isinstance(array, np.ndarray) and _in_pieces(array)}
    found = dict(zip(plain, _core.take_rows(list(plain.values()), rows), strict=True))
    return {name: found[name] if name in found else array.take(rows, axis=0) for name, array in arrays.items()}


def _in_pieces(array: Array) -> bool:
    """Whether each row is one piece of memory."""
    return not array.dtype.hasobject and bool(array[:1].flags.c_contiguous)


def evenly_spaced(count: int, most: int) -> Indices:
    """Of `count` rows at most so many, the first and the last among them: files are often sorted, and the first rows of
    one class.

    >>> evenly_spaced(10, 4).tolist(), evenly_spaced(2, 4).tolist()
    ([0, 3, 6, 9], [0, 1])
    """
    return np.linspace(0, count - 1, min(count, most)).astype(np.int64)


def spaced_examples(source: Source, most: int) -> Fields:
    """At most so many examples, evenly spaced; the same each time, also where examples draw random numbers.

    >>> numbers = pt.data.ArrayDataset(x=np.arange(10), y=np.zeros(10))
    >>> spaced_examples(numbers, 4)["x"].tolist()
    [0, 3, 6, 9]
    """
    with drawing.batch(0, 0):
        return source.fetch(evenly_spaced(len(source), most))


def whole(source: Source, field: str, batch: int = 4096) -> Array:
    """One field of every example, in order."""
    return columns(source, (field,), batch=batch)[field]
