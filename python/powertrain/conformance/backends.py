"""Checks of backends: the rule of every op against the engine's own kernels, then whole training steps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain import _core
from powertrain.conformance import backend_steps
from powertrain.conformance.backend_cases import LOOSE, ROOTED, SPECS, K, calls
from powertrain.conformance.backend_cases import Call as Case
from powertrain.conformance.finding import BrokenError, Finding, Subject
from powertrain.plugin.backends import Adapter, BackendError
from powertrain.plugin.importing import in_words
from powertrain.plugin.wording import suggestion

EPS = {"float64": 2.0**-52, "float32": 2.0**-23, "float16": 2.0**-10, "bfloat16": 2.0**-7}
SMALLEST = {"float64": 2.0**-1022, "float32": 2.0**-126, "float16": 2.0**-14, "bfloat16": 2.0**-126}
LARGEST = {"float64": np.finfo("float64").max, "float32": float(np.finfo("float32").max), "float16": 65504.0,
           "bfloat16": 3.3895313892515355e38}  # fmt: skip
AT_ONCE = 12  # ops in one program, since most of what a check takes is to compile
TRIED = ("bool", "uint8", "int32", "int64", "float16", "bfloat16", "float32", "float64")
# A step's loss may differ by what rounding does to it.
NEAR_LOSS = 1e-4


def check_backend(subject: Subject) -> Iterator[Finding]:
    try:
        backend = subject.plugin.build(subject.params)
        yield from _members(subject, backend)
        reason = backend.available()
    except BrokenError:
        raise
    except Exception as error:
        yield subject.raised("making it", error)
        return
    if reason is not None:
        yield subject.finding(
            "not-here", f"it cannot run here: {reason}", "a machine on which it can", "check it where it can run"
        )
        return
    watched = Watching(backend, subject.name)
    yield from _round_trips(subject, watched)
    found = False
    for finding in _ops(subject, watched):
        found = True
        yield finding
    if not found:
        yield from backend_steps.check_steps(subject, watched, NEAR_LOSS)
    yield from watched.findings(subject)


def _members(subject: Subject, backend: Any) -> Iterator[Finding]:
    for name in ("ops", "dtypes"):
        if not hasattr(backend, name):
            raise BrokenError(
                subject.finding(
                    "protocol", f"it has no {name}", "ops, dtypes", f"write {name}; see powertrain help plugins/backend"
                )
            )
    for op in sorted(set(backend.ops) - set(SPECS)):
        yield subject.finding(
            "unknown-op", f"it says that it runs {op!r}", f"names of ops{suggestion(op, SPECS)}", "fix its ops"
        )


class Watching(Adapter):
    """Looks at what every call does to its arguments, and whether it gives the same a second time."""

    def __init__(self, backend: Any, name: str) -> None:
        super().__init__(backend, name)
        self.wrote: list[str] = []
        self.varied: list[str] = []
        self.doing = ""

    def compile(self, raw: tuple[Any, ...]) -> Callable[[Sequence[Any]], list[Any]]:
        run = super().compile(raw)

        def watched(arrays: Sequence[Any]) -> list[Any]:
            before = [self.bits(array) for array in arrays]
            outputs = run(arrays)
            if [self.bits(array) for array in arrays] != before:
                self.wrote.append(self.doing)
                return outputs
            first = [self.bits(array) for array in outputs]
            if [self.bits(array) for array in run(arrays)] != first:
                self.varied.append(self.doing)
            return outputs

        return watched

    def bits(self, array: Any) -> bytes:
        return np.ascontiguousarray(self.backend.fetch(array)).tobytes()

    def findings(self, subject: Subject) -> Iterator[Finding]:
        if self.wrote:
            yield subject.finding(
                "writes-input",
                f"{self.wrote[0]} changes an array that it was given",
                "new arrays",
                "copy before writing",
            )
        if self.varied:
            yield subject.finding(
                "not-repeatable",
                f"{self.varied[0]} gives other bits the second time",
                "the same bits, as a resumed run needs them",
                "look for sums in no fixed order, and for what is kept between calls",
            )


def _round_trips(subject: Subject, adapter: Watching) -> Iterator[Finding]:
    for dtype in TRIED:
        if dtype not in adapter.dtypes:
            continue
        for shape in ((), (3,), (2, 3), (0, 2)):
            tensor = pt.asarray(np.resize(np.arange(7), shape)).astype(dtype)
            back = adapter.fetch(adapter.place(tensor))
            if (
                back.dtype != tensor.dtype
                or back.shape != tensor.shape
                or _floats(back).tolist() != _floats(tensor).tolist()
            ):
                yield subject.finding(
                    "round-trip",
                    f"fetch(place(x)) of {dtype}{list(shape)} gives {back.dtype.name}{list(back.shape)}",
                    "the same elements",
                    "fix place and fetch",
                )
                return
    given = np.arange(7, dtype=np.float32)
    view = given.view()
    view.flags.writeable = False
    placed = adapter.backend.place(view, "float32")
    given[:] = -1
    if "float32" in adapter.dtypes and not np.array_equal(adapter.backend.fetch(placed), np.arange(7)):
        yield subject.finding(
            "round-trip",
            "an array that was placed changes with the one that it was placed from",
            "elements of its own, since a batch's memory is used again",
            "copy in place",
        )


def _ops(subject: Subject, adapter: Watching) -> Iterator[Finding]:
    tried = {op: calls(op, adapter.dtypes) for op in sorted(set(adapter.ops) & set(SPECS))}
    untried = [op for op, found in tried.items() if not found]
    if untried:
        yield subject.finding(
            "not-here", f"there are no calls to try {', '.join(untried)} by", "cases", "test these with your own"
        )
    names = [op for op in tried if op not in untried]
    for start in range(0, len(names), AT_ONCE):
        chunk = names[start : start + AT_ONCE]
        try:
            together = [one for op in chunk for one in tried[op]]
            adapter.doing = f"a program of {', '.join(chunk)}"
            pairs = list(zip(together, run(adapter, together), strict=True))
        except Exception:  # which of them it was
            pairs = []
            for op in chunk:
                one_by_one = list(_alone(subject, adapter, tried[op]))
                yield from (found for found in one_by_one if isinstance(found, Finding))
                pairs += [found for found in one_by_one if not isinstance(found, Finding)]
        wrong: set[str] = set()
        for case, results in pairs:
            difference = _difference(case, results)
            if difference and case.op not in wrong:
                wrong.add(case.op)
                received, expected = difference
                yield subject.finding("wrong-result", received, expected, f"look at its rule for {case.op}")


def _alone(subject: Subject, adapter: Watching, cases: list[Case]) -> Iterator[Any]:
    """Each case by itself: with its results, or the first thing that went wrong."""
    for case in cases:
        adapter.doing = str(case)
        try:
            yield case, run(adapter, [case])[0]
        except Exception as told:
            fix = f"look at its rule for {case.op}"
            error = told.__cause__ if isinstance(told, BackendError) else told
            if error is None:
                text = str(told).partition("] ")[2].partition("; expected ")
                yield subject.finding("refuses", f"{case}: {text[0]}", text[2].partition(";")[0] or "a result", fix)
                return
            yield subject.finding("raises", f"{case} raised {in_words(error).splitlines()[0]}", "a result", fix)
            return


def run(adapter: Adapter | None, cases: list[Case]) -> list[list[Any]]:
    """The results of calls, as one program of a backend, or with the engine's own kernels one by one."""
    tensors: list[Any] = []

    def held(value: Any, dtype: str) -> Any:
        if value is None:
            return None
        if isinstance(value, list):
            return [held(one, dtype) for one in value]
        tensors.append(_tensor(value, dtype))
        return _Place(len(tensors) - 1)

    placed = [[held(value, case.dtype) for value in case.inputs] for case in cases]

    def program(*given: Any) -> list[Any]:
        def filled(value: Any) -> Any:
            if isinstance(value, list):
                return [filled(one) for one in value]
            return given[value.at] if isinstance(value, _Place) else value

        made = []
        for case, inputs in zip(cases, placed, strict=True):
            result = _core.op_function(case.op)(*map(filled, inputs), **case.attributes)
            made.append(list(result) if isinstance(result, (list, tuple)) else [result])
        return made

    found: list[list[Any]] = program(*tensors) if adapter is None else pt.compile(program, backend=adapter)(*tensors)
    return found


