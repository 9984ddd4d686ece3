"""What a loader refuses, before it holds anything."""

from __future__ import annotations

import difflib
from typing import Any

import numpy as np

from powertrain.data.errors import DataError

_WHERE = "DataLoader"
# What others, and earlier versions, call an argument, and what it is here.
_COUNTERPARTS = {
    "batch": "batch_size",
    "batchsize": "batch_size",
    "bs": "batch_size",
    "workers": "num_workers",
    "n_workers": "num_workers",
    "collate": "collate_fn",
    "drop_remainder": "drop_last",
    "source": "dataset",
    "data": "dataset",
    "random_state": "seed",
    "rng": "generator",
}
_ARGUMENTS = (
    "dataset", "batch_size", "shuffle", "sampler", "batch_sampler", "num_workers", "collate_fn", "pin_memory",
    "drop_last", "generator", "seed", "pad_last", "endless", "augment", "prefetch_factor", "persistent_workers",
    "device",
)  # fmt: skip


class DataArgumentError(DataError, TypeError):
    """An argument of a name that is not there: by Python's rules a TypeError."""


def refuse_unknown(others: dict[str, Any]) -> None:
    for name, value in others.items():
        near = difflib.get_close_matches(name, _ARGUMENTS, n=1)
        meant = _COUNTERPARTS.get(name) or (near[0] if near else None)
        shown = value if isinstance(value, (int, float, str, bool)) else "..."
        raise DataArgumentError(
            _WHERE,
            f"received {name}={shown!r}" if shown != "..." else f"received {name}=...",
            f"expected {meant}" if meant else f"expected one of {', '.join(_ARGUMENTS)}",
            f"write DataLoader(dataset, {meant}={shown})" if meant else "leave it out",
        )


def refuse_processes(timeout: Any, worker_init_fn: Any, multiprocessing_context: Any) -> None:
    """Arguments of PyTorch that concern worker processes."""
    given = {
        "timeout": timeout, "worker_init_fn": worker_init_fn, "multiprocessing_context": multiprocessing_context
    }  # fmt: skip
    for name, value in given.items():
        if value is not None and value != 0:
            raise DataError(
                _WHERE, f"received {name}={value!r}" if name == "timeout" else f"received {name}",
                "expected none: workers are threads of this process, which share its memory",
                f"leave {name} out",
            )  # fmt: skip


def check_dataset(dataset: Any) -> None:
    received = f"a data set of type {type(dataset).__name__}"
    if isinstance(dataset, tuple):
        names = ", ".join(("x", "y", "z")[: len(dataset)]) if len(dataset) <= 3 else "*arrays"
        raise DataError(
            _WHERE, received, "expected one whose len() is the number of examples",
            f"write DataLoader(pt.data.TensorDataset({names}), batch_size=32)",
        )  # fmt: skip
    if hasattr(dataset, "splits"):
        raise DataError(_WHERE, received, "expected one of its parts", "write DataLoader(data.train, batch_size=32)")
    readable = hasattr(dataset, "__getitem__") or hasattr(dataset, "fetch")
    if isinstance(dataset, (str, bytes, dict)) or not (
        (readable and hasattr(dataset, "__len__")) or hasattr(dataset, "__iter__")
    ):
        raise DataError(
            _WHERE, received, "expected __len__ and __getitem__, or __iter__",
            "hold arrays in a pt.data.TensorDataset(x, y), or derive from pt.data.Dataset",
        )  # fmt: skip


def refuse_for_streams(dataset: Any, shuffle: Any, sampler: Any, batch_sampler: Any) -> None:
    if iter(dataset) is dataset:
        raise DataError(
            _WHERE, f"a stream of type {type(dataset).__name__}, which can be read only once",
            "expected one that starts again in each epoch",
            "derive from pt.data.IterableDataset and make the generator in __iter__",
        )  # fmt: skip
    for name, value in (("shuffle", shuffle), ("sampler", sampler), ("batch_sampler", batch_sampler)):
        if value is not None and value is not False:
            raise DataError(
                _WHERE, f"received {name} for a stream of type {type(dataset).__name__}",
                "expected none: a stream is read in its own order",
                "shuffle inside of the stream, or give the data set __len__ and __getitem__",
            )  # fmt: skip


def _of(value: Any) -> str:
    return f"that is the class {value.__name__}" if isinstance(value, type) else f"of type {type(value).__name__}"


def check_batch_sampler(
    batch_sampler: Any, batch_size: Any, shuffle: Any, sampler: Any, drop_last: Any, pad_last: Any
) -> None:
    """Lists of rows, and nothing that they decide on."""
    if isinstance(batch_sampler, type) or not hasattr(batch_sampler, "__iter__"):
        raise DataError(
            _WHERE, f"a batch_sampler {_of(batch_sampler)}", "expected lists of row numbers",
            "for example batch_sampler=pt.data.BatchSampler(sampler, 32, drop_last=False)",
        )  # fmt: skip
    given = {
        "batch_size": batch_size != 1, "shuffle": bool(shuffle), "sampler": sampler is not None,
        "drop_last": bool(drop_last), "pad_last": bool(pad_last),
    }  # fmt: skip
    for name, present in given.items():
        if present:
            raise DataError(
                _WHERE, f"received batch_sampler and {name}", "expected one of them: batch_sampler says it all",
                f"leave {name} out",
            )  # fmt: skip


def check_numbers(batch_size: Any, num_workers: Any, prefetch_factor: Any) -> None:
    for name, value, least, most, fix in (
        ("batch_size", batch_size, 1, None, "64 is usual; iterate over the data set itself for single examples"),
        ("num_workers", num_workers, 0, 256, "0 is usual"),
        ("prefetch_factor", 2 if prefetch_factor is None else prefetch_factor, 1, 1024, "2 is usual"),
    ):
        whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
        if not whole or value < least or (most is not None and value > most):
            span = f">= {least}" if most is None else f"from {least} to {most}"
            raise DataError(_WHERE, f"{name} = {value!r}", f"expected a whole number {span}", fix)


def check_choices(shuffle: Any, sampler: Any, drop_last: Any, pad_last: Any, collate_fn: Any) -> None:
    if shuffle not in (None, True, False):
        raise DataError(_WHERE, f"shuffle = {shuffle!r}", "expected True or False", "name the argument")
    if shuffle and sampler is not None:
        raise DataError(
            _WHERE, "received shuffle and sampler", "expected one of them: the sampler is the order",
            "leave shuffle out",
        )  # fmt: skip
    if sampler is not None and (isinstance(sampler, type) or not hasattr(sampler, "__iter__")):
        raise DataError(
            _WHERE, f"a sampler {_of(sampler)}", "expected a Sampler or row numbers",
            "for example sampler=pt.data.RandomSampler(dataset)",
        )  # fmt: skip
    if collate_fn is not None and not callable(collate_fn):
        raise DataError(
            _WHERE, f"a collate_fn of type {type(collate_fn).__name__}", "expected a function of a list of examples",
            "for example collate_fn=pt.data.collate",
        )  # fmt: skip
    if drop_last and pad_last:
        raise DataError(_WHERE, "received drop_last and pad_last", "expected one of them", "leave one out")
    if pad_last and collate_fn is not None:
        raise DataError(
            _WHERE, "received pad_last and collate_fn", "expected one of them: collate_fn makes the whole batch",
            "leave pad_last out",
        )  # fmt: skip
