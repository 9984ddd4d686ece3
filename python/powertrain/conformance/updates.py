"""Checks of single updates of an optimizer: by the rate, the schedule, micro-batches and weights that it was given."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.finding import Finding, Subject, rng, same

LATE = 1_000_000  # an update, at which a power of a share is 0 and a sum without bound is large
Make = Callable[..., tuple[Any, Any]]


def gradients(count: int) -> list[Any]:
    """Of the weights, one for each update: of all sizes, some of one sign, smaller with time."""
    draw = rng()
    sizes = np.repeat(np.array([1, 1e-3, 1e-6, 1e-9]), 6).reshape(4, 6)
    drawn = [(draw.normal(size=(4, 6)) + np.linspace(-2, 2, 6)) * sizes / (1 + at) for at in range(count)]
    return [one.astype(np.float32) for one in drawn]


def states(make: Make, count: int = 24) -> Iterator[bytes]:
    """Weights and all that it keeps, after each update: of a new one, and of one whose moments have been filled, as by
    a second gradient."""
    for filled in (False, True):
        weights, optimizer = make()
        slots = [weights, *(slot for _, slot in optimizer.named_slots())]
        for part in optimizer.parts if filled else ():
            for slot in part.state.values():
                slot.value = pt.tensor(np.linspace(0.01, 1, slot.numpy().size, dtype=np.float32).reshape(slot.shape))
        for gradient in gradients(4 if filled else count):
            optimizer.update([pt.tensor(gradient)])
            yield b"".join(slot.numpy().tobytes() for slot in slots)


def check_updates(subject: Subject, make: Make) -> Iterator[Finding]:
    for check in (_apart, _rate, _micro_batches, _weight, _far, _settings, _moments):
        try:
            found = list(check(subject, make))
        except Exception as error:
            found = [subject.raised("an update", error)]
        yield from found
        if found:
            return


def _after(make: Make, count: int = 3, rate: float = 1.0, **settings: Any) -> Any:
    """The weights after some updates."""
    weights, optimizer = make(**settings)
    if rate != 1.0:
        optimizer.lr = float(optimizer.lr.item()) * rate
    for gradient in gradients(count):
        optimizer.update([pt.tensor(gradient)])
    return weights.numpy().copy()


def _moments(subject: Subject, make: Make) -> Iterator[Finding]:
    """Some moment changes by an update: from 0, with which it begins, or from another number. One may be written by a
    method of its own, such as an estimate of curvature, but hardly all of them."""
    unchanged: dict[str, bool] = {}
    for first in (0.0, 0.01):
        _, optimizer = make()
        kept = [(name, slot) for part in optimizer.parts for name, slot in part.state.items()]
        for _, slot in kept:
            slot.value = pt.astype(pt.full(slot.shape, first), slot.dtype)
        for gradient in gradients(3):
            optimizer.update([pt.tensor(gradient)])
        for name, slot in kept:
            unchanged[name] = unchanged.get(name, True) and bool((slot.numpy() == np.float32(first)).all())
    if unchanged and all(unchanged.values()):
        moments = ", ".join(f'"{name}": {name}' for name in unchanged)
        yield subject.finding(
            "protocol",
            f"no update changes {', '.join(unchanged)} of MOMENTS",
            "a new value for each of them",
            f"return p, {{{moments}}} from update_flat, or take what nobody needs out of MOMENTS",
        )


def _rate(subject: Subject, make: Make) -> Iterator[Finding]:
    usual = _after(make)
    for text, other in (
        ("a rate that was halved (optimizer.lr)", _after(make, rate=0.5)),
        ("a schedule whose factor is 0.5", _after(make, schedule=lambda step: 0.5)),
    ):
        if same(usual, other):
            yield subject.finding(
                "rate-ignored",
                f"{text} makes the same updates",
                "smaller ones",
                'multiply what an update takes off by scalars["rate"], which is the rate times the schedule\'s factor',
            )
            return


def _settings(subject: Subject, make: Make) -> Iterator[Finding]:
    """What a group or a recipe asks for changes the updates, or is refused."""
    usual = _after(make)
    decayed = {"groups": [{"match": "w", "weight_decay": 0.25}]}
    for name, settings, code, expected, fix in (
        ("weight_decay = 0.25 in a group", decayed, "decay-ignored", "other ones, or an error",
         "use decay in update_flat, as in scalars['rate'] * (m + decay * p), or write DECAYS = False to refuse it"),
        ("lr of half the rate in a group", {"groups": [{"match": "w", "lr": _half(make)}]}, "rate-ignored",
         "smaller ones", 'take scalars["rate"], which is that of the group'),
        ("maximize = True", {"maximize": True}, "settings", "updates that go up",
         "leave update to the engine, which turns the gradients around"),
    ):  # fmt: skip
        try:
            other = _after(make, **settings)
        except pt.optim.OptimizerError:
            continue
        if same(usual, other):
            yield subject.finding(code, f"with {name} it makes the same updates", expected, fix)
            return


def _half(make: Make) -> float:
    return float(make()[1].lr.item()) / 2


def _micro_batches(subject: Subject, make: Make) -> Iterator[Finding]:
    """With accumulate = 2, the first of two calls keeps its gradients alone, and both are one update."""
    weights, optimizer = make(accumulate=2)
    first, second = map(pt.tensor, gradients(2))
    gathered = {id(slot) for slot in optimizer._held.slots()}
    gathered |= {id(view) for part in optimizer.parts if part.gradient is not None for view in part.gradient.views}
    kept = {
        "the weights": weights,
        **{name: slot for name, slot in optimizer.named_slots() if id(slot) not in gathered},
    }
    before = {name: slot.numpy().copy() for name, slot in kept.items()}
    optimizer.update([first])
    moved = [name for name, slot in kept.items() if not same(before[name], slot.numpy())]
    fix = "give moments back from update_flat, and counters from advance (COUNTERS): the engine assigns them when due"
    if moved:
        yield subject.finding(
            "micro-batches",
            f"with accumulate = 2 the first of two micro-batches changes {', '.join(moved)}",
            "the sum of gradients to change alone",
            fix,
        )
        return
    optimizer.update([first])
    for _ in range(2):
        optimizer.update([second])
    whole, other = make()
    for gradient in (first, second):
        other.update([gradient])
    if not same(weights.numpy(), whole.numpy()):
        yield subject.finding(
            "micro-batches",
            "two micro-batches with the same gradients make another update than one batch",
            "the same bits",
            fix,
        )


def _weight(subject: Subject, make: Make) -> Iterator[Finding]:
    """Gradients of a sum are divided by its weight: padding has none."""
    mean, one = make()
    total, other = make()
    for gradient in gradients(3):
        one.update([pt.tensor(gradient)])
        other.update([pt.tensor(2 * gradient)], 2.0)
    if not same(mean.numpy(), total.numpy()):
        yield subject.finding(
            "padding-counts",
            "twice the gradients with weight = 2 make another update than the gradients themselves",
            "the same bits: update(grads, weight) divides by the weight",
            "leave update to the engine, or hand weight on: super().update(grads, weight)",
        )


def _far(subject: Subject, make: Make) -> Iterator[Finding]:
    """Where a gradient is 0, as of a word that does not occur, and late in a run."""
    for text, at, gradient in (
        ("an update from gradients of 0", 0, np.zeros((4, 6), np.float32)),
        (f"update {LATE:,}", LATE, gradients(1)[0]),
    ):
        weights, optimizer = make()
        optimizer.updates.value = pt.tensor(at, dtype="int64")
        optimizer.update([pt.tensor(gradient)])
        named = {"the weights": weights, **dict(optimizer.named_slots())}
        wrong = [name for name, slot in named.items() if not np.isfinite(slot.numpy()).all()]
        if wrong:
            yield subject.finding(
                "not-finite",
                f"{text} makes {', '.join(wrong)} not finite",
                "numbers",
                "add a small number (eps) to what it divides by, and let no power or sum grow without bound",
            )
            return


def _apart(subject: Subject, make: Make) -> Iterator[Finding]:
    """Beside another optimizer, which learns too, it makes the same updates."""
    alone = _after(make)
    (weights, one), (_, other) = make(), make()
    for gradient in gradients(3):
        one.update([pt.tensor(gradient)])
        other.update([pt.tensor(gradient[::-1].copy())])
    if not same(alone, weights.numpy()):
        yield subject.finding(
            "shared",
            "beside another optimizer of its kind it makes other updates",
            "each to know its own parameters alone",
            "keep nothing on the class or in the module",
        )
