"""Checks of tasks: what they name exists, and what they say of an example is plain."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, rng, same
from powertrain.data import ArrayDataset, DataModule
from powertrain.errors.methods import overridden
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
    if not overridden(task, "answer"):
        return
    draw = rng()
    source = ArrayDataset(x=draw.normal(size=(6, 3)).astype("float32"), y=draw.integers(0, 3, 6))
    dataset = DataModule("rows", subject.name, {"train": source}, 3, own_task=task)
    output = draw.normal(size=3).astype("float32")
    given = output.copy()
    try:
        said: Any = task.answer(dataset, output)
        json.dumps(said, allow_nan=False)
        with elsewhere(*subject.modules):
            again = subject.plugin.build(subject.params).answer(dataset, given.copy())
    except Exception as error:
        yield subject.raised("answer", error)
        return
    if not isinstance(said, dict):
        yield subject.finding(
            "answer", f"answer gave a {type(said).__name__}", "a table of names and values", "return a dict"
        )
    elif not same(output, given):
        yield subject.finding(
            "writes-input", "answer changes the array that it is given", "to read it", "copy before writing"
        )
    elif again != said:
        yield subject.finding(
            "not-repeatable",
            "asked again, it says something else of the same output",
            "the same",
            "keep nothing between calls, read no clock, and draw no random numbers",
        )
