"""Checks of what a kernel computes: against its reference, on a GPU, and through the engine."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.conformance.finding import Finding, Subject, apart, same
from powertrain.conformance.kernel_trials import NEAR, Trial, distance, of_reference, prepared
from powertrain.conformance.memory import run
from powertrain.plugin.conversion import check
from powertrain.plugin.kernels import Kernel
from powertrain.plugin.params import parameters

FAR = (0.0, 20.0, -20.0, 60.0, -60.0, 300.0, -300.0, float("nan"))


def check_results(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
    call = prepared(kernel, trial)
    run(trial.address, call)
    for index, (made, right) in enumerate(zip(call.results(), wanted, strict=True)):
        worst = distance(made, right)
        if not worst <= NEAR.get(str(right.dtype), 0.0):
            name = "" if len(wanted) == 1 else f" {index}"
            yield subject.finding(
                "wrong-result",
                f"in {trial.words} its output{name} differs from the reference's by {worst:.3g} of the largest element",
                f"at most {NEAR.get(str(right.dtype), 0.0):g}",
                "compare both on this case",
            )
            return


def check_gpu(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
    """Its code for GPUs, where there is one: eagerly, in a step that is played again, and its gradient."""
    if kernel.cuda is None or trial.dtype != kernel.cuda.dtype or not pt.cuda.is_available():
        return

    def eager(*given: Any) -> Any:
        return kernel(*given, **trial.params)

    arrays = [pt.tensor(array, device="cuda") for array in trial.inputs]
    step = pt.compile(eager)
    for call, words in ((eager, "its code for GPUs"), *((step, "compiled, its code for GPUs"),) * 3):
        try:
            made = call(*arrays)
            results = [np.asarray(one) for one in (made if isinstance(made, tuple) else [made])]
        except Exception as error:
            yield subject.raised(f"{words} on {trial.words}", error)
            return
        yield from (found := list(_far_from(subject, trial, words, results, wanted)))
        if found:
            return
    if callable(kernel.vjp):
        yield from _check_gpu_gradient(subject, kernel, trial, eager, arrays)


def _check_gpu_gradient(
    subject: Subject, kernel: Kernel, trial: Trial, eager: Callable[..., Any], arrays: list[pt.Tensor]
) -> Iterator[Finding]:
    """Beside the one that is computed on the CPU, which has been compared with the reference's."""
    floats = [at for at, kind in enumerate(kernel.inputs.values()) if kind != "integer"]

    def gradients(given: list[pt.Tensor]) -> list[Any]:
        def total(*chosen: pt.Tensor) -> Any:
            values = list(given)
            for at, value in zip(floats, chosen, strict=True):
                values[at] = value
            made = eager(*values)
            outputs = made if isinstance(made, tuple) else (made,)
            return sum((one * one).sum() for one in outputs if one.dtype == given[floats[0]].dtype)

        found = pt.grad(total, tuple(range(len(floats))))(*(given[at] for at in floats))
        return [np.asarray(one) for one in found]

    try:
        made, right = gradients(arrays), gradients([pt.tensor(array) for array in trial.inputs])
    except Exception as error:
        yield subject.raised(f"its gradient on a GPU on {trial.words}", error)
        return
    yield from _far_from(subject, trial, "its gradient on a GPU", made, right, "wrong-gradient")


def _far_from(
    subject: Subject, trial: Trial, words: str, made: list[Any], right: list[Any], code: str = "wrong-result"
) -> Iterator[Finding]:
    worst = max(distance(one, other) for one, other in zip(made, right, strict=True))
    if not worst <= NEAR[trial.dtype]:
        yield subject.finding(
            code,
            f"in {trial.words} {words} differs from the reference by {worst:.3g} of the largest element",
            f"at most {NEAR[trial.dtype]:g}",
            "compare both on this case",
        )


def check_engine(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
    """Eager and compiled, with one thread and with four."""
    arrays = [pt.tensor(array) for array in trial.inputs]

    def eager(*given: Any) -> Any:
        return kernel(*given, **trial.params)

    functions: tuple[Callable[..., Any], ...] = (eager, pt.compile(eager))
    before, answers = pt.get_threads(), []
    try:
        for function in functions:
            for threads in (1, 4):
                pt.set_threads(threads)
                made = function(*arrays)
                answers.append([np.asarray(one) for one in (made if isinstance(made, tuple) else [made])])
    except Exception as error:
        yield subject.raised(f"the engine's call of {trial.words}", error)
        return
    finally:
        pt.set_threads(before)
    for code, text, first, other in (
        ("threads-differ", "with four threads it gives other bits than with one", 0, 1),
        ("compiled-differs", "compiled it gives other bits than eagerly", 0, 2),
        ("threads-differ", "compiled, with four threads it gives other bits than with one", 2, 3),
    ):
        if not all(same(a, b) for a, b in zip(answers[first], answers[other], strict=True)):
            yield subject.finding(code, f"in {trial.words} {text}", "the same bits", "share nothing between calls")
            return


def check_far(subject: Subject, kernel: Kernel, dtype: str) -> Iterator[Finding]:
    """Where formulas overflow or are cut off, and a NaN, which must come out as one for the guard to see it."""
    found, mistakes = check(kernel.Params, {}, kernel.name)
    if mistakes:
        return
    params = {field.name: getattr(found, field.name) for field in parameters(kernel.Params)}
    inputs = tuple(np.roll(np.array(FAR, dtype), number) for number in range(len(kernel.inputs)))
    wanted = of_reference(kernel, inputs, params)
    trial = Trial("", inputs, [((len(FAR),), dtype)], params, kernel.forward.address(kernel, [((), dtype)]), dtype)
    call = prepared(kernel, trial)
    if fault := run(trial.address, call):
        yield subject.finding(fault.code, f"of {FAR} {fault.received}", fault.expected, fault.fix)
        return
    made, right = np.asarray(call.results()[0], np.float64), np.asarray(wanted[0], np.float64)
    given = np.stack(inputs).astype(np.float64)
    size = np.maximum(np.nan_to_num(np.abs(given)).max(axis=0), np.maximum(1.0, np.abs(right)))
    with np.errstate(all="ignore"):
        # Infinity in a reference may be its own overflow, which a kernel may do better.
        near = np.where(np.isfinite(right), np.abs(made - right) <= NEAR[dtype] * size, True)
    hidden = np.isnan(given).any(axis=0) & np.isnan(right) & ~np.isnan(made)
    wrong = np.flatnonzero(~near | hidden)
    if wrong.size:
        at = wrong[0]
        words = ", ".join(f"{value:g}" for value in given[:, at])
        found, expected = apart(made[at], right[at])
        yield subject.finding(
            "wrong-result",
            f"in {dtype} it makes {found} of {words}, and its reference {expected}",
            "the same; a NaN stays one, so that the guard sees it" if hidden[at] else f"within {NEAR[dtype]:g} of it",
            "look at comparisons, which a NaN fails" if hidden[at] else "look for what overflows or is cut off",
        )
