"""Checks of one part of a data set: every row that its length promises, each the same whenever it is asked for."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

from powertrain.conformance.finding import Finding, Subject, changed, held_on, no_global_random, rng, same
from powertrain.data import DataModule

MOST_ROWS = 64


def check_source(subject: Subject, dataset: DataModule, part: str, source: Any) -> Iterator[Finding]:
    count = len(source)
    rows = np.unique(np.linspace(0, count - 1, min(count, MOST_ROWS)).astype(np.int64))
    before = held_on(source)
    try:
        with no_global_random(subject, "fetch") as drawn:
            fields = source.fetch(rows)
    except (IndexError, KeyError, ValueError) as error:
        yield subject.finding(
            "length-lies",
            f"len of {part} is {count:,}, and fetching rows up to {count - 1:,} raised {type(error).__name__}: {error}",
            "every row that its length promises",
            "make __len__ say how many rows there are",
            error,
        )
        return
    yield from drawn
    short = {name: len(value) for name, value in fields.items() if len(value) != len(rows)}
    if short:
        name, received = next(iter(short.items()))
        yield subject.finding(
            "length-lies",
            f"{len(rows)} rows of {part} were asked for, and {name} has {received}",
            "as many as asked for",
            "make __len__ say how many rows there are, and give each index its row",
        )
        return
    missing = {"x", "y"} - set(fields)
    if missing:
        yield subject.finding(
            "fields",
            f"{part} has no {' and no '.join(sorted(missing))}",
            "the fields x and y",
            "name the arrays of fetch x and y",
        )
        return
    odd = [name for name in ("x", "y") if np.asarray(fields[name]).dtype.kind not in "biufc"]
    if odd:
        yield subject.finding(
            "fields",
            f"{' and '.join(f'{name} of {part} is {np.asarray(fields[name]).dtype}' for name in odd)}",
            "arrays of numbers",
            "encode texts as numbers, and make one array of objects",
        )
        return
    copies = {name: np.array(value) for name, value in fields.items()}
    order = rng().permutation(len(rows))
    shuffled = source.fetch(rows[order])
    if names := [name for name, value in fields.items() if not same(value, copies[name])]:
        yield subject.finding(
            "reused-array",
            f"{', '.join(names)} that fetch gave changes when it is called again",
            "arrays of their own for each call, since a loader prefetches",
            "make new arrays in fetch, or give a copy",
        )
        return
    one = source.fetch(rows[-1:])
    again = source.fetch(rows)
    for name, value in fields.items():
        if not same(value, again[name]):
            yield subject.finding(
                "not-repeatable",
                f"fetching the same rows of {part} twice gives different {name}",
                "the same bits",
                "keep no position and draw no random numbers in fetch; the loader has the cursor",
            )
            return
        if not same(np.asarray(value)[order], shuffled[name]) or not same(np.asarray(value)[-1:], one[name]):
            yield subject.finding(
                "no-random-access",
                f"{name} of a row of {part} depends on the other rows that are asked for",
                "each index to give its own row, in the order asked for",
                "use the indices, not a position",
            )
            return
    if names := changed(before, held_on(source)):
        yield subject.finding(
            "state-on-self",
            f"fetch changes {', '.join(names)} of the source",
            "a source without a position",
            "compute each row from its index alone",
        )
    yield from _values(subject, dataset, part, fields)
    yield from _threads(subject, part, source, rows, fields)


def _values(subject: Subject, dataset: DataModule, part: str, fields: Any) -> Iterator[Finding]:
    for name, value in fields.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            yield subject.finding(
                "not-finite",
                f"{name} of {part} has values that are not finite",
                "numbers",
                "fill gaps or leave those rows out",
            )
    y = np.asarray(fields["y"])
    counted = dataset.task in ("classification", "language")
    shares = y.ndim == 2 and y.shape[1] == dataset.outputs
    fits = y.shape[1:] == (dataset.outputs,) or (y.ndim == 1 and dataset.outputs == 1)
    if counted and y.dtype.kind == "f" and not shares and dataset.outputs > 1:
        yield subject.finding(
            "outputs", f"targets of {part} are {y.dtype}", "class numbers, which are integers", 'use astype("int64")'
        )
    elif counted and (y.min() < 0 or y.max() >= max(2, dataset.outputs)):
        yield subject.finding(
            "outputs",
            f"targets of {part} run from {y.min()} to {y.max()}",
            f"0 to {dataset.outputs - 1}, as outputs = {dataset.outputs} says",
            "number the classes from 0, and count them in outputs",
        )
    elif dataset.task == "regression" and not fits:
        yield subject.finding(
            "outputs",
            f"a target of {part} is {list(y.shape[1:])}, and outputs = {dataset.outputs}",
            f"{[dataset.outputs]} numbers for each example",
            "make y and outputs alike",
        )


def _threads(subject: Subject, part: str, source: Any, rows: Any, fields: Any) -> Iterator[Finding]:
    """Four workers at once, as a loader with workers does."""
    wrong: list[str] = []

    def work() -> None:
        for _ in range(8):
            try:
                if not all(same(value, fields[name]) for name, value in source.fetch(rows).items()):
                    wrong.append("other values")
            except Exception as error:
                wrong.append(f"{type(error).__name__}: {error}")

    workers = [threading.Thread(target=work) for _ in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if wrong:
        yield subject.finding(
            "threads-differ",
            f"four threads that fetch from {part} at once get {wrong[0]}",
            "what one gets",
            "share nothing that changes: open a file in each call, or read with offsets",
        )
