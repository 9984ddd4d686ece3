"""Checks of a kernel's gradient: its vjp against the reference's, and that against differences in float64."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.finding import Finding, Subject, apart, rng
from powertrain.conformance.kernel_trials import Trial, distance, of_reference
from powertrain.plugin.kernels import Kernel

GRADIENT_NEAR = {"float64": 1e-6, "float32": 2e-3, "float16": 5e-2}
STEPS = (1e-5, 3e-5)  # of differences in float64


def check_gradients(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
    """The vjp against the gradient of the reference, and that against differences in float64."""
    if not callable(kernel.vjp) or not np.issubdtype(wanted[0].dtype, np.floating):
        return
    draw = rng()
    real = [index for index, array in enumerate(trial.inputs) if array.dtype.kind == "f"]
    weights = [draw.normal(size=one.shape) for one in wanted]

    def pulled(function: Any, inputs: Sequence[Any]) -> list[Any]:
        def weighed(*floats: Any) -> Any:
            given = [pt.tensor(array) for array in inputs]
            for index, tensor in zip(real, floats, strict=True):
                given[index] = tensor
            made = function(*given, **trial.params)
            several = made if isinstance(made, (tuple, list)) else [made]
            pairs = zip(several, weights, strict=True)
            terms = [pt.sum(one * pt.asarray(weight.astype(one.dtype.name))) for one, weight in pairs]
            return sum(terms[1:], terms[0])

        value, back = pt.vjp(weighed, *(inputs[index] for index in real))
        return [np.asarray(one, np.float64) for one in back(pt.asarray(np.ones((), value.dtype.name)))]

    try:
        given = pulled(kernel, trial.inputs)
    except Exception as error:
        yield subject.raised(f"the gradient of {trial.words}", error)
        return
    by_reference = pulled(kernel.reference, trial.inputs)
    for index, made, right in zip(real, given, by_reference, strict=True):
        name = list(kernel.inputs)[index]
        if not distance(made, right) <= GRADIENT_NEAR[trial.dtype]:
            at = np.unravel_index(int(np.argmax(np.abs(made - right))), made.shape)
            found, expected = apart(made[at], right[at])
            yield subject.finding(
                "wrong-gradient",
                f"in {trial.words} the gradient of {name} is {found} at {[int(one) for one in at]}, and the "
                f"reference's is {expected}",
                "the derivative of what it computes",
                "fix the vjp, or the kernel that it calls",
            )
            return
    yield from _differences(subject, kernel, trial, real, weights, by_reference, draw)


def _differences(
    subject: Subject, kernel: Kernel, trial: Trial, real: list[int], weights: list[Any], gradients: list[Any], draw: Any
) -> Iterator[Finding]:
    wide = [array.astype(np.float64) if index in real else array for index, array in enumerate(trial.inputs)]
    directions = {index: draw.normal(size=trial.inputs[index].shape) for index in real}

    def at(distance: float) -> float:
        moved = [array + distance * directions[i] if i in directions else array for i, array in enumerate(wide)]
        made = of_reference(kernel, moved, trial.params)
        return sum(float((one * w).sum()) for one, w in zip(made, weights, strict=True))

    # Two distances: where they disagree, the function bends or breaks too much there to say anything.
    slopes = [(at(step) - at(-step)) / (2 * step) for step in STEPS]
    along = sum(float((g * directions[index]).sum()) for index, g in zip(real, gradients, strict=True))
    size = max(1.0, abs(slopes[0]))
    near = max(1e-4, GRADIENT_NEAR[trial.dtype])
    if abs(slopes[0] - slopes[1]) <= near * size and not abs(along - slopes[0]) <= 10 * near * size:
        found, wanted = apart(along, slopes[0])
        yield subject.finding(
            "wrong-gradient",
            f"in {trial.words} the gradient along a random direction is {found}, and differences say {wanted}",
            "the derivative of what it computes",
            "look for stop_gradient in the reference, and at the vjp",
        )
