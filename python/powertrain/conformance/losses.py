"""Checks of losses: one value per example, its gradient, and nothing from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.finding import Finding, Subject, no_global_random, rng, same
from powertrain.plugin.params import call_with

# Differences in float64 against the gradient; a loss that computes in float32 is held to that.
STEP, NEAR = 1e-6, 1e-5
STEP32, NEAR32 = 1e-2, 2e-2


def samples() -> dict[str, tuple[Any, Any]]:
    """Outputs and targets of the usual tasks."""
    draw = rng()
    return {
        "classes": (draw.normal(size=(6, 3)), draw.integers(0, 3, 6)),
        # Shares too, since a loss of classes may take rows of them.
        "values": (draw.normal(size=(6, 2)), draw.dirichlet(np.ones(2), 6)),
        "one value": (draw.normal(size=(6, 1)), draw.normal(size=6)),
        "yes or no": (draw.normal(size=(6, 1)), draw.integers(0, 2, 6).astype(np.float64)),
        "tokens": (draw.normal(size=(4, 5, 3)), draw.integers(0, 3, (4, 5))),
    }


def check_loss(subject: Subject) -> Iterator[Finding]:
    loss = call_with(subject.plugin, subject.params)
    errors: list[Exception] = []
    worked = False
    for task, (output, target) in samples().items():
        y = target if target.dtype.kind in "iu" else target.astype(np.float32)
        try:
            with no_global_random(subject, "the loss") as drawn:
                values = loss(pt.asarray(output.astype(np.float32)), pt.asarray(y))
        except Exception as error:
            errors.append(error)
            continue
        worked = True
        found = [*drawn, *_form(subject, task, values, output, target)]
        yield from found
        if found:
            return
        yield from _behaviour(subject, loss, output, y)
        yield from _gradient(subject, loss, task, output, target)
    if not worked:
        yield subject.raised("the loss of each usual task", errors[0])


def _form(subject: Subject, task: str, values: Any, output: Any, target: Any) -> Iterator[Finding]:
    if not isinstance(values, pt.Tensor):
        yield subject.finding(
            "not-a-tensor",
            f"the loss of {task} is a {type(values).__name__}",
            "a tensor, through which gradients flow",
            "compute it with functions of powertrain instead of NumPy",
        )
        return
    shape = tuple(values.shape)
    if shape == ():
        yield subject.finding(
            "loss-scalar",
            f"the loss of {len(output)} examples is one number",
            "one value per example, which the engine weighs and divides once",
            "leave out the sum or mean over the batch",
        )
    elif shape not in ((len(output),), tuple(target.shape)):
        yield subject.finding(
            "loss-shape",
            f"the loss of outputs {list(output.shape)} and targets {list(target.shape)} is {list(shape)}",
            f"[{len(output)}], one value per example, or {list(target.shape)}",
            "reduce over every axis but the first",
        )


def _behaviour(subject: Subject, loss: Callable[..., Any], output: Any, y: Any) -> Iterator[Finding]:
    first = output.astype(np.float32)
    other = first.copy()
    other[0] = 0.75 - other[0]  # no mere shift, which a softmax does not see
    before, again, after = (np.asarray(loss(pt.asarray(x), pt.asarray(y))) for x in (first, first, other))
    moved = y.copy()
    moved[0] = (moved[0] + 1) % 2 if y.dtype.kind in "iu" else 1 - moved[0]  # another class, or another value
    retargeted = np.asarray(loss(pt.asarray(first), pt.asarray(moved)))
    if not same(before, again):
        yield subject.finding(
            "not-repeatable",
            "two calls with the same inputs give different losses",
            "the same bits",
            "keep no state, and draw no random numbers, in a loss",
        )
    elif not (same(before[1:], after[1:]) and same(before[1:], retargeted[1:])):
        what = "target" if same(before[1:], after[1:]) else "output"
        yield subject.finding(
            "loss-couples",
            f"the loss of one example changes with the {what} of another",
            "losses that know only their own example",
            "compute it per example, or make a strategy that passes couples=True",
        )
    compiled = np.asarray(pt.compile(lambda a, b: loss(a, b))(pt.asarray(first), pt.asarray(y)))
    if not same(before, compiled):
        yield subject.finding(
            "compiled-differs",
            "compiled it gives other bits than eagerly",
            "the same bits",
            "do not branch on values, and keep no tensor from one call to the next",
        )
    large = np.asarray(loss(pt.asarray(first * 100), pt.asarray(y)))
    if not np.isfinite(before).all() or not np.isfinite(large).all():
        worst = "ordinary outputs" if not np.isfinite(before).all() else "outputs around 100"
        yield subject.finding(
            "not-finite",
            f"the loss of {worst} is not finite",
            "a number",
            "use log_softmax or the *_with_logits functions instead of the logarithm of a probability",
        )


def _gradient(subject: Subject, loss: Callable[..., Any], task: str, output: Any, target: Any) -> Iterator[Finding]:
    if not getattr(subject.plugin, "exact_gradient", True):  # it stops gradients on purpose, and says so
        return
    draw = rng()

    def function(x: Any) -> Any:
        return loss(x, pt.asarray(target))

    values, back = pt.vjp(function, pt.tensor(output))
    exact = str(values.dtype).endswith("float64")
    step, near = (STEP, NEAR) if exact else (STEP32, NEAR32)
    weights = draw.normal(size=tuple(values.shape))
    direction = draw.normal(size=output.shape)
    gradient = np.asarray(back(pt.asarray(weights.astype(np.float64 if exact else np.float32)))[0], dtype=np.float64)

    def at(distance: float) -> float:
        moved = np.asarray(function(pt.asarray(output + distance * direction)), dtype=np.float64)
        return float((moved * weights).sum())

    wanted = (at(step) - at(-step)) / (2 * step)
    given = float((gradient * direction).sum())
    if not abs(given - wanted) <= near * max(1.0, abs(wanted)):
        yield subject.finding(
            "wrong-gradient",
            f"the gradient of {task} along a random direction is {given:.6g}, and differences say {wanted:.6g}",
            "the derivative of what it computes",
            "look for stop_gradient, rounding or comparisons; where that is meant, set exact_gradient = False on it",
        )
