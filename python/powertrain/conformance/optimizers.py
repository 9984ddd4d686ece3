"""Checks of optimizers: they descend by the rate and the schedule, and keep what they remember in slots."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, changed, held_on, no_global_random, same
from powertrain.conformance.updates import check_updates, states
from powertrain.conformance.usage import check_effects
from powertrain.optim.optimizer import Optimizer
from powertrain.optim.schedules import LambdaLR

UPDATES = 30


def check_optimizer(subject: Subject) -> Iterator[Finding]:
    def make(**settings: Any) -> tuple[Any, Any]:
        return made_of(subject, subject.params, **settings)

    try:
        with no_global_random(subject, "build or an update") as drawn:
            weights, optimizer = make()
            before = held_on(optimizer)
            step = _step(weights, optimizer)
            first = float(step().item())
            for _ in range(UPDATES):
                last = float(step().item())
            held = held_on(optimizer)
        saved = {name: np.array(slot.numpy()) for name, slot in _slots(weights, optimizer).items()}
        with elsewhere(*subject.modules):
            step()
    except Exception as error:
        yield subject.raised(f"{UPDATES} updates", error)
        return
    yield from drawn
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
        return
    if kept := changed(before, held):
        yield subject.finding(
            "state-on-self",
            f"an update changes {', '.join(kept)} of the optimizer, which a replayed step does not see",
            "nothing but slots to change",
            "count with the engine's step (scalars(step, rate, decay)), and keep moments in MOMENTS",
        )
        return
    found = list(_settings(subject, make))
    yield from found
    if not found:
        yield from check_updates(subject, make)
        yield from check_effects(subject, lambda params: states(lambda: made_of(subject, params)))


def made_of(subject: Subject, params: Any, **settings: Any) -> tuple[Any, Any]:
    """A slot of weights and an optimizer of it."""
    weights = pt.Slot(pt.tensor(np.linspace(-1.0, 1.0, 24).astype(np.float32).reshape(4, 6)), "w", trainable=True)
    return weights, subject.plugin.build(params, [("w", weights)], name="optimizer", **settings)


def _settings(subject: Subject, make: Callable[..., tuple[Any, Any]]) -> Iterator[Finding]:
    """What a recipe says around an optimizer reaches it: clipping, accumulation, the schedule, groups."""
    given: dict[str, Any] = {"schedule": LambdaLR(lambda step: 1.0), "clip": 0.5, "accumulate": 2}
    try:
        _, optimizer = make(**given, groups=[{"match": "w", "lr": 0.0625}])
    except Exception as error:
        yield subject.raised("build with a schedule, clip, accumulate and groups", error)
        return
    if not isinstance(optimizer, Optimizer):
        yield subject.finding(
            "protocol",
            f"build gave a {type(optimizer).__name__}",
            "a powertrain.optim.optimizer.Optimizer",
            "return an object of a class that derives from it",
        )
        return
    lost = [name for name, value in given.items() if getattr(optimizer, name) != value]
    if [group["lr"] for group in optimizer.param_groups] != [0.0625]:
        lost.append("groups")
    if lost:
        yield subject.finding(
            "settings",
            f"build loses {', '.join(lost)} of the recipe",
            "the engine's settings to be handed on",
            "write build(cls, params, module, **settings), and pass **settings to Optimizer",
        )


def _step(weights: pt.Slot, optimizer: Any) -> Any:
    @pt.compile
    def step() -> Any:
        loss, gradients = pt.nn.value_and_grad([weights], lambda: pt.sum(pt.square(weights.value - 0.25)))()
        optimizer.update(gradients)
        return loss

    return step


def _slots(weights: Any, optimizer: Any) -> dict[str, Any]:
    return {"w": weights, **dict(optimizer.named_slots())}
