"""Checks of two models of one plugin: each has its own weights, and the slots of one are all that another needs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.finding import Finding, Subject, rng, same
from powertrain.conformance.leaks import check_leaks
from powertrain.plugin.protocols import Inputs

ROWS = 5


def batch_of(inputs: Inputs, count: int = ROWS) -> Any:
    if inputs.dtype == "int64":  # tokens
        words = inputs.vocabulary or inputs.outputs
        return rng().integers(0, words, (count, *inputs.shape)).astype(np.int64)
    return rng().normal(size=(count, *inputs.shape)).astype(np.float32)


def check_twins(subject: Subject, inputs: Inputs) -> Iterator[Finding]:
    x = pt.asarray(batch_of(inputs))
    first = _built(subject, inputs, seed=5)
    wanted = np.asarray(first(x)).copy()
    second = _built(subject, inputs, seed=6)
    own = dict(second.named_slots())
    slots = dict(first.named_slots())
    if set(own) != set(slots):
        return  # what it has depends on numbers that build draws, which a run has seeded
    for name, slot in slots.items():
        own[name].value = pt.tensor(slot.numpy().copy())
    if not same(second(x), wanted):
        yield subject.finding(
            "not-saved",
            "another model of other seed with the same slots answers otherwise",
            "the same bits: slots are all that a checkpoint holds",
            "make what build draws or learns a slot (pt.Slot, pt.nn.Parameter, register_buffer)",
        )
        return
    for _, slot in second.named_slots():
        if "float" in slot.dtype.name:
            slot.value = slot.value * 0.5 + 0.25
    if not same(first(x), wanted):
        yield subject.finding(
            "shared",
            "a model answers otherwise when the weights of another one change",
            "weights of its own for each, since a teacher and a student are two",
            "make layers and slots in __init__, not on the class or in the module",
        )
        return
    yield from check_leaks(subject, "the model", lambda: first(pt.asarray(batch_of(inputs))))


def answers(plugin: Any, params: Any, fits: list[Inputs]) -> Iterator[bytes]:
    """Weights and answers in evaluation and in training, for the tasks that a model fits."""
    for inputs in fits:
        pt.random.seed(5)
        module = plugin.build(params, inputs)
        for name, slot in module.named_slots():
            yield f"{name} {slot.trainable}".encode() + slot.numpy().tobytes()
        x = pt.asarray(batch_of(inputs))
        module.eval()
        yield np.asarray(module(x)).tobytes()
        module.train()
        yield np.asarray(module(x)).tobytes()


def _built(subject: Subject, inputs: Inputs, seed: int) -> Any:
    pt.random.seed(seed)
    module = subject.plugin.build(subject.params, inputs)
    module.eval()
    return module
