"""Checks of one part of a data set: every row that its length promises, each the same whenever it is asked for."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

from powertrain.conformance.finding import Finding, Subject, changed, held_on, no_global_random, rng, same
from powertrain.conformance.leaks import check_leaks
from powertrain.data import DataModule
from powertrain.data.collate import as_fields, stacked
from powertrain.data.head import begin_epoch, stream_of
from powertrain.data.source import evenly_spaced

MOST_ROWS = 64
BLOCK, MOST_SECONDS = 256, 3.0  # rows at once, and for how long, when all rows of a part are looked at


def check_stream(subject: Subject, source: Any) -> Iterator[Finding]:
    """A stream gives the same examples whenever an epoch starts again."""
    if (stream := stream_of(source)) is None:
        return
    seen = []
    for _ in range(2):
        begin_epoch(stream, 0)
        seen.append(list(itertools.islice(stream, MOST_ROWS)))
    first, again = (as_fields(stacked(examples)) if examples else {} for examples in seen)
    if set(first) != set(again) or not all(same(value, again[name]) for name, value in first.items()):
        yield subject.finding(
            "not-repeatable",
            f"iterated again, the stream gives {len(seen[1])} examples that are others than before"
            if seen[1]
            else "iterated again, the stream gives nothing",
            "the same examples for the same epoch, since a resumed run passes over those that it has seen",
            "start again in __iter__, and draw from a seed of its own and set_epoch(epoch)",
        )


def check_source(subject: Subject, dataset: DataModule, part: str, source: Any) -> Iterator[Finding]:
    count = len(source)
    rows = evenly_spaced(count, MOST_ROWS)
    before, asked = held_on(source), rows.copy()
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
    turned = rows[order]
    shuffled = source.fetch(turned)
    if not same(rows, asked) or not same(turned, rows[order]):
        yield subject.finding(
            "writes-input", "fetch changes the row numbers that it is given", "to read them", "copy before sorting them"
        )
        return
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
    found = list(_values(subject, dataset, part, fields))
    yield from found or check_all(subject, dataset, part, source, fields)
    yield from _threads(subject, part, source, rows, fields)
    yield from check_leaks(subject, f"fetch of {part}", lambda: source.fetch(rows))


def _values(subject: Subject, dataset: DataModule, part: str, fields: Any, where: str = "") -> Iterator[Finding]:
    for name, value in fields.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            yield subject.finding(
                "not-finite",
                f"{name} of {part} has values that are not finite{where}",
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
            f"targets of {part} run from {y.min()} to {y.max()}{where}",
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


def check_all(subject: Subject, dataset: DataModule, part: str, source: Any, fields: Any) -> Iterator[Finding]:
    """Every row, in blocks from all over the part, for as long as there is time: faults may begin far into it."""
    count, began = len(source), time.monotonic()
    blocks = -(-count // BLOCK)
    forms = {name: (value.dtype, value.shape[1:]) for name, value in fields.items()}
    for block in rng().permutation(blocks):
        rows = np.arange(block * BLOCK, min(count, (block + 1) * BLOCK))
        try:
            found = source.fetch(rows)
        except Exception as error:
            yield subject.raised(f"fetching rows {rows[0]:,} to {rows[-1]:,} of {part}", error)
            return
        wrong = [name for name, value in found.items() if (value.dtype, value.shape[1:]) != forms.get(name)]
        if wrong:
            value = found[wrong[0]]
            yield subject.finding(
                "fields",
                f"{wrong[0]} of rows {rows[0]:,} to {rows[-1]:,} of {part} is {value.dtype}{list(value.shape)}",
                "the dtype and shape of other rows, one for each row",
                "make all rows alike",
            )
            return
        unlike = list(_values(subject, dataset, part, found, f" in rows {rows[0]:,} to {rows[-1]:,}"))
        yield from unlike
        if unlike or time.monotonic() - began > MOST_SECONDS:
            return


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
