"""Checks of losses: one value per example, its gradient, and nothing from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, apart, no_global_random, rng, same
from powertrain.conformance.leaks import check_leaks
from powertrain.conformance.usage import check_effects, others, with_change
from powertrain.plugin.params import call_with, parameters, params_of
from powertrain.plugin.wording import show

# Differences in float64 against the gradient; a loss that computes in float32 is held to that.
STEP, NEAR = 1e-6, 1e-5
STEP32, NEAR32 = 1e-2, 2e-2
LARGE = (100, 10_000)  # factors of outputs, at which exponentials overflow in float32 and far beyond


def samples() -> dict[str, tuple[Any, Any]]:
    """Outputs and targets of the usual tasks."""
    draw = rng()
    return {
        "classes": (draw.normal(size=(6, 3)), draw.integers(0, 3, 6)),
        "shares": (draw.normal(size=(6, 2)), draw.dirichlet(np.ones(2), 6)),
        "one value": (draw.normal(size=(6, 1)), draw.normal(size=6)),
        "yes or no": (draw.normal(size=(6, 1)), draw.integers(0, 2, 6).astype(np.float64)),
        "tokens": (draw.normal(size=(4, 5, 3)), draw.integers(0, 3, (4, 5))),
        "values": (draw.normal(size=(6, 2)), 2 * draw.normal(size=(6, 2))),
        "amounts": (draw.uniform(50, 500, (6, 1)), draw.uniform(50, 500, 6)),
    }


# Targets of which some losses have no value, and need not refuse: below 0 of a logarithm, above 1 of a share. One that
# is right for any of them is not wrong for the others.
BOUNDED = ("shares", "one value", "yes or no", "values", "amounts")


def _given(output: Any, target: Any) -> tuple[Any, Any]:
    """As a model and a loader give them."""
    y = target if target.dtype.kind in "iu" else target.astype(np.float32)
    return output.astype(np.float32), y


def check_loss(subject: Subject) -> Iterator[Finding]:
    loss = call_with(subject.plugin, subject.params)
    errors: list[Exception] = []
    worked: list[str] = []
    doubts: list[Finding] = []
    for task, (output, target) in samples().items():
        x, y = _given(output, target)
        try:
            with no_global_random(subject, "the loss") as drawn:
                values = loss(pt.asarray(x), pt.asarray(y))
        except Exception as error:
            errors.append(error)
            continue
        found = [*drawn, *_form(subject, task, values, output, target)]
        yield from found
        if found:
            return
        large = list(_large(subject, loss, x, y))
        if task in BOUNDED and (large or _torn(np.asarray(values))):
            doubts += large
            continue
        worked.append(task)
        found = [*_behaviour(subject, loss, output, y), *large]
        yield from found
        if not found:
            yield from _gradient(subject, loss, task, output, target)
    if not worked:
        yield doubts[0] if doubts else subject.raised("the loss of each usual task", errors[0])
        return
    x, y = _given(*samples()[worked[0]])
    yield from _parameters(subject, x, y)
    yield from check_leaks(subject, "the loss", lambda: loss(pt.asarray(x), pt.asarray(y)))
    yield from check_effects(subject, lambda params: _results(call_with(subject.plugin, params), worked))


def _results(loss: Callable[..., Any], tasks: list[str]) -> Iterator[bytes]:
    """Losses and gradients, near and far out."""
    for task in tasks:
        x, y = _given(*samples()[task])
        for factor in (1, 8, *LARGE):
            values, gradient = _slope(loss, x * np.float32(factor), y)
            yield values.tobytes() + gradient.tobytes()


def _slope(loss: Callable[..., Any], x: Any, y: Any) -> tuple[Any, Any]:
    """The losses, and the gradient of their sum."""
    values, back = pt.vjp(lambda output: loss(output, pt.asarray(y)), pt.asarray(x))
    ones = np.ones(tuple(values.shape))
    return np.asarray(values), np.asarray(back(pt.asarray(ones).astype(values.dtype.name))[0])


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
    elif values.dtype.name == "float64":
        yield subject.finding(
            "float64",
            f"the loss of float32 outputs of {task} is float64",
            "float32, or what its gradient and memory cost doubles",
            "look for NumPy numbers and arrays (np.float64), and write pt.astype(target, output.dtype)",
        )
    elif shape not in (allowed := ((len(output),), tuple(target.shape))):
        expected = f"[{len(output)}], one value per example"
        yield subject.finding(
            "loss-shape",
            f"the loss of outputs {list(output.shape)} and targets {list(target.shape)} is {list(shape)}",
            expected if len(set(allowed)) == 1 else f"{expected}, or {list(target.shape)}",
            "reduce over every axis but the first",
        )


def _behaviour(subject: Subject, loss: Callable[..., Any], output: Any, y: Any) -> Iterator[Finding]:
    first = output.astype(np.float32)
    other = first.copy()
    other[0] = 0.75 - other[0]  # no mere shift, which a softmax does not see
    before, after = (np.asarray(loss(pt.asarray(x), pt.asarray(y))) for x in (first, other))
    with elsewhere(*subject.modules):
        again = np.asarray(loss(pt.asarray(first), pt.asarray(y)))
    moved = (y + 1) % 2 if y.dtype.kind in "iu" else 1 - y  # another class, or another value
    one = y.copy()
    one[0] = moved[0]
    retargeted, all_moved = (np.asarray(loss(pt.asarray(first), pt.asarray(given))) for given in (one, moved))
    if not same(before, again):
        yield subject.finding(
            "not-repeatable",
            "two calls with the same inputs give different losses",
            "the same bits",
            "keep no state, read no clock, and draw no random numbers, in a loss",
        )
    elif same(before, all_moved):
        yield subject.finding(
            "ignores-target",
            "other targets give the same losses",
            "losses that depend on the target",
            "use its second argument; what learns without targets is a strategy",
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


def _large(subject: Subject, loss: Callable[..., Any], x: Any, y: Any) -> Iterator[Finding]:
    """Values and gradients stay finite, where an exponential overflows and where an output is exactly its target."""
    places = [("ordinary outputs", x), ("outputs of 0", np.zeros_like(x))]
    if y.dtype.kind == "f":
        places.append(("outputs that are the targets", np.broadcast_to(y.reshape(len(y), -1), x.shape).copy()))
    for place, given in [*places, *((f"outputs around {factor:,}", x * np.float32(factor)) for factor in LARGE)]:
        wrong = [what for what, made in zip(("loss", "gradient"), _slope(loss, given, y), strict=True) if _torn(made)]
        if wrong and _is_so_large(loss, given, y):
            return
        if wrong:
            yield subject.finding(
                "not-finite",
                f"the {wrong[0]} of {place} is not finite",
                "a number",
                "look for a root or a division of what is 0 there"
                if given is not x and place in dict(places)
                else "use log_softmax or the *_with_logits functions instead of the logarithm of a probability",
            )
            return


def _parameters(subject: Subject, x: Any, y: Any) -> Iterator[Finding]:
    """Values and gradients of ordinary outputs stay finite with every number that a recipe may set, 0 above all."""
    for field in parameters(params_of(subject.plugin)):
        for value in others(field, getattr(subject.params, field.name)) if field.type in (int, float) else ():
            params = with_change(subject, subject.params, {field.name: value})
            try:
                wrong = params is not None and any(map(_torn, _slope(call_with(subject.plugin, params), x, y)))
            except Exception:  # it refuses the value, or `check_effects` says that it raised
                continue
            if wrong:
                yield subject.finding(
                    "not-finite",
                    f"with {field.name} = {show(value)}, which it allows, the loss of ordinary outputs is not finite",
                    "a number",
                    f"narrow the range of {field.name}, as by Annotated[float, Range(above=0)] or param(above=0)",
                )
                return


def _torn(made: Any) -> bool:
    return not bool(np.isfinite(made).all())


def _is_so_large(loss: Callable[..., Any], x: Any, y: Any) -> bool:
    """Whether a loss grows beyond float32 there, as that of counts by the logarithm of a rate, rather than overflows on
    the way to a smaller number."""
    wide = y.astype(np.float64) if y.dtype.kind == "f" else y
    for halvings in range(24):  # until float64 has a number: at e^700, where a logarithm of it is 700
        try:
            values = np.asarray(loss(pt.asarray(x.astype(np.float64) / 2**halvings), pt.asarray(wide)), np.float64)
        except Exception:
            return False
        if not _torn(values):
            return float(np.abs(values).max()) > float(np.finfo(np.float32).max)
    return False


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
        found, right = apart(given, wanted)
        yield subject.finding(
            "wrong-gradient",
            f"the gradient of {task} along a random direction is {found}, and differences say {right}",
            "the derivative of what it computes",
            "look for stop_gradient, rounding or comparisons; where that is meant, set exact_gradient = False on it",
        )