class _Place:
    def __init__(self, at: int) -> None:
        self.at = at


def _tensor(value: NDArray[Any], dtype: str) -> Any:
    if value.dtype.kind == "c":
        return pt.asarray(value.astype("complex64" if dtype == "float32" else "complex128"))
    tensor = pt.asarray(value)
    return tensor.astype(dtype) if value.dtype.kind == "f" else tensor


def _floats(tensor: Any) -> NDArray[Any]:
    """As NumPy has it: bfloat16 in float32, complex numbers by their parts."""
    if tensor.dtype.is_complex:
        tensor = pt.view_as_real(tensor)
    return np.array((tensor.astype("float32") if tensor.dtype.name == "bfloat16" else tensor).numpy())


def _difference(case: Case, results: list[Any]) -> tuple[str, str] | None:
    """What a backend gave and what the engine gives, where they differ by more than the dtype explains."""
    with np.errstate(all="ignore"):
        for number, (got, want) in enumerate(zip(results, expected(case), strict=True)):
            found, wanted = _floats(got), _floats(want)
            if found.dtype.kind in "biu" or case.exact:
                right = found == wanted
            else:
                dtype = {"complex64": "float32", "complex128": "float64"}.get(got.dtype.name, got.dtype.name)
                least = 1.0 if case.op in ROOTED else SMALLEST[dtype]
                right = near(found, wanted, dtype, LOOSE.get(case.op, K), SPECS[case.op]["elementwise"], least)
            if not np.all(right):
                at = tuple(int(i) for i in np.argwhere(~np.broadcast_to(right, found.shape))[0])
                which = f" as result {number}" if len(results) > 1 else ""
                return f"{case} gives {found[at]}{which} at {list(at)}", f"{wanted[at]}, as the engine gives"
    return None


