"""Checks of what a kernel's function does to memory: where it writes, whether parts, threads and old calls matter."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from powertrain import _core
from powertrain.conformance.finding import Finding, Subject, same
from powertrain.conformance.kernel_trials import Trial, prepared
from powertrain.conformance.memory import Prepared, run
from powertrain.plugin.kernels import Kernel

RACERS, RACE_SECONDS = 4, 0.25


def check_memory(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
    """On guarded memory, at its end and at its beginning; on other patterns; with the memory of old calls closed."""
    old: list[Prepared] = []
    seen = []
    for at_end, pattern in ((True, b"\xff"), (False, b"\x5c"), (True, b"\xff")):
        call = prepared(kernel, trial, at_end=at_end, pattern=pattern)
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


def check_parts(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
    """Rows, or elements, one by one give the bits that all of them give at once."""
    count = wanted[0].size if kernel.elementwise else wanted[0].shape[0] if kernel.split and wanted[0].ndim else 0
    if count < 2:
        return
    whole = prepared(kernel, trial)
    run(trial.address, whole)
    width = 1 if count <= 64 else count // 7
    pieces: list[Any] = [np.empty_like(one) for one in whole.results()]
    for begin in range(0, count, width):
        end = min(begin + width, count)
        call = prepared(kernel, trial, part=(begin, end))
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


def check_races(subject: Subject, kernel: Kernel, trial: Trial, wanted: list[Any]) -> Iterator[Finding]:
    """Several threads, each on inputs of its own, again and again."""
    calls, racers = [], []
    for number in range(RACERS):
        rolled = [np.roll(array.reshape(-1), number).reshape(array.shape) for array in trial.inputs]
        call = prepared(kernel, trial, rolled)
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
