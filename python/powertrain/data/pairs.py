"""Examples of a caller's data set as a run reads them: pairs of numbers, and what weighs them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from powertrain.data.classes import class_number, classes_to_name
from powertrain.data.collate import as_fields, stacked
from powertrain.data.dataset import ConcatDataset, Dataset, IterableDataset, Subset, item
from powertrain.data.errors import DataError
from powertrain.data.head import Over
from powertrain.data.order import Cursor
from powertrain.data.source import (
    Array,
    Fields,
    Indices,
    Source,
    anew,
    by_rows,
    check_labels,
    example_weights,
    fetch_scaled,
    fetch_training,
    whole,
)
from powertrain.errors.methods import missing
from powertrain.io.plain_number import plain_number

if TYPE_CHECKING:
    from powertrain.data.module import DataModule
    from powertrain.data.scaling import Scaling


SEVERAL_INPUTS = (
    "join them by numpy.concatenate([...], axis=1), or train a model of several inputs in a loop of your own, as "
    "docs/guides/training-loop.md#several-inputs shows"
)


class Pairs(Dataset):
    """A data set whose examples come one by one, with fields x and y; numbers of float64 become float32."""

    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset
        self.dtype: np.dtype[Any] | None = None  # of y, once the task is known

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, index: int) -> dict[str, Array]:
        pair = _pair(item(self.dataset, index))
        return pair if self.dtype is None else {**pair, "y": pair["y"].astype(self.dtype)}

    def targets(self) -> Array:
        """Every y: where the data set has them, without making an example."""
        known = _targets(self.dataset)
        return whole(self, "y", batch=64) if known is None else known


class StoredPairs(Pairs):
    """The same of a data set that stays in its files and gives whole batches."""

    @anew("dataset")
    def fetch(self, indices: Indices) -> Fields:
        fields = self.dataset.fetch(indices)
        _demand_pairs(fields)
        y = numbers(fields, "y")
        return {**fields, "x": numbers(fields, "x"), "y": y if self.dtype is None else y.astype(self.dtype)}


def numbers(fields: Fields, name: str) -> Array:
    """A field of a data set that may hold texts or bytes, in lists, as numbers; those of float64 become float32."""
    if isinstance(fields[name], np.ndarray):
        return narrow(fields[name])
    raise DataError(
        "data", f"texts or bytes in {name}", "expected numbers",
        "number the classes, 0, 1, 2, ..., in the file; or decode them: pt.data.Mapped(dataset, function)",
    )  # fmt: skip


class PairStream(Over):
    """A stream whose examples have fields x and y: whole numbers y are classes, others targets in float32."""

    def __init__(self, stream: IterableDataset) -> None:
        if id(iter(stream)) == id(stream):  # an iterator
            raise DataError(
                "data", f"a {type(stream).__name__}, which can be read only once",
                "expected a stream that starts again for each epoch",
                "derive from pt.data.IterableDataset, and iterate in its __iter__",
            )  # fmt: skip
        self.stream = stream

    def __iter__(self) -> Iterator[dict[str, Array]]:
        for example in self.stream:
            pair = _pair(example)
            is_class = pair["y"].ndim == 0 and pair["y"].dtype.kind in "iub"
            yield {**pair, "y": pair["y"].astype(np.int64 if is_class else np.float32)}


def _pair(example: object) -> dict[str, Array]:
    fields = as_fields(stacked([example]))
    _demand_pairs(fields)
    kept = {"x": narrow(fields["x"]), "y": narrow(fields["y"])}
    if "weight" in fields:
        kept["weight"] = fields["weight"]
    return {name: value[0] for name, value in kept.items()}


def _demand_pairs(fields: Mapping[str, Any]) -> None:
    several = next((name for name in ("x", "y") if isinstance(fields.get(name), (tuple, Mapping))), None)
    if several:
        raise DataError(
            "data", f"examples whose {several} is a {type(fields[several]).__name__} of {len(fields[several])}",
            "expected one array for an input, and one for a target", SEVERAL_INPUTS,
        )  # fmt: skip
    if not {"x", "y"} <= set(fields):
        raise DataError(
            "data", f"examples of {', '.join(fields)}", "expected pairs of an input and a target",
            "give x, y as an example, or a dict of x and y",
        )  # fmt: skip


def _targets(dataset: Any) -> Array | None:
    """The class numbers that a data set lists, as those of torchvision do."""
    if isinstance(dataset, Subset):
        inner = _targets(dataset.dataset)
        return None if inner is None else inner[dataset.indices]
    if isinstance(dataset, ConcatDataset):
        parts = [_targets(one) for one in dataset.datasets]
        return None if any(part is None for part in parts) else np.concatenate(parts)  # type: ignore[arg-type]
    if getattr(dataset, "target_transform", None) is not None or not hasattr(dataset, "targets"):
        return None
    found = np.asarray(dataset.targets)
    return found if found.dtype.kind in "iu" and found.shape == (len(dataset),) else None


def class_names(source: Any) -> list[str]:
    """The names of the classes of a data set, as those of torchvision have them."""
    inner = getattr(source, "dataset", None) or getattr(source, "stream", None)
    return list(getattr(source, "classes", ())) or ([] if inner is None else class_names(inner))


class Weighing(Dataset):
    """A source whose rows have a weight more, which multiplies one that they have."""

    def __init__(self, source: Source, weight: Array) -> None:
        self.source, self.weight = source, weight

    def __len__(self) -> int:
        return len(self.source)

    def targets(self) -> Array:
        """Every y: weights change none."""
        return _targets_of(self.source)

    @abstractmethod
    def weights(self, indices: Indices, fields: Fields) -> Array:
        """A weight for each row."""
        raise missing(self, "weights")

    def _weighed(self, indices: Indices, fields: Fields) -> Fields:
        weight = self.weights(indices, fields)
        return {**fields, "weight": example_weights(fields["weight"]) * weight if "weight" in fields else weight}

    @anew("source")
    @by_rows("source")
    def fetch(self, indices: Indices) -> Fields:
        return self._weighed(indices, self.source.fetch(indices))

    @by_rows("source")
    def fetch_changed(self, indices: Indices, seed: int, call: Cursor) -> Fields:
        return self._weighed(indices, fetch_training(self.source, indices, seed, call))

    def fetch_scaled(self, indices: Indices, field: str, scaling: Scaling) -> Fields | None:
        """The rows `indices` with one field scaled, where the source does that in one pass; else None."""
        fields = fetch_scaled(self.source, indices, field, scaling)
        return None if fields is None else self._weighed(indices, fields)


def _targets_of(source: Source) -> Array:
    return source.targets() if isinstance(source, (Pairs, Weighing)) else whole(source, "y")


class WithWeights(Weighing):
    """Rows with weights of their own."""

    def weights(self, indices: Indices, fields: Fields) -> Array:
        return self.weight[indices]


class WithClassWeights(Weighing):
    """Rows that count as their class does: of targets that are shares, as the mean of the classes."""

    by_row = False  # a product of more rows may have other bits

    def weights(self, indices: Indices, fields: Fields) -> Array:
        y = fields["y"]
        return self.weight[y] if y.ndim == 1 else (y @ self.weight).astype(np.float32)


def example_weights_of(given: Any, count: int) -> Array:
    """`sample_weight` for as many examples."""
    weight = np.asarray(given)
    if weight.shape != (count,) or weight.dtype.kind not in "fiub":
        raise DataError(
            "sample_weight", f"{weight.dtype}{list(weight.shape)}",
            f"expected {count:,} numbers, one for each training example", "pass an array as long as y",
        )  # fmt: skip
    return example_weights(weight)


def class_weights(given: Any, dataset: DataModule) -> Array:
    """`class_weight` as a number for each class: a dict by number or name (1 for those that are not in it), a list, or
    "balanced", for which every class of the training examples counts alike."""
    where, count = "class_weight", dataset.outputs
    if not dataset.kind.classes:
        raise DataError(where, f"weights of classes for a {dataset.task} task", "expected classes", "leave it out")
    if isinstance(given, str) and given == "balanced":
        y = _targets_of(dataset.train)
        check_labels(y, count, where)
        found = np.bincount(y, minlength=count)
        return (len(y) / (np.count_nonzero(found) * np.maximum(found, 1))).astype(np.float32)
    if isinstance(given, Mapping):
        return _of_table(given, dataset)
    values = np.asarray(given)
    if values.shape != (count,):
        raise DataError(
            where, repr(given) if isinstance(given, str) else f"{type(given).__name__}{list(values.shape)}",
            f'expected a dict, {count} numbers, one a class, or "balanced"', "for example class_weight={0: 1, 1: 5}",
        )  # fmt: skip
    return np.array([_weight_of(value, f"{where} {at}") for at, value in enumerate(values.tolist())], np.float32)


def named_classes(given: Any) -> int:
    """How many classes `class_weight` speaks of, by their numbers."""
    if isinstance(given, Mapping):
        return 1 + max((int(key) for key in given if isinstance(key, (int, np.integer))), default=-1)
    return 0 if isinstance(given, str) or np.ndim(given) != 1 else len(given)


def _of_table(given: Mapping[Any, Any], dataset: DataModule) -> Array:
    weight = np.ones(dataset.outputs, np.float32)
    for key, value in given.items():
        at = class_number(dataset, key)
        if at is None:
            raise DataError(
                "class_weight", f"the class {plain_number(key)!r}", f"expected {classes_to_name(dataset)}",
                "name the classes as y does",
            )  # fmt: skip
        weight[at] = _weight_of(value, f"class_weight {key!r}")
    return weight


def _weight_of(value: Any, where: str) -> float:
    value = plain_number(value)
    if not (isinstance(value, (int, float)) and np.isfinite(value) and value >= 0):
        raise DataError(where, f"the weight {value!r}", "expected a finite number >= 0", "1 is usual")
    return float(value)


def narrow(array: Array) -> Array:
    """Numbers of float64, or wider, as float32; one too large for it becomes an infinity, which the source refuses."""
    with np.errstate(over="ignore"):
        return array.astype(np.float32) if array.dtype.kind == "f" and array.dtype.itemsize > 4 else array
