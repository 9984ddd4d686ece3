"""Checks of data sets: what `build` gives, its parts one by one, and a loader that resumes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from powertrain.conformance.finding import Finding, Subject, no_global_random, same
from powertrain.conformance.sources import check_source
from powertrain.data import DataError, DataLoader, DataModule
from powertrain.plugin.params import suggestion
from powertrain.plugin.registry import registry
from powertrain.plugin.tasks import OWN

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
            found = list(check_source(subject, dataset, part, source))
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
