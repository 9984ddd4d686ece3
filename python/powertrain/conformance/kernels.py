"""Checks of kernels: what their function does to memory, whether parts and threads matter, results and gradients
against the reference, and the same through the engine."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain import _core
from powertrain.conformance.finding import Finding, Subject, rng, same
from powertrain.conformance.memory import Prepared, prepare, run
from powertrain.plugin.kernels import Case, Kernel
from powertrain.plugin.kernels.kernel import Typed
from powertrain.plugin.kernels.library import SourceError
from powertrain.plugin.params import check, parameters

# How near results must come to the reference's, beside the largest of them.
NEAR = {"float64": 1e-9, "float32": 1e-4, "float16": 1e-2}
GRADIENT_NEAR = {"float64": 1e-6, "float32": 2e-3, "float16": 5e-2}
STEPS = (1e-5, 3e-5)  # of differences in float64
FAR = (0.0, 20.0, -20.0, 60.0, -60.0, 300.0, -300.0, float("nan"))
RACERS, RACE_SECONDS = 4, 0.25


@dataclass(frozen=True)
class Trial:
    """One case in one dtype: what goes in, what is to come out."""

    words: str
    inputs: tuple[Any, ...]
    outputs: list[Typed]
    params: dict[str, Any]
    address: int
    dtype: str


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
    if kernel.elementwise and not kernel.cases():
        for dtype in kernel.forward.dtypes:
            yield from (found := list(_far(subject, kernel, dtype)))
            if found:
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
    inputs = _as_dtype(kernel, case.inputs, dtype)
    try:
        wanted = _reference(kernel, inputs, params)
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
    for one in (_memory, _parts, _races, _results, _engine, _gradients, _gpu):
        found_here = list(one(subject, kernel, trial, wanted))
        yield from found_here
        if found_here:
            return


def _far(subject: Subject, kernel: Kernel, dtype: str) -> Iterator[Finding]:
    """Where formulas overflow or are cut off, and a NaN, which must come out as one for the guard to see it."""
    found, mistakes = check(kernel.Params, {}, kernel.name)
    if mistakes:
        return
    params = {field.name: getattr(found, field.name) for field in parameters(kernel.Params)}
    inputs = tuple(np.roll(np.array(FAR, dtype), number) for number in range(len(kernel.inputs)))
    wanted = _reference(kernel, inputs, params)
    trial = Trial("", inputs, [((len(FAR),), dtype)], params, kernel.forward.address(kernel, [((), dtype)]), dtype)
    call = _call(kernel, trial)
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
        yield subject.finding(
            "wrong-result",
            f"in {dtype} it makes {made[at]:g} of {words}, and its reference {right[at]:g}",
            "the same; a NaN stays one, so that the guard sees it" if hidden[at] else f"within {NEAR[dtype]:g} of it",
            "look at comparisons, which a NaN fails" if hidden[at] else "look for what overflows or is cut off",
        )


def _of_source(subject: Subject, error: SourceError) -> Finding:
    received, _, rest = str(error).partition("] ")[2].partition("; expected ")
    expected, _, fix = rest.partition("; ")
    return subject.finding("not-here" if error.code == "no-numba" else error.code, received, expected, fix)


def _as_dtype(kernel: Kernel, inputs: Sequence[Any], dtype: str) -> tuple[Any, ...]:
    return tuple(
        np.ascontiguousarray(np.asarray(array), None if kind == "integer" else dtype)
        for array, kind in zip(inputs, kernel.inputs.values(), strict=True)
    )


def _reference(kernel: Kernel, inputs: Sequence[Any], params: dict[str, Any]) -> list[Any]:
    assert kernel.reference is not None
    made = kernel.reference(*(pt.tensor(array) for array in inputs), **params)
    return [np.asarray(one) for one in (made if isinstance(made, (tuple, list)) else [made])]


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


def _call(kernel: Kernel, trial: Trial, inputs: Sequence[Any] | None = None, **layout: Any) -> Prepared:
    return prepare(kernel, trial.inputs if inputs is None else inputs, trial.outputs, trial.params, **layout)


def _memory(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
    """On guarded memory, at its end and at its beginning; on other patterns; with the memory of old calls closed."""
    old: list[Prepared] = []
    seen = []
    for at_end, pattern in ((True, b"\xff"), (False, b"\x5c"), (True, b"\xff")):
        call = _call(kernel, trial, at_end=at_end, pattern=pattern)
        if fault := run(trial.address, call, old):
            yield subject.finding(fault.code, f"in {trial.words} {fault.received}", fault.expected, fault.fix)
            return
        seen.append(call.results())
        for buffer in call.buffers:
            buffer.close()
        old.append(call)
    for index, (first, other, again) in enumerate(zip(*seen, strict=True)):
        if not same(first, again):
            yield subject.finding(
                "not-repeatable",
                f"in {trial.words} two calls with the same inputs give different results",
                "the same bits",
                "look for memory that is read before it is written, and for static variables",
            )
            return
        a, b = (np.frombuffer(one.tobytes(), np.uint8).reshape(one.size, one.itemsize) for one in (first, other))
        differing = np.flatnonzero((a != b).any(axis=1))
        if differing.size:
            name = "the output" if len(wanted) == 1 else f"output {index}"
            yield subject.finding(
                "unwritten",
                f"in {trial.words} {differing.size} of {first.size} elements of {name} are not written, the first of "
                f"them element {differing[0]}",
                "every element",
                "look at the bounds of its loops; for sums, begin with zeros",
            )
            return


def _parts(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
    """Rows, or elements, one by one give the bits that all of them give at once."""
    count = wanted[0].size if kernel.elementwise else wanted[0].shape[0] if kernel.split and wanted[0].ndim else 0
    if count < 2:
        return
    whole = _call(kernel, trial)
    run(trial.address, whole)
    width = 1 if count <= 64 else count // 7
    pieces: list[Any] = [np.empty_like(one) for one in whole.results()]
    for begin in range(0, count, width):
        end = min(begin + width, count)
        call = _call(kernel, trial, part=(begin, end))
        if fault := run(trial.address, call):
            yield subject.finding(fault.code, f"in {trial.words} {fault.received}", fault.expected, fault.fix)
            return
        for into, made in zip(pieces, call.results(), strict=True):
            target, source = (into.reshape(-1), made.reshape(-1)) if kernel.elementwise else (into, made)
            target[begin:end] = source[begin:end]
    if not all(same(a, b) for a, b in zip(whole.results(), pieces, strict=True)):
        yield subject.finding(
            "parts-differ",
            f"in {trial.words} parts give other bits than all at once",
            "elements that do not depend on where a part begins",
            "look for vector code that rounds otherwise than its tail (-ffast-math, -ffp-contract), or drop split",
        )


def _races(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
    """Several threads, each on inputs of its own, again and again."""
    calls, racers = [], []
    for number in range(RACERS):
        rolled = [np.roll(array.reshape(-1), number).reshape(array.shape) for array in trial.inputs]
        call = _call(kernel, trial, rolled)
        if run(trial.address, call):  # these inputs it may refuse
            continue
        calls.append((call, call.results()))
    for call, expected in calls:
        output, right = call.outputs[0], expected[0]
        racers.append((call.arguments, output.address, right.ctypes.data, right.nbytes))
    if len(racers) < 2:
        return
    nanoseconds = _core.time_call(trial.address, calls[0][0].arguments, 10)
    repeats = int(min(max(RACE_SECONDS * 1e9 / max(nanoseconds, 20.0) / RACERS, 20), 200_000))
    if different := _core.race(trial.address, racers, repeats):
        yield subject.finding(
            "not-thread-safe",
            f"in {trial.words} {different} of {repeats * len(racers)} calls from {len(racers)} threads at once give "
            "another result than alone",
            "calls that share nothing",
            "look for static and global variables; keep working memory on the stack",
        )


def _results(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
    call = _call(kernel, trial)
    run(trial.address, call)
    for index, (made, right) in enumerate(zip(call.results(), wanted, strict=True)):
        worst = _distance(made, right)
        if not worst <= NEAR.get(str(right.dtype), 0.0):
            name = "" if len(wanted) == 1 else f" {index}"
            yield subject.finding(
                "wrong-result",
                f"in {trial.words} its output{name} differs from the reference's by {worst:.3g} of the largest element",
                f"at most {NEAR.get(str(right.dtype), 0.0):g}",
                "compare both on this case",
            )
            return


def _gpu(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
    """Its CUDA source, where CuPy finds a GPU."""
    if kernel.cuda is None or trial.dtype != kernel.cuda.dtype:
        return
    try:
        cupy: Any = importlib.import_module("cupy")
        if not cupy.cuda.runtime.getDeviceCount():
            return
    except Exception:  # not installed, or without a driver
        return
    try:
        inputs = list(trial.inputs)
        if kernel.elementwise:
            inputs = [np.ascontiguousarray(np.broadcast_to(array, wanted[0].shape)) for array in inputs]
        made = kernel.cuda.run(cupy, inputs, trial.outputs, trial.params)
    except Exception as error:
        yield subject.raised(f"the CUDA source on {trial.words}", error)
        return
    worst = max(_distance(one, right) for one, right in zip(made, wanted, strict=True))
    if not worst <= NEAR[trial.dtype]:
        yield subject.finding(
            "wrong-result",
            f"in {trial.words} its CUDA source differs from the reference by {worst:.3g} of the largest element",
            f"at most {NEAR[trial.dtype]:g}",
            "compare both on this case",
        )


def _distance(made: Any, right: Any) -> float:
    """The largest difference, in parts of the largest element; infinite where one is NaN and the other is not."""
    a, b = np.asarray(made, np.float64), np.asarray(right, np.float64)
    if not np.array_equal(np.isnan(a), np.isnan(b)):
        return float("inf")
    if a.size == 0:
        return 0.0
    differs = np.where((a == b) | np.isnan(a), 0.0, np.abs(a - b))
    finite = np.abs(b[np.isfinite(b)])
    return float(differs.max() / max(1.0, finite.max(initial=0.0)))


def _engine(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
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


def _gradients(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
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
        if not _distance(made, right) <= GRADIENT_NEAR[trial.dtype]:
            at = np.unravel_index(int(np.argmax(np.abs(made - right))), made.shape)
            yield subject.finding(
                "wrong-gradient",
                f"in {trial.words} the gradient of {name} is {made[at]:.6g} at {[int(one) for one in at]}, and the "
                f"reference's is {right[at]:.6g}",
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
        made = _reference(kernel, moved, trial.params)
        return sum(float((one * w).sum()) for one, w in zip(made, weights, strict=True))

    # Two distances: where they disagree, the function bends or breaks too much there to say anything.
    slopes = [(at(step) - at(-step)) / (2 * step) for step in STEPS]
    along = sum(float((g * directions[index]).sum()) for index, g in zip(real, gradients, strict=True))
    size = max(1.0, abs(slopes[0]))
    near = max(1e-4, GRADIENT_NEAR[trial.dtype])
    if abs(slopes[0] - slopes[1]) <= near * size and not abs(along - slopes[0]) <= 10 * near * size:
        yield subject.finding(
            "wrong-gradient",
            f"in {trial.words} the gradient along a random direction is {along:.6g}, and differences say "
            f"{slopes[0]:.6g}",
            "the derivative of what it computes",
            "look for stop_gradient in the reference, and at the vjp",
        )
