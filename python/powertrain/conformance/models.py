"""Checks of models: shapes, bits, gradients, and nothing kept between calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, changed, held_on, no_global_random, rng, same
from powertrain.conformance.hosts import check_host
from powertrain.conformance.model_twins import ROWS, answers, batch_of, check_twins
from powertrain.conformance.pages import check_sections, dataset_of
from powertrain.conformance.usage import check_effects
from powertrain.data import DataError
from powertrain.plugin.host_model import HostModel
from powertrain.plugin.model import Model
from powertrain.plugin.protocols import Inputs
from powertrain.plugin.tasks import OWN

NEAR = 1e-3  # of differences in float32 weights, and between an example alone and in a batch


def tasks() -> list[Inputs]:
    """What data usually tells a model."""
    labels = tuple("abc")
    return [
        Inputs("classification", (8, 8), 3, "float32", labels),
        Inputs("classification", (8, 8, 1), 3, "float32", labels),
        Inputs("classification", (6,), 3, "float32", labels),
        Inputs("regression", (6,), 1),
        Inputs("language", (8,), 11, "int64", tuple("abcdefghijk"), 8),
    ]


# For a model that refuses all of these: classes of rows of tokens. One that takes numbers need not take tokens.
OF_TOKENS = Inputs("classification", (8,), 3, "int64", tuple("abc"), 8, vocabulary=11)


def check_model(subject: Subject) -> Iterator[Finding]:
    refused: list[Exception] = []
    misshapen: list[Finding] = []
    fits: list[Inputs] = []
    for inputs in subject.plugin.example_inputs or [*tasks(), OF_TOKENS]:
        if inputs is OF_TOKENS and fits:
            break
        pt.random.seed(5)
        try:
            with no_global_random(subject, "build") as drawn:
                module = subject.plugin.build(subject.params, inputs)
        except DataError as error:  # it says what is missing: its weights are not here
            yield subject.finding(
                "not-here", f"build could not be tried: {error}", "its weights", "make them available, and check again"
            )
            return
        except Exception as error:
            if not str(error).startswith("["):  # a refusal says what was received, expected and how to fix it
                yield subject.raised(f"build for {inputs.task} of shape {list(inputs.shape)}", error)
                return
            refused.append(error)
            continue
        found = [*drawn, *_examine(subject, module, inputs)]
        if [one.code for one in found] == ["output-shape"]:
            misshapen += found  # it may not be for this task, and not say so
            continue
        fits.append(inputs)
        yield from found
        if found:  # other tasks would say the same again
            return
    if not fits:
        yield misshapen[0] if misshapen else subject.raised("build for each usual task", refused[0])
        return
    if issubclass(subject.plugin, HostModel):
        return
    yield from check_twins(subject, fits[0])
    yield from check_effects(subject, lambda params: answers(subject.plugin, params, fits))


def _examine(subject: Subject, module: Any, inputs: Inputs) -> Iterator[Finding]:
    if not isinstance(module, pt.nn.Module):
        yield subject.finding(
            "not-a-module",
            f"build gave a {type(module).__name__}",
            "a powertrain.nn.Module",
            "return an object of a class that derives from pt.nn.Module",
        )
        return
    if isinstance(module, Model) and module.host:
        yield from check_host(subject, module, inputs)
        return
    x = batch_of(inputs)
    module.eval()
    before = _held(module)
    try:
        with no_global_random(subject, "the model") as drawn:
            eager = module(pt.asarray(x))
            with elsewhere(*subject.modules):
                again = module(pt.asarray(x))
    except Exception as error:
        yield subject.raised(f"the model of {inputs.task} on {x.dtype}{list(x.shape)}", error)
        return
    yield from drawn
    found = list(_output(subject, eager, again, inputs))
    yield from found
    if found:
        return
    compiled = pt.compile(lambda batch: module(batch))
    try:
        replayed = np.asarray(compiled(pt.asarray(x)))
    except Exception as error:
        yield subject.finding(
            "not-traceable",
            f"compiled it raised {type(error).__name__}: {str(error).splitlines()[0]}",
            "a forward that can be traced",
            "use pt.where instead of if on values, and no NumPy on tensors",
            error,
        )
        return
    if kept := changed(before, _held(module)):
        yield subject.finding(
            "state-on-self",
            f"a call changes {', '.join(kept)} of the module",
            "no state but slots",
            "make it a slot in __init__ (pt.Slot), or leave it out",
        )
        return
    if not same(eager, replayed):
        yield subject.finding(
            "compiled-differs",
            "compiled it gives other bits than eagerly",
            "the same bits",
            "keep no state between calls but slots",
        )
    yield from _examples_apart(subject, module, x, np.asarray(eager))
    yield from _threads(subject, module, x)
    yield from _gradients(subject, module, x)
    yield from _training(subject, module, x, inputs)
    if isinstance(module, Model):
        y = np.zeros(len(x), np.float32 if inputs.task == "regression" else np.int64)
        yield from check_sections(subject, module.sections, dataset_of(inputs, x, y))


def _held(module: Any) -> dict[str, Any]:
    found = {}
    for path, part in module.named_modules():
        own = {"_slots", "_modules", "_buffers", "_transient", "_hooks", "training"}
        slots = set(part._slots) | set(part._modules) | own
        found.update({f"{path}.{name}".strip("."): mark for name, mark in held_on(part).items() if name not in slots})
    return found


def _output(subject: Subject, eager: Any, again: Any, inputs: Inputs) -> Iterator[Finding]:
    shape = list(getattr(eager, "shape", ()))
    wanted = [ROWS, inputs.outputs]
    if inputs.task == "language":
        wanted = [ROWS, *inputs.shape[:1], inputs.outputs]
    elif inputs.task not in OWN:  # what lies between is for the task to say, such as the places of a row
        wanted = [ROWS, *shape[1:-1], inputs.outputs]
    if not isinstance(eager, pt.Tensor) or shape != wanted:
        received = f"{type(eager).__name__} {shape}" if shape else type(eager).__name__
        yield subject.finding(
            "output-shape",
            f"the answer to {ROWS} examples of {inputs.task} is {received}",
            f"a tensor {wanted}",
            "end with a layer of inputs.outputs numbers for each example",
        )
    elif eager.dtype.name == "float64":
        yield subject.finding(
            "float64",
            f"the answer to float32 examples of {inputs.task} is float64",
            "float32, or what a step costs doubles",
            "look for NumPy numbers and arrays (np.float64) in forward, and make slots float32",
        )
    elif not np.isfinite(np.asarray(eager)).all():
        yield subject.finding(
            "not-finite", "the answer of the new model is not finite", "numbers", "look at its initial weights"
        )
    elif not same(eager, again):
        yield subject.finding(
            "not-repeatable",
            "two calls in evaluation mode give different answers",
            "the same bits",
            "use pt.nn.Dropout, which is off in evaluation, and keep no state but slots",
        )


def _examples_apart(subject: Subject, module: Any, x: Any, together: Any) -> Iterator[Finding]:
    alone = np.asarray(module(pt.asarray(x[2:3])))
    scale = max(1.0, float(np.abs(together).max()))
    if not np.abs(alone[0] - together[2]).max() <= NEAR * scale:
        yield subject.finding(
            "examples-mixed",
            "the answer to an example depends on the others in its batch, in evaluation mode",
            "answers that know only their own example",
            "reduce over features, not over axis 0; pt.nn.BatchNorm1d uses its running statistics in evaluation",
        )


def _threads(subject: Subject, module: Any, x: Any) -> Iterator[Finding]:
    before = pt.get_threads()
    answers = []
    for count in (1, 4):
        pt.set_threads(count)
        answers.append(np.asarray(module(pt.asarray(x))))
    pt.set_threads(before)
    if not same(*answers):
        yield subject.finding(
            "threads-differ",
            "with four threads it gives other bits than with one",
            "the same bits",
            "start no threads in a model",
        )


def _training(subject: Subject, module: Any, x: Any, inputs: Inputs) -> Iterator[Finding]:
    """What dropout and running statistics do in a step, which evaluation does not see."""
    module.train()
    before = _held(module)
    slots: list[pt.Slot] = [slot for _, slot in module.named_parameters() if slot.trainable]
    compiled = pt.compile(lambda batch: pt.nn.value_and_grad(slots, lambda: pt.sum(module(batch)))()[0])
    try:
        with no_global_random(subject, "the model in training mode") as drawn:
            made = module(pt.asarray(x))
        found = [*drawn, *_output(subject, made, made, inputs)]
        if slots:
            compiled(pt.asarray(x))
    except Exception as error:
        traced = isinstance(error, pt.TraceError)
        received = f"in training mode it raised {type(error).__name__}: {str(error).splitlines()[0]}"
        code, fix = "raises", "fix the line that is named"
        if traced:
            code, fix = "not-traceable", "use pt.where instead of if on values, and no NumPy on tensors"
        yield subject.finding(code, received, "a step that can run", fix, error)
        return
    finally:
        module.eval()
    yield from found
    if kept := changed(before, _held(module)):
        yield subject.finding(
            "state-on-self",
            f"a call in training mode changes {', '.join(kept)} of the module",
            "no state but slots, which checkpoints hold",
            "make it a slot in __init__ (pt.Slot), and assign its value in forward",
        )


def _gradients(subject: Subject, module: Any, x: Any) -> Iterator[Finding]:
    """Every parameter is reached, and the gradient is what differences of the weights say."""
    named: list[tuple[str, pt.Slot]] = [one for one in module.named_parameters() if one[1].trainable]
    if not named:
        return
    draw = rng()
    weights = draw.normal(size=tuple(module(pt.asarray(x)).shape)).astype(np.float32)

    def value() -> Any:
        return pt.sum(module(pt.asarray(x)) * pt.asarray(weights))

    try:
        _, gradients = pt.nn.value_and_grad([slot for _, slot in named], value)()
    except Exception as error:
        yield subject.raised("the gradient of the model", error)
        return
    unreached = [name for (name, _), gradient in zip(named, gradients, strict=True) if not np.asarray(gradient).any()]
    if unreached:
        yield subject.finding(
            "no-gradient",
            f"the parameter {', '.join(unreached)} gets no gradient",
            "one for each parameter",
            "use it in forward, freeze it, or look for stop_gradient on its way",
        )
        return
    directions = [draw.normal(size=tuple(slot.shape)).astype(np.float32) for _, slot in named]
    given = sum(float((np.asarray(g, dtype=np.float64) * d).sum()) for g, d in zip(gradients, directions, strict=True))
    first = [np.array(slot.numpy()) for _, slot in named]

    def at(distance: float) -> float:
        for (_, slot), start, direction in zip(named, first, directions, strict=True):
            slot.value = pt.tensor(start + np.float32(distance) * direction)
        return float((np.asarray(module(pt.asarray(x)), dtype=np.float64) * weights).sum())

    # Two distances: where their differences disagree, the function bends or breaks too much there to say anything.
    steps = [1e-3, 3e-3]
    slopes = [(at(step) - at(-step)) / (2 * step) for step in steps]
    at(0.0)
    size = max(1.0, *(abs(slope) for slope in slopes))
    if abs(slopes[0] - slopes[1]) <= 0.02 * size and not abs(given - slopes[0]) <= 0.1 * size:
        yield subject.finding(
            "wrong-gradient",
            f"the gradient along a random direction of the weights is {given:.4g}, and differences say {slopes[0]:.4g}",
            "the derivative of what it computes",
            "look for stop_gradient, rounding or comparisons in forward",
        )
