"""Checks of optimizers, schedules, callbacks, environments and recipes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugins.conformance.finding import Finding, Subject, same
from powertrain.plugins.learning import Event, Request
from powertrain.plugins.params import call_with

UPDATES = 30


def check_optimizer(subject: Subject) -> Iterator[Finding]:
    def make() -> tuple[Any, Any]:
        weights = pt.Slot(pt.tensor(np.linspace(-1.0, 1.0, 24).astype(np.float32).reshape(4, 6)), "w", trainable=True)
        return weights, subject.plugin.build(subject.params, [("w", weights)], name="optimizer")

    try:
        weights, optimizer = make()
        step = _step(weights, optimizer)
        first = float(step().item())
        for _ in range(UPDATES):
            last = float(step().item())
        saved = {name: np.array(slot.numpy()) for name, slot in _slots(weights, optimizer).items()}
        step()
    except Exception as error:
        yield subject.raised(f"{UPDATES} updates", error)
        return
    if not last < first:
        yield subject.finding(
            "does-not-descend",
            f"{UPDATES} updates on a bowl take the loss from {first:.4g} to {last:.4g}",
            "a lower one",
            "look at the sign of the update",
        )
        return
    again, other = make()
    for name, slot in _slots(again, other).items():
        slot.value = pt.tensor(saved[name])
    _step(again, other)()
    if not same(weights.numpy(), again.numpy()):
        yield subject.finding(
            "resume",
            "a new optimizer with the same slots takes another step",
            "the same bits",
            "keep moments and counts in slots that named_slots gives",
        )


def _step(weights: Any, optimizer: Any) -> Any:
    @pt.compile
    def step() -> Any:
        loss, gradients = pt.value_and_grad([weights], lambda: pt.sum(pt.square(weights.value - 0.25)))
        optimizer.update(gradients)
        return loss

    return step


def _slots(weights: Any, optimizer: Any) -> dict[str, Any]:
    return {"w": weights, **dict(optimizer.named_slots())}


def check_schedule(subject: Subject) -> Iterator[Finding]:
    schedule = call_with(subject.plugin, subject.params)
    total = 20
    compiled = pt.compile(lambda step: schedule(step, total))
    for number in range(total + 2):
        try:
            eager = np.asarray(schedule(pt.tensor(number, dtype="int64"), total))
            traced = np.asarray(compiled(pt.tensor(number, dtype="int64")))
        except Exception as error:
            yield subject.raised(f"update {number} of {total}", error)
            return
        if eager.shape != () or not np.isfinite(eager) or eager < 0:
            yield subject.finding(
                "schedule-value",
                f"the factor at update {number} of {total} is {eager.tolist()}",
                "one finite number >= 0, also past the end",
                "clip the share of the way to 1",
            )
            return
        if not same(eager, traced):
            yield subject.finding(
                "compiled-differs",
                f"compiled the factor at update {number} is {traced.item():.6g} instead of {eager.item():.6g}",
                "the same bits",
                "compute with step, a tensor; use pt.where instead of if",
            )
            return


def check_callback(subject: Subject) -> Iterator[Finding]:
    def events() -> Iterator[Event]:
        for at in range(6):
            values = {"train.loss": 1.0 - 0.1 * at, "valid.loss": 1.0, "valid.accuracy": 0.5} if at % 2 else {}
            progress = {"steps": 10 * at, "examples": 0, "tokens": 0, "env_steps": 0, "rounds": at, "epochs": 0}
            yield Event(progress, values, {"optimizer.lr": 1e-3})

    def answers(callback: Any, seen: list[Event]) -> list[str]:
        return [repr(callback.after_commit(event)) for event in seen]

    all_events = list(events())
    try:
        callback = subject.plugin(subject.params)
        for event in all_events[:3]:
            before = repr(event)
            answer = callback.after_commit(event)
            for request in answer if isinstance(answer, (list, tuple)) else [answer]:
                if request is not None and not isinstance(request, Request):
                    yield subject.finding(
                        "request",
                        f"it answered {type(request).__name__}",
                        "Stop, Save, Evaluate, SetScalar or None",
                        "import them from powertrain.plugins",
                    )
                    return
            if repr(event) != before:
                yield subject.finding(
                    "writes-input", "it changes the event that it is shown", "to watch alone", "answer with a request"
                )
                return
        state = callback.state() if hasattr(callback, "state") else {}
        rest = answers(callback, all_events[3:])
        new = subject.plugin(subject.params)
        if hasattr(new, "restore"):
            new.restore({name: np.array(value) for name, value in state.items()})
        resumed = answers(new, all_events[3:])
    except Exception as error:
        yield subject.raised("after_commit", error)
        return
    if rest != resumed:
        yield subject.finding(
            "state-on-self",
            "after a resume it answers otherwise",
            "the same answers: what it remembers is saved",
            "give what it remembers in state(), and take it in restore(arrays)",
        )


def check_env(subject: Subject) -> Iterator[Finding]:
    def play(env: Any, seed: int, actions: list[int]) -> list[Any]:
        seen = [np.asarray(env.reset(seed))]
        for action in actions:
            observation, reward, done = env.step(action)
            seen += [np.asarray(observation), np.asarray(reward, np.float64), np.asarray(bool(done))]
            if done:
                break
        return seen

    try:
        env = subject.plugin(subject.params)
        wanted, count = np.asarray(env.observation), int(env.actions)
        actions = [(7 * at + at // 3) % count for at in range(25)]
        first = play(env, 11, actions)
        again = play(subject.plugin(subject.params), 11, actions)
    except Exception as error:
        yield subject.raised("an episode", error)
        return
    if first[0].shape != wanted.shape:
        yield subject.finding(
            "observation",
            f"reset gives an observation {list(first[0].shape)}",
            f"{list(wanted.shape)}, as `observation` says",
            "make both alike",
        )
        return
    if len(first) != len(again) or not all(same(a, b) for a, b in zip(first, again, strict=True)):
        yield subject.finding(
            "not-repeatable",
            "the same seed and actions give another episode",
            "the same one, since a run is resumed by playing it again",
            "draw from a generator that reset(seed) makes",
        )


def check_recipe(subject: Subject) -> Iterator[Finding]:
    from powertrain.recipe import load_recipe

    try:
        load_recipe(str(subject.plugin))
    except Exception as error:
        yield subject.finding(
            "recipe", f"it cannot be read: {str(error).splitlines()[0]}", "a recipe without mistakes", "mend the file"
        )
