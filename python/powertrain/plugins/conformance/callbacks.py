"""Checks of callbacks: they watch, answer with requests, and remember what a resume must know in state() alone."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from powertrain.plugins.conformance.finding import Finding, Subject, no_global_random, not_numbers
from powertrain.plugins.learning import Event, Request, SetScalar

EVENTS, SEEN = 12, 5  # how many, and after how many of them a run is resumed


def _events() -> list[Event]:
    made = []
    for at in range(EVENTS):
        losses = {"train.loss": 1.0 - 0.05 * at, "valid.loss": 1.0, "valid.accuracy": 0.5}
        progress = {"steps": 10 * at, "examples": 0, "tokens": 0, "env_steps": 0, "rounds": at, "epochs": 0}
        made.append(Event(progress, losses if at % 2 else {}, {"optimizer.lr": 1e-3}))
    return made


def check_callback(subject: Subject) -> Iterator[Finding]:
    events = _events()
    try:
        with no_global_random(subject, "after_commit") as drawn:
            callback = subject.plugin.build(subject.params)
            for event in events[:SEEN]:
                before = repr(event)
                found = list(_answer(subject, callback.after_commit(event)))
                if repr(event) != before:
                    found += [_writes(subject)]
                yield from found
                if found:
                    return
            state = dict(callback.state())
            rest = _answers(callback, events[SEEN:])
            again = subject.plugin.build(subject.params)
            repeated = _answers(again, events)[SEEN:]
    except Exception as error:
        yield subject.raised("after_commit", error)
        return
    yield from drawn
    if drawn:
        return
    if rest != repeated:
        yield subject.finding(
            "not-repeatable",
            "another one that sees the same events answers otherwise",
            "the same answers",
            "keep nothing beyond the object, and draw no random numbers",
        )
        return
    if wrong := not_numbers(subject, state, "numbers, which a checkpoint holds"):
        yield wrong
        return
    yield from _resumed(subject, state, events, rest)


def _answers(callback: Any, events: list[Event]) -> list[str]:
    return [repr(callback.after_commit(event)) for event in events]


def _resumed(subject: Subject, state: Any, events: list[Event], rest: list[str]) -> Iterator[Finding]:
    new = subject.plugin.build(subject.params)
    try:
        new.restore({name: np.array(value) for name, value in state.items()})
        resumed = _answers(new, events[SEEN:])
    except Exception as error:
        yield subject.raised("restore", error)
        return
    if rest != resumed:
        yield subject.finding(
            "state-on-self",
            "after a resume it answers otherwise",
            "the same answers: what it remembers is saved",
            "give what it remembers in state(), and take it in restore(arrays)",
        )


def _writes(subject: Subject) -> Finding:
    return subject.finding(
        "writes-input", "it changes the event that it is shown", "to watch alone", "answer with a request"
    )


def _answer(subject: Subject, answer: Any) -> Iterator[Finding]:
    for request in answer if isinstance(answer, (list, tuple)) else [answer]:
        if request is not None and not isinstance(request, Request):
            yield subject.finding(
                "request",
                f"it answered {type(request).__name__}",
                "Stop, Save, Evaluate, SetScalar or None",
                "import them from powertrain.plugins",
            )
        elif isinstance(request, SetScalar) and not math.isfinite(request.value):
            yield subject.finding(
                "request", f"it sets {request.name} to {request.value}", "a finite number", "look at its arithmetic"
            )
