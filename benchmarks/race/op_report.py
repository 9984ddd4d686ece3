"""Races of single ops as a table and a picture."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from race import table
from race.op_cases import CASES
from race.picture import Figure, FuncFormatter, save, some_times, times

LOSES, WINS, UNCLEAR = "#D00000", "#0072B2", "#999999"
Row = dict[str, Any]  # a result as JSON, and the threads it was raced with


def microseconds(ms: float | None) -> str:
    return "-" if ms is None else f"{ms * 1e3:.3g}" if ms < 1 else f"{ms * 1e3:.0f}"


def times_of(row: Row) -> dict[str, Row]:
    return {entry["framework"]: entry for entry in row["entries"] if "median_ms" in entry}


def with_peer(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["ratio"] is not None]


def as_table(rows: Sequence[Row]) -> str:
    """Median microseconds of each framework; the worst ratios first."""
    names = list(dict.fromkeys(entry["framework"] for row in rows for entry in row["entries"]))
    lines = [["op", "threads", "best peer / ours", "best peer", *names]]
    for row in sorted(with_peer(rows), key=lambda row: float(row["ratio"])):
        found = times_of(row)
        cells = [
            microseconds(found[name]["median_ms"]) + ("!" if found[name]["wrong"] else "") if name in found else "-"
            for name in names
        ]
        interval = "" if row["ratio_low"] is None else f" [{row['ratio_low']:.2f}, {row['ratio_high']:.2f}]"
        lines.append(
            [
                row["task"].removeprefix("op "),
                str(row["threads"]),
                f"{row['ratio']:.2f}{interval}",
                row["best_peer"],
                *cells,
            ]
        )
    return table.align(lines)


def kind_of(row: Row) -> str:
    return "with its gradient" if row["task"].endswith(" gradient") else "forward"


def by_kind(rows: Sequence[Row]) -> str:
    """A line for each number of threads, forward and with the gradient."""
    lines = [["threads", "calls", "cases", "faster", "slower", "unclear", "geometric mean"]]
    found = with_peer(rows)
    for threads in sorted({row["threads"] for row in found}):
        for kind in ("forward", "with its gradient"):
            own = [row for row in found if row["threads"] == threads and kind_of(row) == kind]
            if not own:
                continue
            counts = [str(sum(row["verdict"] == one for row in own)) for one in ("faster", "slower", "unclear")]
            mean = statistics.geometric_mean([row["ratio"] for row in own])
            lines.append([str(threads), kind, str(len(own)), *counts, f"{mean:.2f}"])
    return table.align(lines)


def worst(rows: Sequence[Row], most: int) -> str:
    """The cases that lose most, each once: with the number of threads with which it loses more."""
    lowest: dict[str, Row] = {}
    for row in sorted(with_peer(rows), key=lambda row: float(row["ratio"])):
        lowest.setdefault(row["task"], row)
    return as_table(list(lowest.values())[:most])


def summary(rows: Sequence[Row]) -> str:
    """How many cases are faster, slower or unclear, and the geometric mean, for each number of threads."""
    lines = []
    for threads in sorted({row["threads"] for row in rows}):
        found = with_peer([row for row in rows if row["threads"] == threads])
        if not found:
            continue
        counts = {
            verdict: sum(row["verdict"] == verdict for row in found) for verdict in ("faster", "slower", "unclear")
        }
        mean = statistics.geometric_mean([row["ratio"] for row in found])
        said = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
        lines.append(
            f"{threads} threads: {len(found)} cases with a peer: {said}; geometric mean of best peer / ours {mean:.2f}"
        )
    wrong = [
        f"- {entry['framework']}: {row['task'].removeprefix('op ')} differs by {entry['loss_error']:.1e}"
        for row in rows
        for entry in row["entries"]
        if entry.get("wrong")
    ]
    return "\n".join([*lines, *(["", "Other results than ours (these do not count):", *wrong] if wrong else [])])


def draw(rows: Sequence[Row], path: Path) -> None:
    """A row for each op, a dot for each case: the best peer's time over ours, so that left of 1 is a loss, in red. A
    large dot is a case of many elements."""
    found = with_peer(rows)
    by_op: dict[str, list[Row]] = {}
    for row in found:
        by_op.setdefault(CASES[row["task"]].op, []).append(row)
    ops = sorted(by_op, key=lambda op: statistics.geometric_mean([row["ratio"] for row in by_op[op]]))
    figure = Figure(figsize=(9, 1.5 + 0.19 * len(ops)))
    axes = figure.add_subplot()
    for at, op in enumerate(ops):
        axes.axhline(at, color="#eeeeee", linewidth=0.7, zorder=0)
        for row in by_op[op]:
            colour = {"slower": LOSES, "faster": WINS}.get(row["verdict"], LOSES if row["ratio"] < 1 else UNCLEAR)
            size = 4 + 2.2 * len(str(CASES[row["task"]].elements)) ** 1.3
            axes.scatter([row["ratio"]], [at], s=size, color=colour, alpha=0.65, linewidths=0, zorder=2)
    axes.axvline(1, color="#333333", linewidth=1)
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(FuncFormatter(times))
    axes.xaxis.set_minor_formatter(FuncFormatter(some_times))
    axes.tick_params(axis="x", which="both", labelsize=8)
    axes.set_yticks(range(len(ops)), ops, fontsize=7)
    axes.set_ylim(len(ops) - 0.4, -0.6)
    axes.set_xlabel("time of the best peer over Powertrain's: left of the line Powertrain is slower")
    axes.set_title("Single ops beside PyTorch, NumPy and jitted JAX", loc="left", fontsize=11)
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    for colour, label in ((LOSES, "slower"), (WINS, "faster"), (UNCLEAR, "unclear")):
        axes.scatter([], [], s=20, color=colour, label=label)
    for elements in (10, 10_000, 10_000_000):
        axes.scatter([], [], s=4 + 2.2 * len(str(elements)) ** 1.3, color="#555555", label=f"{elements:,} elements")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)
    save(figure, path)
