"""Data sets from what a caller holds in memory: arrays, a data set, a loader, or a DataModule."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from powertrain.data.blocks import blocks_of
from powertrain.data.classes import class_numbers
from powertrain.data.dataset import ArrayDataset, as_source, gives_items, is_stream
from powertrain.data.errors import DataError
from powertrain.data.frames import column_names, demand_no_gaps, demand_same_rows, in_order, of_nullable
from powertrain.data.head import Head, stream_of
from powertrain.data.loader import DataLoader
from powertrain.data.module import DataModule
from powertrain.data.npy import StoredArray
from powertrain.data.pairs import (
    SEVERAL_INPUTS,
    Pairs,
    PairStream,
    StoredPairs,
    WithWeights,
    class_names,
    class_weights,
    example_weights_of,
    named_classes,
    narrow,
)
from powertrain.data.samplers import RandomSampler, SequentialSampler
from powertrain.data.source import Array, Source, check_labels, columns
from powertrain.io.mapped import unmapped

WANTED = "(x, y), a pt.data.Dataset or a stream of pairs, a loader or a DataModule"
# What makes numbers of a table with texts, gaps and dates.
_READ: Final = 'pass data=pt.data.from_frame(frame, target="COLUMN")'
_LOOKED_AT: Final = 1_000  # elements, for a text among them


def dataset_of(
    value: Any,
    name: str = "arrays",
    sample_weight: Any = None,
    class_weight: Any = None,
    *,
    whole_columns: bool = True,
) -> DataModule:
    """The data set of a pair (x, y), a table of such pairs by part, a pt.data.Dataset or a stream of pairs, or a loader
    of one.

    Whole numbers y [examples] are classes; other numbers are targets of regression. `sample_weight` has a number for
    each example of the training part, `class_weight` is as in `DataModule`. Without `whole_columns` whole numbers
    y [examples, 1] are refused, and classes as rows of one 1 and zeros: they may be meant as either.
    """
    if isinstance(value, DataModule):
        return weighted(value, sample_weight, class_weight)
    if isinstance(value, Mapping):
        if "train" not in value:
            raise DataError(
                "data", f"parts {', '.join(map(str, value)) or 'of no name'}", "expected train among them",
                'pass {"train": (x, y)}',
            )  # fmt: skip
        of_columns = _names_of(value["train"])
        parts = {part: _part_of(one, part, of_columns) for part, one in value.items()}
    else:
        of_columns = _names_of(value)
        parts = {"train": _part_of(value, "train")}
    source, y = parts["train"]
    train = value["train"] if isinstance(value, Mapping) else value
    if isinstance(train, (tuple, list)):
        demand_same_rows(train[0], sample_weight, "sample_weight", "weights")
    if y.dtype.kind in "iub" and y.ndim == 2 and y.shape[1] == 1 and not whole_columns:
        raise DataError(
            "data", f"y of {y.dtype}{list(y.shape)}",
            f"expected classes as whole numbers [{len(y)}], or numbers to predict as floats",
            'pass y[:, 0] for classes; y.astype("float32"), or loss="mse", for numbers',
        )  # fmt: skip
    if not whole_columns and _one_hot(y):
        raise DataError(
            "data", f"y of {y.dtype}{list(y.shape)}, one 1 in each row and zeros",
            f"expected classes as whole numbers [{len(y)}], or numbers to predict",
            'pass y.argmax(axis=1) for classes; loss="mse" for numbers',
        )  # fmt: skip
    if y.dtype.kind in "iub" and y.ndim == 1:
        classes = max(check_labels(one, None, part) for part, (_, one) in parts.items())
        task = "classification"
        known = class_names(source)
        names = known or range(classes)
        outputs, labels = max(classes, len(names)), tuple(map(str, names))
    else:
        known = []
        task, outputs, labels = "regression", 1 if y.ndim == 1 else int(np.prod(y.shape[1:])), ()
    sources = {part: _targeted(one, task) for part, (one, _) in parts.items()}
    is_open = bool(labels) and not known
    made = DataModule(name, task, sources, outputs, labels, columns=of_columns, open_classes=is_open)
    return weighted(made, sample_weight, class_weight)


def _one_hot(y: Array) -> bool:
    """Whether each row has a single 1, and zeros: how other libraries write classes."""
    return y.ndim == 2 and min(y.shape) > 1 and bool(((y == 0) | (y == 1)).all() and (y.sum(axis=1) == 1).all())


def weighted(dataset: DataModule, sample_weight: Any, class_weight: Any) -> DataModule:
    """A data set whose training examples count by these weights too."""
    given = "class_weight" if sample_weight is None else "sample_weight"
    if (sample_weight is not None or class_weight is not None) and stream_of(dataset.train) is not None:
        raise DataError(
            given, f"weights for {dataset.name}, a stream", "expected examples that have a length",
            "give each example a field weight",
        )  # fmt: skip
    if sample_weight is not None:
        weight = example_weights_of(array_of(sample_weight, "sample_weight"), len(dataset.train))
        _demand_some(weight, "sample_weight")
        source = WithWeights(dataset.train, weight)
        dataset = dataclasses.replace(dataset, splits={**dataset.splits, "train": source})
    if class_weight is not None:
        dataset = dataset.with_classes(named_classes(class_weight))
        dataset = dataclasses.replace(dataset, class_weight=class_weights(class_weight, dataset))
        _demand_some(dataset.class_weight, "class_weight")
    return dataset


def _demand_some(weight: Any, where: str) -> None:
    """Refuse weights by which no example would count."""
    if not np.any(weight):
        raise DataError(where, "only zeros", "expected a number above 0 among them", "leave it out, or correct it")


def _part_of(value: Any, where: str, names: tuple[str, ...] = ()) -> tuple[Source, Array]:
    """A source of x and y, and its targets: of a stream, those of its first examples. Examples that come one by one are
    read when they are asked for."""
    if isinstance(value, DataLoader):
        _demand_plain(value, where)
        value = value.dataset if is_stream(value.dataset) else as_source(value.dataset)
    elif is_stream(value) and hasattr(value, "batch_size") and hasattr(value, "dataset"):  # it gives batches
        raise DataError(
            where, f"a {type(value).__name__} of {type(value).__module__.partition('.')[0]}",
            "expected a pt.data.DataLoader: a run makes its own batches",
            f"pass pt.data.DataLoader(loader.dataset, batch_size={value.batch_size}, shuffle=True)",
        )  # fmt: skip
    if is_stream(value) and not hasattr(value, "__array__"):
        head = Head(PairStream(value))
        return head, columns(head, ("x", "y"))["y"]
    if _gives_pairs(value) or blocks_of(value) is not None:
        pairs = Pairs(value) if gives_items(value) else StoredPairs(value)
        return pairs, pairs.targets()
    x, y, *weight = arrays_of(value, where, names)
    return ArrayDataset({"x": x, "y": y, **({"weight": weight[0]} if weight else {})}), y


def _demand_plain(loader: DataLoader, where: str) -> None:
    """Refuse a loader that gives other examples than its data set: a run makes batches of its own."""
    sampler = loader.sampler
    if loader.collate_fn is not None:
        raise DataError(
            where, "a DataLoader with collate_fn",
            "expected one that stacks examples, since a run makes its own batches",
            "change the examples in the __getitem__ of the data set",
        )  # fmt: skip
    if loader.batch_sampler is not None or not isinstance(sampler, (RandomSampler, SequentialSampler, type(None))):
        kind = type(sampler if loader.batch_sampler is None else loader.batch_sampler).__name__
    elif isinstance(sampler, RandomSampler) and (sampler.replacement or sampler.count != sampler.size):
        kind = "RandomSampler of other rows than each once"
    else:
        return
    raise DataError(
        where, f"a DataLoader with a {kind}", "expected one of every row once, since a run draws its own order",
        "pass pt.data.Subset(dataset, rows) to choose rows; class_weight or sample_weight to weigh them",
    )  # fmt: skip


def _gives_pairs(value: Any) -> bool:
    """Whether it is a data set of single examples, and no array, list or pair of arrays."""
    if isinstance(value, (tuple, list, str, bytes, Mapping)) or hasattr(value, "__array__") or hasattr(value, "dtype"):
        return False
    return hasattr(value, "__len__") and hasattr(value, "__getitem__") and not is_stream(value) and gives_items(value)


def _targeted(source: Source, task: str) -> Source:
    """A source whose targets have the dtype of the task."""
    dtype = np.dtype(np.int64 if task == "classification" else np.float32)
    if isinstance(source, Pairs):
        source.dtype = dtype
    elif isinstance(source, ArrayDataset):
        source.arrays["y"] = source.arrays["y"][:].astype(dtype, copy=False)
    return source


def classification(
    name: str, splits: Mapping[str, tuple[Array | StoredArray, Array]], labels: tuple[str, ...]
) -> DataModule:
    """A checked DataModule from (x, class number) arrays by split."""
    sources: dict[str, Source] = {}
    for split, (x, y) in splits.items():
        if x.shape[:1] != y.shape[:1] or x.ndim == 0:
            raise DataError(
                f"{name} {split}", f"{_count(x)} examples and {_count(y)} labels", "expected as many of each",
                "the files do not belong together; download them again",
            )  # fmt: skip
        check_labels(y, len(labels), f"{name} {split}")
        sources[split] = ArrayDataset(x=x, y=y.astype(np.int64))
    return DataModule(name, "classification", sources, len(labels), labels)


def _count(array: Array | StoredArray) -> str:
    return f"{len(array):,}" if array.ndim else "a single number of"


def with_part(dataset: DataModule, part: str, value: Any) -> DataModule:
    """A data set with one part more, given as (x, y), of the classes that the data set has, which y may name. Of a
    table it may be a frame with its targets, and x a frame or the columns in their order: they are encoded as the
    training rows were."""
    if dataset.labelled is not None and column_names(value):
        found = dataset.labelled(value)
        value = value if found is None else found
    elif isinstance(value, (tuple, list)) and len(value) == 2:
        x, y = value
        encoded = dataset.encode(x) if dataset.encode is not None and (dataset.raw or _names_of(value)) else None
        if encoded is not None:
            demand_same_rows(x, y, part, "targets")
            x = encoded
        value = x, targets_of(dataset, y, part) if dataset.raw or _are_texts(y) else y
    source, y = _part_of(value, part, dataset.columns)
    if dataset.kind.classes:
        dataset = dataset.with_classes(check_labels(y, None if dataset.open_classes else dataset.outputs, part))
    task = "classification" if dataset.kind.classes else "regression"
    return dataclasses.replace(dataset, splits={**dataset.splits, part: _targeted(source, task)})


def targets_of(dataset: DataModule, y: Any, where: str) -> Array:
    """Targets as the data set has them. Classes of a table are given as its column has them; those of other data by
    their names or their numbers."""
    if not dataset.kind.classes:
        return array_of(y, f"{where} y")
    values = np.asarray(y)
    if values.ndim == 1 and dataset.raw is not None:
        made: Array = dataset.raw.targets(values)
    elif _are_texts(values):
        made = class_numbers(values.tolist(), dataset.labels)
    else:
        made = array_of(y, f"{where} y")
        if not dataset.kind.tokens:
            check_labels(made, dataset.outputs, f"{where} y")
        return made
    if (made < 0).any():
        raise DataError(
            where, f"the class {values[np.flatnonzero(made < 0)[0]]!s}",
            f"expected one of {', '.join(dataset.labels[:12])}", "use the class names of the training data",
        )  # fmt: skip
    return made


def _are_texts(y: Any) -> bool:
    """Whether targets are names of classes."""
    values = np.asarray(y)
    return values.ndim == 1 and len(values) > 0 and isinstance(values[0], str)


def arrays_of(value: Any, where: str, names: tuple[str, ...] = ()) -> tuple[Array, ...]:
    """Inputs, targets and, of a data set that has it, the field `weight`. Numbers of float64 become float32, in which
    models compute. Of a data frame the inputs are the columns of these names, if there are any."""
    weight: tuple[Array, ...] = ()
    if isinstance(value, Source) and not isinstance(value, (tuple, list)):
        fields = columns(value, ("x", "y"), ("weight",))
        weight = (fields["weight"],) if "weight" in fields else ()
        value = fields["x"], fields["y"]
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        count = f" of {len(value)}" if isinstance(value, (tuple, list)) else ""
        fix = _READ if hasattr(value, "columns") else "pass inputs and targets"
        raise DataError(where, f"a {type(value).__name__}{count}", f"expected {WANTED}", fix)
    x = array_of(in_order(value[0], names, f"{where} x"), f"{where} x")
    y = array_of(value[1], f"{where} y")
    demand_same_rows(value[0], value[1], where, "targets")
    if len(x) != len(y):
        raise DataError(
            where, f"{len(x):,} examples and {len(y):,} targets", "expected as many of each", "check the first axes"
        )
    return narrow(x), narrow(y), *weight


def _names_of(value: Any) -> tuple[str, ...]:
    """The names of the inputs in a pair (x, y)."""
    return column_names(value[0]) if isinstance(value, (tuple, list)) and len(value) == 2 else ()


def array_of(value: Any, where: str) -> Array:
    """Numbers with one row for each example."""
    try:
        array = np.asarray(value)
    except Exception as error:
        several = isinstance(value, (tuple, list)) and all(hasattr(one, "shape") for one in value)
        if several:
            raise DataError(
                where, f"arrays of shapes {', '.join(str(list(one.shape)) for one in value)}",
                "expected one array, with a row for each example", SEVERAL_INPUTS,
            ) from None  # fmt: skip
        raise DataError(
            where, f"a {type(value).__name__}: {error}", "expected an array of numbers", "convert it"
        ) from None
    if array.dtype == object and hasattr(value, "iloc"):
        array = of_nullable(value, array, where)
    if array.ndim == 0 or array.dtype.kind not in "fiub":
        received = f"{array.dtype}{list(array.shape)}" if array.ndim else f"a {type(value).__name__}"
        raise DataError(where, received, "expected numbers, one row for each example", _to_numbers(array, value))
    if isinstance(value, np.ma.MaskedArray):
        fix = "fill them, such as array.filled(0), or leave the rows out"
        demand_no_gaps(np.ma.getmaskarray(value), "masked numbers", where, fix)
    native = array.dtype.newbyteorder("=")
    return np.asarray(unmapped(array, where)).astype(native, copy=False)


def _to_numbers(array: Array, value: Any) -> str:
    """How what an array has becomes numbers."""
    if hasattr(value, "iloc") and array.ndim == 2:
        return _READ
    if array.ndim == 0:
        return "write value.toarray() for a sparse matrix, and numpy.array(list(value)) for what is iterated"
    mixed = array.ndim > 0 and array.dtype == object
    if mixed and not any(isinstance(one, str) for one in array.ravel()[:_LOOKED_AT]):
        return "fill what is None (null in JSON), make rows of one length, or number the classes of texts"
    return _READ if array.ndim > 1 else "number the classes of texts: labels, y = numpy.unique(y, return_inverse=True)"
