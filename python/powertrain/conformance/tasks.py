"""Checks of tasks: what they name exists, and what they say of an example is plain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from powertrain.conformance.finding import Finding, Subject, rng
from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin.registry import PluginError, registry


def check_task(subject: Subject) -> Iterator[Finding]:
    task = subject.plugin.build(subject.params)
    named = [("loss", task.loss)] if task.loss else []
    for group, name in [*named, *(("metric", name) for name in task.metrics)]:
        try:
            registry().find(group, name)
        except PluginError as error:
            yield subject.finding(
                "unknown-name", f"it names the {group} {name}: {error}", f"a {group} that is installed", "name one"
            )
    draw = rng()
    source = ArrayDataset(x=draw.normal(size=(6, 3)).astype("float32"), y=draw.integers(0, 3, 6))
    dataset = DataModule("rows", subject.name, {"train": source}, 3, own_task=task)
    try:
        said: Any = task.answer(dataset, draw.normal(size=3).astype("float32"))
        json.dumps(said, allow_nan=False)
    except Exception as error:
        yield subject.raised("answer", error)
        return
    if not isinstance(said, dict):
        yield subject.finding(
            "answer", f"answer gave a {type(said).__name__}", "a table of names and values", "return a dict"
        )
