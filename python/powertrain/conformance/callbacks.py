"""Checks of callbacks: they watch, answer with requests, and remember what a resume must know in state() alone."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from powertrain._core import Error
from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, no_global_random, not_numbers
from powertrain.conformance.usage import check_effects
from powertrain.plugin.learning import End, Event, Request, SetScalar, Start
from powertrain.plugin.section import Section

EVENTS, SEEN = 12, 5  # how many, and after how many of them a run is resumed


def _events(count: int = EVENTS) -> list[Event]:
    made = []
    for at in range(count):
        losses = {"train.loss": 1.0 - 0.05 * at, "valid.loss": 1.0, "valid.accuracy": 0.5}
        progress = {"steps": 10 * at, "examples": 0, "tokens": 0, "env_steps": 0, "rounds": at, "epochs": 0}
        made.append(Event(progress, losses if at % 2 else {}, {"optimizer.lr": 1e-3}))
    return made


def _improving() -> list[Event]:
    """A run that goes well, and whose rate falls."""
    made = []
    for at, event in enumerate(_events(60)):
        share = 0.8**at
        values = {"train.loss": 3 * share, "valid.loss": 4 * share, "valid.accuracy": 1 - share}
        made.append(replace(event, values=values, scalars={"optimizer.lr": 0.1 * share}))
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
            with elsewhere(*subject.modules):
                again = subject.plugin.build(subject.params)
                repeated = _answers(again, events)[SEEN:]
            found = list(_told(subject))
            yield from found
            if found:
                return
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
    found = list(_resumed(subject, state, events, rest))
    yield from found
    if not found:
        yield from check_effects(subject, lambda params: _results(subject.plugin.build(params)))


def _results(callback: Any) -> Iterator[bytes]:
    """Answers and states, of a run that stands still and of one that goes on and on."""
    for event in [*_events(), *_events(60), *_improving()]:
        yield repr(callback.after_commit(event)).encode()
        yield b"".join(np.asarray(value).tobytes() for value in dict(callback.state()).values())


def _told(subject: Subject) -> Iterator[Finding]:
    """A run that begins, goes on and ends, as a logger sees it; then one that fails."""
    with tempfile.TemporaryDirectory() as folder:
        callback = subject.plugin.build(subject.params)
        progress = _events()[-1].progress
        results = {"part": "test", "test": {"loss": 0.5, "accuracy": 0.9}, "seconds": 1.0, "steps": 110}
        start = Start(Path(folder), "check", {"run": {"until": "1 epoch"}}, ("run.seed=1",), progress)
        section = Section("Table", ("a line",), (("a", "b"), ("1", "2")))
        for end in (End(progress, True, "", results, None, (section,)), End(progress, False, "failed: OSError")):
            for method, told in (("on_start", start), ("on_end", end)):
                before = repr(told)
                try:
                    getattr(callback, method)(told)
                except Exception as error:
                    yield _refused(subject, error) if method == "on_start" else subject.raised(method, error)
                    return
                if repr(told) != before:
                    yield _writes(subject)
                    return


def _refused(subject: Subject, error: Exception) -> Finding:
    """A callback may say, by an error of Powertrain's form, that what it writes to is not here."""
    if isinstance(error, Error):
        received = f"it could not begin: {str(error).splitlines()[0]}"
        return subject.finding("not-here", received, "what it needs", "make it available, and check again")
    return subject.raised("on_start", error)


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
                "Stop, Pause, Save, Evaluate, SetScalar or None",
                "import them from powertrain.plugin",
            )
        elif isinstance(request, SetScalar) and not math.isfinite(request.value):
            yield subject.finding(
                "request", f"it sets {request.name} to {request.value}", "a finite number", "look at its arithmetic"
            )
