"""How much of each task is left while further ones are learned: the table, its averages, its page of the report."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from powertrain.builtin.strategies.views import StrategyError
from powertrain.io.records import MisfitError, from_json, to_json
from powertrain.plugin import Section

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_SHOWN = 12  # columns of the table, and lines with a name


class TaskScores:
    """Row k is the accuracy of the tasks 0 to k, measured when task k ended; a table for each held-out part."""

    def __init__(self) -> None:
        self.tables: dict[str, list[list[float]]] = {}

    def add(self, part: str, accuracies: Sequence[float]) -> None:
        """Note the accuracy of each task so far, at the end of the last of them."""
        self.tables.setdefault(part, []).append([float(one) for one in accuracies])

    def averages(self, part: str) -> dict[str, float]:
        """The mean accuracy of all tasks at the end of the last one, and the mean fall of the others from their best
        (Chaudhry et al. 2018); nothing before a task has ended."""
        table = self.tables.get(part, [])
        if not table:
            return {}
        falls = [max(row[task] for row in table[task:]) - table[-1][task] for task in range(len(table) - 1)]
        return {
            "average_accuracy": float(np.mean(table[-1])),
            "forgetting": float(np.mean(falls)) if falls else 0.0,
        }

    def dump(self) -> bytes:
        return to_json(self.tables)

    @classmethod
    def load(cls, data: bytes) -> TaskScores:
        made = cls()
        try:
            made.tables = from_json(data, {...: [[float]]})
        except MisfitError as error:
            raise _misfit(str(error)) from None
        for part, table in made.tables.items():
            if [len(row) for row in table] != list(range(1, len(table) + 1)):
                raise _misfit(f"row k of {part} has not k + 1 numbers")
        return made

    def section(self, part: str, steps: int) -> Section:
        """The page of the report: accuracy by task, at the end of each."""
        table = self.tables.get(part, [])
        if not table:
            return Section("Tasks", (f"No task of {steps:,} steps has ended.",))
        shown = range(min(len(table), MOST_SHOWN))
        rows = [("after task", *(f"task {task + 1}" for task in shown), "mean")]
        for at, row in enumerate(table):
            cells = [f"{row[task]:.3f}" if task <= at else "" for task in shown]
            rows.append((str(at + 1), *cells, f"{np.mean(row):.3f}"))
        found = self.averages(part)
        lines = (
            f"{len(table)} tasks of {steps:,} steps each, measured on the {part} part when one ends.",
            f"Average accuracy at the end: {found['average_accuracy']:.3f}. Forgetting, the mean fall of a task from "
            f"its best: {found['forgetting']:.3f}.",
        )
        return Section("Tasks", lines, tuple(rows), lambda figure: _draw(figure, table))


def _misfit(found: str) -> StrategyError:
    return StrategyError(
        f"[continual learning] the checkpoint's accuracies of tasks: {found}; expected what this strategy wrote; begin "
        "a new run"
    )


def _draw(figure: Figure, table: Sequence[Sequence[float]]) -> None:
    axes = figure.add_subplot()
    ends = np.arange(1, len(table) + 1)
    for task in range(len(table)):
        label = f"task {task + 1}" if task < MOST_SHOWN else None
        axes.plot(ends[task:], [row[task] for row in table[task:]], marker=".", linewidth=1.2, label=label)
    axes.plot(ends, [np.mean(row) for row in table], color="black", linestyle="--", label="mean")
    axes.set_xlabel("tasks learned")
    axes.set_ylabel("accuracy")
    axes.set_xticks(ends)
    axes.set_ylim(0, 1.02)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(loc="best", fontsize=7, ncols=2)