def expected(case: Case) -> list[Any]:
    """The engine's results: in float64 of the same inputs, unless bits count."""
    if case.exact or case.op == "nextafter":
        return run(None, [case])[0]
    wide = Case(case.op, tuple(_widened(value, case.dtype) for value in case.inputs), case.attributes, "float64")
    return run(None, [wide])[0]


def _widened(value: Any, dtype: str) -> Any:
    if isinstance(value, list):
        return [_widened(one, dtype) for one in value]
    if value is None or value.dtype.kind not in "fc":
        return value
    if value.dtype.kind == "c":
        return value.astype("complex64").astype("complex128")
    return np.array(pt.asarray(value).astype(dtype).astype("float64").numpy())


def near(
    got: NDArray[Any], want: NDArray[Any], dtype: str, k: float, elementwise: bool, least: float
) -> NDArray[np.bool_]:
    """err <= k eps size, where size is the element's own, or of what was summed, and at least `least`; written so that
    NaN fails."""
    half_step = LARGEST[dtype] * (1 + EPS[dtype] / 4)
    want = np.where(np.abs(want) >= half_step, np.copysign(np.inf, want), want)
    finite = np.abs(want[np.isfinite(want)])
    size = np.abs(want) if elementwise else np.full(want.shape, finite.max(initial=0.0))
    close = np.abs(got - want) <= k * EPS[dtype] * np.maximum(size, least)
    return np.asarray(np.where(np.isfinite(want), close, got == want) | (np.isnan(want) & np.isnan(got)))
