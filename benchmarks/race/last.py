"""The last run of each workload in each state of the caches: a table that a document keeps from run to run."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from race import table
from race.caches import CHANGED
from race.figures import Result

HEADING = ("workload", "caches", "date", "commit", "ms", "ratio [95 %]", "verdict", "best peer", "machine")
KEY = (0, 1, 8)  # of a row: the workload, the state, the machine


def rows_of(
    found: Sequence[Result], label: Callable[[Result], str], machine: Mapping[str, Any], date: str
) -> list[list[str]]:
    """A row for each result in a known state that has a ratio."""
    where = f"{machine['processor']} (family {machine['family_model']}), {machine['cores']} cores"
    commit = machine["commit"] or "unknown"
    return [
        [label(result), result.state, date, commit, table.cell(result.ours), table.ratio(result), result.verdict,
         result.best.framework, where]
        for result in found
        if result.state not in ("", CHANGED) and result.best is not None and result.ours.turns
    ]  # fmt: skip


def read(text: str) -> list[list[str]]:
    """The rows of such a table."""
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def updated(text: str, new: Sequence[Sequence[str]]) -> str:
    """The table with new rows in the place of those of the same workload, state and machine."""
    kept = {tuple(row[at] for at in KEY): list(row) for row in [*read(text), *new]}
    workloads = list(dict.fromkeys(workload for workload, _, _ in kept))
    ordered = sorted(kept, key=lambda key: (key[2], workloads.index(key[0]), key[1]))
    return table.align([list(HEADING), *(kept[key] for key in ordered)])
