"""Checks of data sets and transforms: random access, lengths that are true, what is learned on the training part."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from powertrain.conformance.changes import check_random_transform
from powertrain.conformance.finding import (
    Finding,
    Subject,
    changed,
    held_on,
    no_global_random,
    not_numbers,
    rng,
    same,
)
from powertrain.data import DataError, DataLoader, DataModule
from powertrain.plugin.params import suggestion
from powertrain.plugin.protocols import is_random
from powertrain.plugin.registry import registry
from powertrain.plugin.tasks import OWN

MOST_ROWS = 64
USUAL = ("classification", "regression", "language")  # a control task has environments, and no rows


def tasks() -> list[str]:
    """The tasks that data may have."""
    others = (plugin.name for plugin in registry().plugins("task") if plugin.name not in OWN)
    return [*USUAL, *dict.fromkeys(others)]


def check_data(subject: Subject) -> Iterator[Finding]:
    folder = Path(subject.plugin.examples_folder)
    try:
        with no_global_random(subject, "build") as drawn:
            dataset = subject.plugin.build(subject.params, folder)
    except DataError as error:  # it says what is missing: its files are not here
        yield subject.finding(
            "not-here", f"build could not be tried: {error}", "its data", "make it available, and check again"
        )
        return
    except Exception as error:
        yield subject.raised("build", error)
        return
    yield from drawn
    if not isinstance(dataset, DataModule) or "train" not in dataset.splits:
        is_module = isinstance(dataset, DataModule)
        received = f"the parts {', '.join(dataset.splits)}" if is_module else type(dataset).__name__
        yield subject.finding(
            "not-a-dataset",
            f"build gave {received}",
            "a powertrain.data.DataModule with a part train",
            "return DataModule(name, task, {'train': source}, outputs)",
        )
        return
    if dataset.own_task is None and dataset.task not in tasks():
        yield subject.finding(
            "not-a-dataset",
            f"its task is {dataset.task!r}",
            f"one of {', '.join(tasks())}{suggestion(str(dataset.task), tasks())}",
            "fix the second argument of DataModule",
        )
        return
    if dataset.labels and len(dataset.labels) != dataset.outputs:
        yield subject.finding(
            "outputs",
            f"there are {len(dataset.labels)} labels and outputs = {dataset.outputs}",
            "a name for each",
            "make labels and outputs alike, or leave labels out",
        )
        return
    forms: dict[str, str] = {}
    for part, source in dataset.splits.items():
        if not len(source):
            yield subject.finding("not-a-dataset", f"the part {part} has no rows", "some", "leave an empty part out")
            return
        try:
            found = list(_source(subject, dataset, part, source))
        except Exception as error:
            found = [subject.raised(f"the part {part}", error)]
        yield from found
        if found:
            return
        x = np.asarray(source.fetch(np.zeros(1, np.int64))["x"])
        forms[part] = f"{x.dtype}{list(x.shape[1:])}"
        if forms[part] != forms["train"]:
            yield subject.finding(
                "fields",
                f"an example of {part} is {forms[part]}, and one of train {forms['train']}",
                "the same, since one model takes both",
                "make the parts alike",
            )
            return
    yield from _resumes(subject, dataset)


def _source(subject: Subject, dataset: DataModule, part: str, source: Any) -> Iterator[Finding]:
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


def _resumes(subject: Subject, dataset: DataModule) -> Iterator[Finding]:
    """A loader that takes up a cursor gives the batches that came after it."""
    loaders = [
        DataLoader(dataset.train, min(8, len(dataset.train)), shuffle=True, seed=3, endless=True) for _ in range(2)
    ]
    first = iter(loaders[0])
    next(first)
    loaders[1].load_state_dict(loaders[0].state_dict())
    if not same(next(first).x, next(iter(loaders[1])).x):
        yield subject.finding(
            "no-resume",
            "from the same cursor the source gives other batches",
            "the same ones",
            "compute each row from its index alone",
        )


def check_transform(subject: Subject) -> Iterator[Finding]:
    if is_random(subject.plugin):
        yield from check_random_transform(subject)
        return
    draw = rng()
    examples: tuple[tuple[int, ...], ...] = subject.plugin.example_shapes
    shapes = [(12, *shape) for shape in examples]
    errors: list[Exception] = []
    worked = False
    for shape in shapes:
        x = draw.normal(size=shape).astype(np.float32)
        given = x.copy()
        try:
            with no_global_random(subject, "the transform") as drawn:
                fitted = subject.plugin.build(subject.params, x)
                made = np.asarray(fitted(x))
        except Exception as error:
            errors.append(error)
            continue
        worked = True
        found = [*drawn, *_transform(subject, fitted, x, given, made)]
        if not found and np.isfinite(made).all():
            found = list(_constant(subject, x))
        yield from found
        if found:
            return
    if not worked:
        yield subject.raised("build on arrays of usual shapes", errors[0])


def _constant(subject: Subject, x: Any) -> Iterator[Finding]:
    """A feature that never varies, as the rim of a picture: a deviation of 0, which nothing can be divided by."""
    still = x.copy()
    still.reshape(len(still), -1)[:, 0] = 0.5
    try:
        with np.errstate(all="ignore"):
            made = np.asarray(subject.plugin.build(subject.params, still)(still))
    except Exception as error:
        yield subject.raised("build on examples of which one feature never varies", error)
        return
    if not np.isfinite(made).all():
        yield subject.finding(
            "not-finite",
            "a feature that is the same in all examples comes out as no finite number",
            "numbers",
            "divide by a deviation only where it is above 0",
        )


def _transform(subject: Subject, fitted: Any, x: Any, given: Any, made: Any) -> Iterator[Finding]:
    if not same(x, given):
        yield subject.finding(
            "writes-input", "it changes the array that it is given", "a new array", "copy before writing"
        )
        return
    if made.shape[:1] != x.shape[:1]:
        yield subject.finding(
            "rows", f"{len(x)} examples become {list(made.shape)}", f"[{len(x)}, ...]", "keep the first axis as it is"
        )
        return
    before = held_on(fitted)
    alone = np.asarray(fitted(x[3:4]))
    if not same(alone[0], made[3]):
        yield subject.finding(
            "examples-mixed",
            "an example comes out differently alone than among others",
            "the same",
            "learn what all share in build, from the training part, and only apply it in __call__",
        )
    if not same(fitted(x), made):
        yield subject.finding(
            "not-repeatable", "two calls give different results", "the same bits", "draw no random numbers in it"
        )
    if names := changed(before, held_on(fitted)):
        yield subject.finding(
            "state-on-self",
            f"a call changes {', '.join(names)} of it",
            "what build learned, and nothing else",
            "learn in build",
        )
        return
    state = fitted.state()
    if wrong := not_numbers(subject, state, "numbers, which a slot can hold"):
        yield wrong
        return
    other = subject.plugin.build(subject.params, x * 3 + 1)
    other.restore({name: np.array(value) for name, value in state.items()})
    if not same(other(x), made):
        yield subject.finding(
            "state",
            "what state() gives does not make another one behave the same",
            "everything that build learned",
            "add what is missing to state() and restore()",
        )
