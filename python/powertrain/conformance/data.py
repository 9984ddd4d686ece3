"""Checks of data sets: what `build` gives, its parts one by one, and a loader that resumes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, no_global_random, same
from powertrain.conformance.parameters import cases
from powertrain.conformance.process import run_apart
from powertrain.conformance.sources import MOST_ROWS, check_source, check_stream
from powertrain.data import DataError, DataLoader, DataModule, identities, kept
from powertrain.data.errors import NotFiniteDataError
from powertrain.data.source import evenly_spaced
from powertrain.io.plain_json import dumps
from powertrain.io.records import fitted
from powertrain.plugin.packaged import left_out
from powertrain.plugin.registry import registry
from powertrain.plugin.tasks import OWN
from powertrain.plugin.wording import suggestion

# Of a data set, what no record can hold.
NOT_WRITTEN = ("read", "encode", "vocabulary", "show", "own_task", "raw")
MOST_SHARED = 0.5  # the share of a part's rows that may stand in train; few values make equal rows
USUAL = ("classification", "regression", "language")  # a control task has environments, and no rows


def tasks() -> list[str]:
    """The tasks that data may have."""
    others = (plugin.name for plugin in registry().plugins("task") if plugin.name not in OWN)
    return [*USUAL, *dict.fromkeys(others)]


def check_data(subject: Subject) -> Iterator[Finding]:
    folder = Path(subject.plugin.examples_folder).resolve()
    try:
        with no_global_random(subject, "build") as drawn:
            dataset = subject.plugin.build(subject.params, folder)
    except NotFiniteDataError as error:  # its files are here, and hold this
        yield subject.finding("not-finite", f"build raised {error}", "numbers", "fill gaps or leave those rows out")
        return
    except DataError as error:  # it says what is missing: its files are not here
        if left_out(error):
            yield subject.raised("build", error)
            return
        yield subject.finding(
            "not-here", f"build could not be tried: {error}", "its data", "make it available, and check again"
        )
        return
    except Exception as error:
        yield subject.raised("build", error)
        return
    yield from drawn
    for check in (_streams, _declared, _parts):
        yield from (found := list(check(subject, dataset)))
        if found:
            return
    found = [*_disjoint(subject, dataset), *_resumes(subject, dataset), *_reopens(subject, dataset)]
    yield from found
    if not found:
        yield from _again(subject, dataset, folder)


def _streams(subject: Subject, dataset: object) -> Iterator[Finding]:
    if isinstance(dataset, DataModule):
        for source in dataset.splits.values():
            yield from check_stream(subject, source)


def _declared(subject: Subject, dataset: object) -> Iterator[Finding]:
    """What a data set says of itself, without its rows."""
    if not isinstance(dataset, DataModule) or "train" not in dataset.splits:
        parts = f"the parts {', '.join(dataset.splits)}" if isinstance(dataset, DataModule) else ""
        yield subject.finding(
            "not-a-dataset",
            f"build gave {parts or type(dataset).__name__}",
            "a powertrain.data.DataModule with a part train",
            "return DataModule(name, task, {'train': source}, outputs)",
        )
    elif dataset.own_task is None and dataset.task not in tasks():
        yield subject.finding(
            "not-a-dataset",
            f"its task is {dataset.task!r}",
            f"one of {', '.join(tasks())}{suggestion(str(dataset.task), tasks())}",
            "fix the second argument of DataModule",
        )
    elif dataset.labels and len(dataset.labels) != dataset.outputs:
        yield subject.finding(
            "outputs",
            f"there are {len(dataset.labels)} labels and outputs = {dataset.outputs}",
            "a name for each",
            "make labels and outputs alike, or leave labels out",
        )


def _parts(subject: Subject, dataset: DataModule) -> Iterator[Finding]:
    """Each part by itself, and beside train; up to the first that is wrong."""
    forms: dict[str, str] = {}
    for part in sorted(dataset.splits, key=lambda part: part != "train"):
        source = dataset.splits[part]
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


def digest_of(dataset: DataModule) -> str:
    """What a data set holds, in few letters: some rows of each part, its labels, and what was fitted."""
    made = hashlib.sha256(repr((dataset.labels, dataset.outputs, dataset.columns, list(dataset.splits))).encode())
    for source in dataset.splits.values():
        rows = evenly_spaced(len(source), MOST_ROWS)
        for name, value in sorted(source.fetch(rows).items()):
            made.update(name.encode() + np.asarray(value).tobytes())
    for name, value in sorted(dataset.state.items()):
        made.update(name.encode() + np.asarray(value).tobytes())
    return made.hexdigest()


def _again(subject: Subject, dataset: DataModule, folder: Path) -> Iterator[Finding]:
    """Built again, at another time and in another folder, and by another process, whose sets have another order."""
    wanted = digest_of(dataset)
    with elsewhere(*subject.modules):
        other = subject.plugin.build(subject.params, folder)
        again = digest_of(other)
    if digest_of(dataset) != wanted:
        yield subject.finding(
            "shared",
            "its rows change when the data set is built once more",
            "rows of its own for each",
            "keep nothing on the class or in the module",
        )
    elif again != wanted:
        yield subject.finding(
            "not-repeatable",
            "built again at another time, in another folder, it gives other rows or labels",
            "the same ones, since a resumed run builds it again",
            "read relative paths from `base`, no clock, and draw from a seed of its own",
        )
    elif _elsewhere_built(subject, folder) not in ("", wanted):
        yield subject.finding(
            "not-repeatable",
            "another process builds other rows or labels of it",
            "the same ones, since a resumed run builds it again",
            "sort what comes from a set or a folder, sorted(set(words)), and use no hash()",
        )


def _elsewhere_built(subject: Subject, folder: Path) -> str:
    known = [repr(params) for params in cases(subject)]
    if repr(subject.params) not in known:  # parameters that somebody gave, of which the other process does not know
        return ""
    plugin, at = subject.plugin, known.index(repr(subject.params))
    request = {"task": "digest", "module": plugin.__module__, "name": plugin.__qualname__, "case": at}
    hashing = "1" if os.environ.get("PYTHONHASHSEED") == "0" else "0"
    ended = run_apart({**request, "folder": str(folder)}, plugin.__module__, PYTHONHASHSEED=hashing)
    return str(ended.answer or "")


def _disjoint(subject: Subject, dataset: DataModule) -> Iterator[Finding]:
    """What a part is measured on was not trained on. A few rows that are equal by chance are no fault."""
    trained = identities(dataset.train)
    for part in ("valid", "test"):
        held = identities(dataset.splits[part]) if part in dataset.splits else None
        if trained is None or held is None or (share := float(np.isin(held, trained).mean())) <= MOST_SHARED:
            continue
        yield subject.finding(
            "parts-overlap",
            f"{share:.0%} of the rows of {part} are rows of train too",
            "other rows, since a model knows those that it was trained on",
            "give each row to one part, or leave the part out: data.split cuts it off",
        )


def _reopens(subject: Subject, dataset: DataModule) -> Iterator[Finding]:
    """What a trained model needs of the data set comes back without its files."""
    record = fitted(json.loads(dumps(kept.record(dataset))), kept.RECORD)
    try:
        made = subject.plugin.reopen(subject.params, kept.without_examples(record, dataset.state))
    except Exception as error:
        yield subject.raised("reopen", error)
        return
    lost = [name for name in NOT_WRITTEN if getattr(dataset, name) is not None and getattr(made, name) is None]
    if lost:
        yield subject.finding(
            "not-reopened",
            f"the data set has {', '.join(lost)}, and what reopen gives has not",
            "the same, since a trained run predicts without its data",
            "make them in reopen from the parameters and kept.state: dataclasses.replace(kept, read=...)",
        )
    elif dataset.vocabulary is not None and made.vocabulary is not None:
        x = dataset.train.fetch(np.zeros(1, np.int64))["x"][0]
        if dataset.vocabulary.decode(x) != made.vocabulary.decode(x):
            yield subject.finding(
                "not-reopened",
                "the vocabulary that reopen gives decodes tokens to another text",
                "the same text",
                "put all of it into DataModule(state=...), and make it from kept.state",
            )


def _resumes(subject: Subject, dataset: DataModule) -> Iterator[Finding]:
    """A loader that takes up a cursor gives the batches that came after it."""
    loaders = [
        DataLoader(dataset.train, min(8, len(dataset.train)), shuffle=True, seed=3, endless=True) for _ in range(2)
    ]
    first = iter(loaders[0])
    next(first)
    loaders[1].load_state_dict(loaders[0].state_dict())
    if not same(next(first).arrays["x"], next(iter(loaders[1])).arrays["x"]):
        yield subject.finding(
            "no-resume",
            "from the same cursor the source gives other batches",
            "the same ones",
            "compute each row from its index alone",
        )
