"""Results as Markdown tables, which read well in a terminal too."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from race.caches import state_of
from race.figures import Entry, Result

MARKS = (
    "`!`: its losses are not those of the work, so it does not count. `~`: other programs used more than 0.15 of a "
    "core meanwhile. `-`: no figure, see the notes. ± is the middle half of the samples."
)


def align(rows: Sequence[Sequence[str]]) -> str:
    """The first row is the heading; numbers stand right, the first column left."""
    rows = [[*row, *[""] * (len(rows[0]) - len(row))] for row in rows]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    padded = [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in rows]
    lines = ["| " + " | ".join(row) + " |" for row in padded]
    rule = [":" + "-" * (widths[0] + 1), *("-" * (width + 1) + ":" for width in widths[1:])]
    return "\n".join([lines[0], "|" + "|".join(rule) + "|", *lines[1:]])


def milliseconds(value: float) -> str:
    return f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def cell(entry: Entry | None) -> str:
    if entry is None or not entry.turns:
        return "-"
    return f"{milliseconds(entry.median)}{'!' if entry.wrong else ''}{'~' if entry.busy else ''}"


def ratio(result: Result) -> str:
    if result.ratio is None:
        return "-"
    low, high = result.interval()
    return f"{result.ratio:.2f}" + ("" if low != low else f" [{low:.2f}, {high:.2f}]")


def slower(found: Sequence[Result], label: Callable[[Result], str]) -> str:
    """Which rows lost to their best peer, and which may have; nothing where there are no peers."""
    rows = [result for result in found if result.verdict]
    named = {
        verdict: ", ".join(in_state(result, label) for result in rows if result.verdict == verdict)
        for verdict in ("slower", "unclear")
    }
    lines = [f"Slower than the best peer: {named['slower'] or 'nothing'}."]
    lines += [f"Unclear, for the interval holds 1: {named['unclear']}."] if named["unclear"] else []
    return "\n".join(lines) if rows else ""


def in_state(result: Result, label: Callable[[Result], str]) -> str:
    return f"{label(result)} (caches {result.state})" if result.state else label(result)


def share(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def results(found: Sequence[Result], label: Callable[[Result], str], *, steps: bool = True) -> str:
    """One row for each task: Powertrain's median, minimum and spread, then the peers' medians."""
    names = list(dict.fromkeys(entry.framework for result in found for entry in result.entries[1:]))
    reached = "of peak" if any(result.peak_share is not None for result in found) else "of copy"
    heading = ["ms", "powertrain", "min", "±", reached, "ratio [95 %]", "verdict", "best peer", "caches", *names]
    rows = [heading + (["losses differ by"] if steps else [])]
    for result in found:
        ours, by_name = result.ours, {entry.framework: entry for entry in result.entries}
        some = bool(ours.turns)
        row = [
            label(result),
            cell(ours),
            milliseconds(ours.least) if some else "-",
            f"{ours.spread:.0%}" if some else "-",
            share(result.peak_share if reached == "of peak" else result.copy_share),
            ratio(result),
            result.verdict or "-",
            result.best.framework if result.best else "-",
            result.state or "-",
            *(cell(by_name.get(name)) for name in names),
        ]
        rows.append(row + ([_losses(result)] if steps else []))
    for state in sorted({result.state for result in found}):
        ratios = [result.ratio for result in found if result.state == state and result.ratio]
        if len(ratios) > 1:
            rows.append(["geometric mean", "", "", "", "", f"{statistics.geometric_mean(ratios):.2f}", "", "", state])
    return align(rows)


def _losses(result: Result) -> str:
    errors = [entry.loss_error for entry in result.entries if entry.loss_error is not None and not entry.wrong]
    return f"{max(errors):.0e}" if errors else "-"


def compiling(found: Sequence[Result], label: Callable[[Result], str]) -> str:
    """Seconds until the first step is done, and peak memory: what a person waits for and needs."""
    names = list(dict.fromkeys(entry.framework for result in found for entry in result.entries))
    rows = [["first step s · peak MiB", *names]]
    for result in found:
        by_name = {entry.framework: entry for entry in result.entries}
        cells = []
        for name in names:
            entry = by_name.get(name)
            some = entry is not None and entry.turns
            cells.append(f"{entry.first_step_s:.2f} · {entry.peak_mib:.0f}" if entry and some else "-")
        rows.append([label(result), *cells])
    return align(rows)


def notes(found: Sequence[Result], label: Callable[[Result], str]) -> Iterator[str]:
    """Why figures are missing or do not count, once each."""
    said: dict[tuple[str, str], list[str]] = {}
    for result in found:
        for entry in result.entries:
            why = entry.note
            if entry.wrong:
                why = f"its losses differ by {entry.loss_error:.1e} from those of the work"
            if why:
                said.setdefault((entry.framework, why), []).append(label(result))
    for (framework, why), where in said.items():
        yield f"- {framework}: {why} ({', '.join(where)})"


def caches_line(found: Mapping[str, Any]) -> Iterator[str]:
    """The state of the machine: at the start, at the end, and how many turns were in which."""
    rates = [rate for rate in found["written_gbytes"] if rate is not None]
    if rates:
        looks = ", then ".join(f"{rate:.3g} GB/s ({state_of(rate)})" for rate in rates)
        turns = ", ".join(f"{count} {state}" for state, count in sorted(found["turns"].items()))
        yield f"caches: a core writes lines that another core has read at {looks}; turns: {turns or 'none'}"


def heading(about: Mapping[str, Any]) -> Iterator[str]:
    machine, roofline = about["machine"], about["roofline"]
    yield (
        f"{machine['processor']} (family {machine['family_model']}), {machine['cores']} cores, {machine['system']}, "
        f"Python {machine['python']}; commit {machine['commit'] or 'unknown'}"
    )
    yield "; ".join(about["versions"])
    yield (
        f"roofline, measured in this run with {roofline['threads']} threads: {roofline['gflops']:.4g} GF/s of "
        f"multiply-adds, {roofline['memory_gbytes']:.3g} GB/s of copy in memory"
    )
    yield from caches_line(about["caches"])
    others = about["others_cores"]
    if others:
        yield (
            f"load: other programs used {statistics.median(others):.2f} of a core in the median turn, "
            f"{max(others):.2f} in the worst"
        )
