"""How a run does on groups of examples, by a column of its table: in the report and in the model card."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.fairness.rates import GroupRates, group_rates, known_rates
from powertrain.io.console import one_line
from powertrain.plugin.wording import suggestion
from powertrain.train.evaluate import diagnosis
from powertrain.train.folder.run_folder import RunError

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.train.evaluate.evaluation import Evaluation
    from powertrain.train.run.train_run import TrainRun

MOST_ROWS = 20  # of a table; what is left out is said
QUARTERS = (0.25, 0.5, 0.75)  # where a column of numbers is cut into groups
FEW = 30  # examples, below which a share says little


@dataclass(frozen=True)
class Groups:
    """The results of the groups of a column: a table whose first row is its head, and sentences."""

    name: str
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...]


def demand_column(dataset: DataModule, part: str, name: str, where: str) -> NDArray[Any]:
    """The values of a column of the table for the examples of a part."""
    columns = {} if dataset.raw is None else dict(dataset.raw.columns(part))
    columns |= {} if dataset.unseen is None else dataset.unseen(part)
    if name not in columns:
        wanted = f"one of {', '.join(columns)}{suggestion(name, list(columns))}" if columns else "none of such data"
        raise RunError(f"[{where}] received the group {one_line(name)}; expected {wanted}")
    return columns[name]


def by_group(run: TrainRun, judged: Evaluation, name: str, where: str) -> Groups:
    """How well the model does on each group. Of two classes also how often it says the positive one, and how far the
    groups are apart in that."""
    values = demand_column(run.dataset, judged.part, name, where)
    truth, outputs = judged.truth, judged.outputs
    if truth is None or outputs is None or len(values) != len(truth):
        raise RunError(f"[{where}] received the group {one_line(name)}; expected none of such answers")
    found = _groups(values)
    classes = run.dataset.kind.classes
    right = _right(judged.classes, truth) if classes else _error(outputs, truth)
    head = [name, "examples", "accuracy" if classes else "mean absolute error"]
    rows = []
    for label, here in found[:MOST_ROWS]:
        value, count = float(right[here].mean()), int(here.sum())
        spread = f" ± {diagnosis.interval(value, count):.3f}" if classes else ""
        rows.append([label, f"{count:,}", f"{value:.4g}{spread}"])
    lines = [f"{len(found) - MOST_ROWS} smaller groups are not shown."] if len(found) > MOST_ROWS else []
    if classes and run.dataset.outputs == 2:
        shown = np.zeros(len(truth), np.int64)
        for at, (_, here) in enumerate(found):
            shown[here] = min(at, MOST_ROWS)  # those that are not shown are one group
        positive = run.evaluations.positive
        of_it, said = (truth == positive).astype(np.int64), (judged.classes == positive).astype(np.int64)
        rates = group_rates(of_it, said, sensitive_features=[f"{at:03}" for at in shown.tolist()])
        label = run.dataset.class_names[positive]
        head += [f"are {label}", f"said {label}", "true positives", "false positives"]
        for row, one in zip(rows, rates.values(), strict=False):
            measured = (one.base_rate, one.selection_rate, one.true_positive_rate, one.false_positive_rate)
            row += ["none" if math.isnan(value) else f"{value:.3f}" for value in measured]
        lines += _apart([one for one in rates.values() if one.count >= FEW], label)
    return Groups(name, (tuple(head), *map(tuple, rows)), tuple(lines))


def _apart(rates: list[GroupRates], label: str) -> list[str]:
    """How far groups with enough examples are apart."""
    if len(rates) < 2:
        return []
    said = [
        _spread(f"It says {label}", rates, "selection_rate", "demographic parity"),
        _spread(f"Of those that are {label}, it finds", rates, "true_positive_rate", "equal opportunity"),
        _spread("Of the others, it wrongly takes", rates, "false_positive_rate", "equalized odds, with the one before"),
    ]
    return [line for line in said if line]


def _spread(begin: str, rates: list[GroupRates], name: str, idea: str) -> str:
    known = known_rates(rates, name)
    if len(known) < 2:
        return ""
    low, high = known.min(), known.max()
    return f"{begin} {100 * low:.1f} to {100 * high:.1f} % of a group: a difference of {high - low:.3f} ({idea})."


def _right(classes: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float64]:
    """Of each example: whether its class is right."""
    found: NDArray[np.float64] = (classes == truth).astype(np.float64)
    return found


def _error(outputs: NDArray[Any], truth: NDArray[Any]) -> NDArray[np.float64]:
    """Of each example: how far its numbers are off."""
    apart = np.abs(outputs.reshape(len(outputs), -1) - truth.reshape(len(truth), -1))
    found: NDArray[np.float64] = apart.mean(axis=1, dtype=np.float64)
    return found


def _groups(values: NDArray[Any]) -> list[tuple[str, NDArray[np.bool_]]]:
    """The examples of each value, the largest group first; of numbers with many values, of each quarter."""
    if values.dtype.kind in "fiub" and len(np.unique(values)) > MOST_ROWS:
        numbers = values.astype(np.float64)
        there = np.isfinite(numbers)
        ends = np.unique(np.quantile(numbers[there], QUARTERS))
        place = np.searchsorted(ends, numbers, side="left")
        limits = [-math.inf, *ends.tolist(), math.inf]
        found = [(_between(limits[at], limits[at + 1]), there & (place == at)) for at in range(len(ends) + 1)]
        return [(label, here) for label, here in [*found, ("a gap", ~there)] if here.any()]
    names = np.array(["a gap" if one is None or one != one else str(one) for one in values.tolist()], dtype=object)
    found = [(str(name), names == name) for name in dict.fromkeys(names.tolist())]
    return sorted(found, key=lambda one: -int(one[1].sum()))


def _between(low: float, high: float) -> str:
    if low == -math.inf:
        return f"at most {high:.4g}"
    return f"above {low:.4g}" if high == math.inf else f"above {low:.4g}, at most {high:.4g}"
