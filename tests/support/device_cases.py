"""The calls of the case files in every way: forward, strided, compiled, gradients, extremes. They run where the current
device is, so that the results of one device can be compared with another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from calls import (
    SPECS,
    Variables,
    call,
    check_outputs,
    cotangents,
    derivative,
    first_dtype,
    float_elements,
    outputs,
    reference,
    strided,
    to_array,
    to_tensor,
    weighted,
)
from extremes import CHANGES, STRUCTURED, extreme_cases, extreme_reference
from kit import FLOATS, Case, case_files
from oracles import check, same_bits

FILES = case_files()
NAMES = sorted(set(FILES) & set(SPECS))
# Runs of a compiled function: the first ones are not recorded.
RUNS = 4


@dataclass(frozen=True)
class Trial:
    """One call in one way. `check` raises unless results are right, however the terms of a sum were ordered."""

    way: str
    where: str
    run: Callable[[], list[Any]]
    check: Callable[[list[Any]], None]


def trials(name: str) -> Iterator[Trial]:
    """All of an op."""
    for case in FILES[name].CASES:
        yield from trials_of(name, case)
    for case, _ in getattr(FILES[name], "GRADIENTS", ()):
        yield from gradient(name, case, "float64")
    if name in STRUCTURED:
        for kind in CHANGES:
            yield from extremes(name, kind, first_dtype(FILES[name]))


def trials_of(name: str, case: Case) -> Iterator[Trial]:
    """Of one call, in every dtype."""
    dtypes = [dtype for dtype in FLOATS if dtype in getattr(FILES[name], "DTYPES", FLOATS)]
    for dtype in dtypes:
        yield forward(name, case, dtype)
    yield from other_ways(name, case, first_dtype(FILES[name]))
    if SPECS[name]["differentiable"] and case.differentiable and float_elements(case):
        for dtype in dtypes:
            yield from gradient(name, case, dtype)


def forward(name: str, case: Case, dtype: str) -> Trial:
    where = f"{name} {case} in {dtype}"

    def right(got: list[Any]) -> None:
        want, mag = reference(FILES[name], case, dtype)
        check_outputs(FILES[name], got, want, mag, where)

    return Trial("forward", where, lambda: call(name, case, dtype), right)


def other_ways(name: str, case: Case, dtype: str) -> Iterator[Trial]:
    """Strided and compiled: the bits of the plain call on the same device."""
    variables = Variables(name, case, dtype)

    def plain() -> list[Any]:
        return Variables(name, case, dtype)(*variables.tensors())

    def with_strides(form: int) -> list[Any]:
        tensors = [strided(p, dtype, form) if p.ndim else to_tensor(p, dtype) for p in variables.points]
        return Variables(name, case, dtype)(*tensors)

    for form in (0, 1):
        where = f"{name} {case} with strides (form {form})"
        yield Trial("strided", where, lambda form=form: with_strides(form), alike(plain, where))  # type: ignore[misc]
    where = f"{name} {case} compiled"
    yield Trial("compiled", where, lambda: compiled(Variables(name, case, dtype), variables), alike(plain, where, RUNS))


def compiled(function: Callable[..., list[Any]], variables: Variables) -> list[Any]:
    """What each of several runs of the compiled function gives."""
    program = pt.compile(lambda *xs: tuple(function(*xs)))
    tensors = variables.tensors()
    return [y for _ in range(RUNS) for y in outputs(program(*tensors))]


def alike(plain: Callable[[], list[Any]], where: str, times: int = 1) -> Callable[[list[Any]], None]:
    """The check that results have the bits of another way."""

    def right(got: list[Any]) -> None:
        want = times * [to_array(y) for y in plain()]
        assert all(map(same_bits, map(to_array, got), want)), f"{where}: other bits than those of a plain call"

    return right


def gradient(name: str, case: Case, dtype: str) -> Iterator[Trial]:
    """Of <v, f(x)> with a random v, by all float inputs; eagerly, and compiled in one dtype."""
    variables = Variables(name, case, dtype)
    weights = cotangents(variables)

    def function(computed_in: str) -> Callable[..., list[Any]]:
        there = Variables(name, case, dtype, computed_in=computed_in)  # whose constants are on the current device
        return derivative(weighted(there, weights, computed_in), there)

    def plain() -> list[Any]:
        return function(dtype)(*variables.tensors())

    where = f"gradient of {name} {case} in {dtype}"

    def right(got: list[Any]) -> None:
        with pt.device("cpu"):
            wide = Variables(name, case, dtype, computed_in="float64")
            want = [to_array(y) for y in function("float64")(*wide.tensors())]
        for one, other in zip(got, want, strict=True):
            scale = np.sqrt(np.mean(other * other)) if other.size else np.zeros(())
            k = getattr(FILES[name], "K_GRADIENT", 64)
            check(to_array(one), other, np.maximum(np.abs(other), scale), k, dtype, where)

    yield Trial("gradient", where, plain, right)
    if dtype == first_dtype(FILES[name]):
        yield Trial("gradient", f"{where}, compiled", lambda: compiled(function(dtype), variables),
                    alike(plain, where, RUNS))  # fmt: skip


def extremes(name: str, kind: str, dtype: str) -> Iterator[Trial]:
    """Elements that are NaN, infinite or equal."""
    for other, case, said in extreme_cases(name, kind, dtype):
        yield extreme(name, kind, dtype, other, case, said)


def extreme(name: str, kind: str, dtype: str, other: Case, case: Case, said: bool) -> Trial:
    where = f"{name} {other}, {kind}"

    def right(got: list[Any]) -> None:
        if said:
            want, mag = extreme_reference(name, kind, other, case, dtype)
            check_outputs(FILES[name], got, want, mag, where)

    return Trial("extremes", where, lambda: call(name, other, dtype), right)
