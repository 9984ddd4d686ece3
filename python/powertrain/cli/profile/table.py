"""A profile as tables for a terminal, and as JSON."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from powertrain.cli.profile.measure import Line, Profile

NAME_WIDTH = 40
NOTE_WIDTH = 120
# Below this share of what the machine could do, neither arithmetic nor memory explains the time: the work is too
# small, or waits.
EXPLAINED = 0.1


def text(profile: Profile, most: int) -> str:
    """Ops first, then the `most` longest instructions."""
    return "\n".join(_text(profile, most))


def _text(profile: Profile, most: int) -> Iterator[str]:
    total, lines = profile.total(), profile.lines()
    yield (
        f"{profile.name}: {len(lines)} instructions, {_milliseconds(profile.step_seconds)} ms a step (median of "
        f"{len(profile.steps)}), {profile.program['arena_bytes'] / 1e6:.3g} MB of arena; traced and planned in "
        f"{profile.program['trace_seconds'] * 1e3:.0f} ms"
    )
    yield f"roofline, {profile.roofline.sentence()}"
    if profile.moved is not None:
        yield (
            f"threads: {profile.moved:.1%} of the rows change their processor from one shared instruction to the next; "
            f"{profile.lost} shared instructions found the threads busy"
        )
    yield ""
    yield from _table("op", profile.ops(), profile)
    yield _row(total.name, total, profile)
    yield ""
    longest = sorted(range(len(lines)), key=lambda at: -lines[at].seconds)[:most]
    heading = f"instruction (the {len(longest)} longest of {len(lines)})" if most < len(lines) else "instruction"
    named = [Line(f"{at:>3} {lines[at].name}", *_rest(lines[at])) for at in longest]
    yield from _table(heading, named, profile)
    yield ""
    yield "of peak, of copy: share of the multiply-adds and of the memory copy above (over 100 %: it came from a cache)"
    yield "bound by: the larger of the two; `latency`: neither reaches a tenth"
    yield "at best: ms on the roofline with data from memory; as it is, where a cache made it faster than that"
    noted = [at for at in sorted(longest) if lines[at].note]
    if noted:
        yield ""
        yield "why their kernels run as they do"
    for at in noted:
        yield from textwrap.wrap(
            lines[at].note, NOTE_WIDTH, initial_indent=f"{at:>3} ", subsequent_indent=" " * 4, break_on_hyphens=False
        )


def _rest(line: Line) -> tuple[float, float, float, int, float]:
    return line.seconds, line.flops, line.nbytes, line.count, line.least


def _table(heading: str, lines: Sequence[Line], profile: Profile) -> Iterator[str]:
    columns = f"{'times':>6} {'ms':>9} {'share':>6} {'at best':>9} "
    columns += f"{'GF/s':>8} {'of peak':>8} {'GB/s':>7} {'of copy':>8}"
    yield f"{heading:<{NAME_WIDTH}} {columns}  bound by"
    yield "-" * (NAME_WIDTH + len(columns) + 11)
    for line in lines:
        yield _row(line.name, line, profile)


def _row(name: str, line: Line, profile: Profile) -> str:
    whole = profile.total().seconds or 1.0
    short = name if len(name) <= NAME_WIDTH else name[: NAME_WIDTH - 3] + "..."
    flops, nbytes = _shares(line, profile)
    return (
        f"{short:<{NAME_WIDTH}} {line.count:>6} {_milliseconds(line.seconds):>9} {line.seconds / whole:>6.1%} "
        f"{_milliseconds(line.least):>9} {line.gflops:>8.1f} {flops:>8.0%} {line.gbytes:>7.1f} {nbytes:>8.0%}  "
        f"{bound(line, profile)}"
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.4g}" if seconds >= 1e-6 else f"{seconds * 1e3:.5f}"


def _shares(line: Line, profile: Profile) -> tuple[float, float]:
    return line.gflops / profile.roofline.gflops, line.gbytes / profile.roofline.memory_gbytes


def bound(line: Line, profile: Profile) -> str:
    """What keeps it from being faster: flops, memory, or latency."""
    flops, nbytes = _shares(line, profile)
    if max(flops, nbytes) < EXPLAINED:
        return "latency"
    return "flops" if flops >= nbytes else "memory"


def as_json(profile: Profile) -> dict[str, Any]:
    def entry(line: Line) -> dict[str, Any]:
        return {
            "name": line.name, "times": line.count, "ms": line.seconds * 1e3, "ms_at_best": line.least * 1e3,
            "flops": line.flops, "bytes": line.nbytes, "gflops": line.gflops, "gbytes": line.gbytes,
            "bound": bound(line, profile), **({"note": line.note} if line.note else {}),
        }  # fmt: skip

    roofline = profile.roofline
    return {
        "name": profile.name,
        "step_ms": profile.step_seconds * 1e3,
        "trace_seconds": profile.program["trace_seconds"],
        "arena_bytes": profile.program["arena_bytes"],
        "rows_moved": profile.moved,
        "shared_instructions_lost": profile.lost,
        "roofline": {
            "threads": roofline.threads, "gflops": roofline.gflops, "memory_gbytes": roofline.memory_gbytes,
            "cache_gbytes": roofline.cache_gbytes,
        },
        "ops": [entry(line) for line in profile.ops()],
        "instructions": [entry(line) for line in profile.lines()],
    }  # fmt: skip
