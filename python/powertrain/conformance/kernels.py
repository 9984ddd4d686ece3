"""Checks of kernels: what their function does to memory, whether parts and threads matter, results and gradients
against the reference, and the same through the engine."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from powertrain import _core
from powertrain.conformance.finding import Finding, Subject, rng
from powertrain.conformance.kernel_gradients import check_gradients
from powertrain.conformance.kernel_memory import check_memory, check_parts, check_races
from powertrain.conformance.kernel_params import check_parameters
from powertrain.conformance.kernel_results import check_engine, check_far, check_gpu, check_results
from powertrain.conformance.kernel_trials import Trial, as_dtype, of_reference
from powertrain.plugin.conversion import check
from powertrain.plugin.kernels import Case, Kernel
from powertrain.plugin.kernels.kernel import Typed
from powertrain.plugin.kernels.library import SourceError
from powertrain.plugin.params import parameters


def check_kernel(subject: Subject) -> Iterator[Finding]:
    kernel = subject.plugin
    if not isinstance(kernel, Kernel):
        yield subject.finding(
            "protocol",
            f"it is a {type(kernel).__name__}",
            "a powertrain.plugin.Kernel",
            "name the object that Kernel(...) gives in the entry point",
        )
        return
    if kernel.reference is None:
        yield subject.finding(
            "no-reference", "it has no reference", "the same in ops, which it is compared with", "pass reference="
        )
        return
    try:
        _ = kernel.op
    except _core.KernelError as error:
        received, _, rest = str(error).partition("] ")[2].partition("; expected ")
        yield subject.finding("name-clash" if "an op of that name" in received else "raises", received, *_two(rest))
        return
    cases = kernel.cases() or (_usual_cases(kernel) if kernel.elementwise else [])
    if not cases:
        yield subject.finding("no-cases", "it has no cases", "inputs to try it with", "pass cases=[Case(x, ...)]")
        return
    if kernel.cuda is not None:
        try:
            made = kernel.cuda.compile()
            kernel.cuda.check_arguments(made, len(kernel.inputs) + kernel.outputs, len(parameters(kernel.Params)))
        except SourceError as error:
            if error.code != "no-nvrtc":  # then its text alone was looked at
                yield _of_source(subject, error)
                return
    for index, case in enumerate(cases):
        for dtype in kernel.forward.dtypes:
            found = list(_try(subject, kernel, case, dtype, f"case {index} in {dtype}"))
            yield from found
            if found:  # the next ones would say the same, of memory that may be broken
                return
    found = list(check_parameters(subject, kernel, cases))
    yield from found
    if not found and kernel.elementwise and not kernel.cases():
        for dtype in kernel.forward.dtypes:
            yield from (far := list(check_far(subject, kernel, dtype)))
            if far:
                return


def _two(rest: str) -> tuple[str, str]:
    expected, _, fix = rest.partition("; ")
    return expected or "no exception", fix or "fix the line that is named"


def _usual_cases(kernel: Kernel) -> list[Case]:
    draw = rng()
    shapes: tuple[tuple[int, ...], ...] = ((7,), (3, 5), (1,), (1030,))
    return [Case(*(2 * draw.normal(size=shape) for _ in kernel.inputs)) for shape in shapes]


def _try(subject: Subject, kernel: Kernel, case: Case, dtype: str, words: str) -> Iterator[Finding]:
    found, mistakes = check(kernel.Params, case.params, kernel.name)
    if mistakes:
        yield subject.finding("case", f"{words}: {mistakes[0].text}", "parameters that it takes", "fix the case")
        return
    params = {field.name: getattr(found, field.name) for field in parameters(kernel.Params)}
    inputs = as_dtype(kernel, case.inputs, dtype)
    try:
        wanted = of_reference(kernel, inputs, params)
    except Exception as error:
        yield subject.raised(f"the reference of {words}", error)
        return
    outputs = [(tuple(one.shape), str(one.dtype)) for one in wanted]
    typed = [(array.shape, str(array.dtype)) for array in inputs]
    if not kernel.elementwise:
        yield from (shaped := list(_shapes(subject, kernel, typed, outputs, params, words)))
        if shaped:
            return
    try:
        operands = [((), dtype)] if kernel.elementwise else [*typed, *outputs]
        address = kernel.forward.address(kernel, operands)
    except SourceError as error:
        yield _of_source(subject, error)
        return
    except _core.KernelError as error:
        said = str(error).splitlines()[0]
        yield subject.finding("no-library", said, "a library that can be loaded", "build it again")
        return
    trial = Trial(words, inputs, outputs, params, address, dtype)
    for one in (check_memory, check_parts, check_races, check_results, check_engine, check_gradients, check_gpu):
        found_here = list(one(subject, kernel, trial, wanted))
        yield from found_here
        if found_here:
            return


def _of_source(subject: Subject, error: SourceError) -> Finding:
    received, _, rest = str(error).partition("] ")[2].partition("; expected ")
    expected, _, fix = rest.partition("; ")
    return subject.finding("not-here" if error.code == "no-numba" else error.code, received, expected, fix)


def _shapes(
    subject: Subject,
    kernel: Kernel,
    inputs: Sequence[Typed],
    wanted: Sequence[Typed],
    params: dict[str, Any],
    words: str,
) -> Iterator[Finding]:
    try:
        given = kernel.facts().shape(inputs, params)
    except Exception as error:
        yield subject.raised(f"the shape rule of {words}", error)
        return
    if [tuple(shape) for shape, _ in given] != [shape for shape, _ in wanted] or [d for _, d in given] != [
        d for _, d in wanted
    ]:
        yield subject.finding(
            "shape-rule",
            f"in {words} its shape rule gives {_shown(given)}, and its reference {_shown(wanted)}",
            "the same",
            "fix shape or dtypes, or the reference",
        )


def _shown(types: Sequence[Typed]) -> str:
    return ", ".join(f"{dtype}{list(shape)}" for shape, dtype in types)
