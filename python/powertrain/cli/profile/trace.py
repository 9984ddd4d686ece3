"""A profile as a trace that Perfetto (ui.perfetto.dev) and chrome://tracing open.

Source    Trace Event Format: complete events ("X"), counters ("C") and names ("M"), times in microseconds
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from powertrain.cli.profile.measure import Profile
from powertrain.io.plain_json import dumps

MOST_STEPS = 20  # of each step function; more only make the file large
STEP_LANE, INSTRUCTION_LANE = 1, 2


def write(path: Path, profiles: Iterable[Profile]) -> None:
    """One process for each step function; a lane of whole steps above one of instructions, and their rates."""
    events = [event for at, profile in enumerate(profiles, 1) for event in _events(at, profile)]
    path.write_text(dumps({"traceEvents": events, "displayTimeUnit": "ms"}), encoding="utf-8")


def _events(process: int, profile: Profile) -> Iterator[dict[str, Any]]:
    for lane, name in ((0, profile.name), (STEP_LANE, "steps"), (INSTRUCTION_LANE, "instructions")):
        kind = "thread_name" if lane else "process_name"
        yield {"ph": "M", "pid": process, "tid": lane, "name": kind, "args": {"name": name}}
    now = 0.0
    for number, times in enumerate(profile.runs[:MOST_STEPS]):
        yield _block(process, STEP_LANE, f"step {number}", now, sum(times), {})
        for at, (entry, seconds) in enumerate(zip(profile.program["instructions"], times, strict=True)):
            yield from _instruction(process, at, entry, now, seconds)
            now += seconds * 1e6
        yield _counter(process, now, 0.0, 0.0)


def _instruction(process: int, at: int, entry: dict[str, Any], now: float, seconds: float) -> Iterator[dict[str, Any]]:
    nanoseconds = max(seconds, 1e-9) * 1e9
    gflops, gbytes = entry["flops"] / nanoseconds, entry["bytes"] / nanoseconds
    yield _counter(process, now, gflops, gbytes)
    rates = {"GF/s": round(gflops, 3), "GB/s": round(gbytes, 3)}
    about = {"number": at, **{key: value for key, value in entry.items() if key != "name"}, **rates}
    yield _block(process, INSTRUCTION_LANE, entry["name"], now, seconds, about)


def _block(process: int, lane: int, name: str, now: float, seconds: float, about: dict[str, Any]) -> dict[str, Any]:
    duration = round(seconds * 1e6, 3)
    return {"ph": "X", "pid": process, "tid": lane, "name": name, "ts": round(now, 3), "dur": duration, "args": about}


def _counter(process: int, now: float, gflops: float, gbytes: float) -> dict[str, Any]:
    rates = {"GF/s": round(gflops, 3), "GB/s": round(gbytes, 3)}
    return {"ph": "C", "pid": process, "name": "rate", "ts": round(now, 3), "args": rates}
