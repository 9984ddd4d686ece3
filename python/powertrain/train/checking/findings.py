"""What is looked for in the data of a recipe, with the functions of `pt.quality`."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data.source import columns, evenly_spaced
from powertrain.data.transforms import untransformed
from powertrain.quality import (
    LabelIssues,
    Twins,
    exact_duplicates,
    find_label_issues,
    near_duplicates,
    out_of_fold,
    outlier_scores,
    target_scores,
)
from powertrain.train.evaluate.apart import SHOWN, apart, how

if TYPE_CHECKING:
    from powertrain.data import DataModule
    from powertrain.typing import Array

# Pairs of so many rows are compared: 20,000 with 784 numbers take some seconds.
MOST_ROWS = 20_000
MOST_COMPARED = 10_000  # of a part, with those of train
MOST_COLUMNS = 4_096  # that are asked one by one what they tell of the target
TELLING = 0.995  # of a single column: it is hardly ever known beforehand
FAR = 3.0  # interquartile ranges above the upper quartile: beyond, a row is an outlier
RARE = 0.1  # of the rows of the commonest class
NEIGHBOURS = 10
LEAST_NUMBERS = 16  # of an example: with fewer, examples have nearly the same direction without being copies

Rows = NDArray[np.int64]
Fit = Callable[["Array", "Array"], Callable[["Array"], Any]]


@dataclass(frozen=True)
class Finding:
    """One kind of thing that was found: how often, in words, and in which examples, the worst first.

    `rows` are numbers of all examples, one part after the other; `serious` is what makes a score false.
    """

    kind: str
    count: int
    text: str
    rows: tuple[int, ...] = ()
    serious: bool = False


@dataclass(frozen=True, eq=False)
class Checked:
    """All examples of a data set, part after part, and what was found in them."""

    dataset: DataModule
    x: Array
    y: Array
    parts: NDArray[np.str_]  # of each example
    numbers: Rows  # of each example in its part
    findings: tuple[Finding, ...] = ()
    issues: LabelIssues | None = None
    accuracy: float | None = None  # of the model that the labels were judged by

    def where(self, row: int) -> str:
        return f"{self.parts[row]} {self.numbers[row]}"


def gathered(dataset: DataModule) -> Checked:
    """The examples of all parts that have targets, as the data has them, before any transform."""
    parts = {name: source for name, source in dataset.splits.items() if name != "unlabelled"}
    fields = {name: columns(untransformed(source), ("x", "y")) for name, source in parts.items()}
    return Checked(
        dataset,
        np.concatenate([one["x"] for one in fields.values()]),
        np.concatenate([one["y"] for one in fields.values()]),
        np.concatenate([np.full(len(one["y"]), name) for name, one in fields.items()]),
        np.concatenate([np.arange(len(one["y"])) for one in fields.values()]),
    )


def examined(data: Checked, near: float, folds: int, fit: Fit | None, tell: Callable[[str], None]) -> Checked:
    """Look at everything. `fit` is as for `pt.quality.out_of_fold`, of the numbers of examples; else a linear model."""
    of = f"in {len(data.y):,} examples"
    tell(f"looking for duplicates {of}")
    flat = data.x.reshape(len(data.x), -1)
    whole = np.flatnonzero(np.isfinite(flat).all(axis=1)) if flat.dtype.kind == "f" else np.arange(len(flat))
    found = _gaps(flat, whole)
    found += _repeated(data, exact_duplicates(data.x))
    tell(f"comparing the parts {of}")
    found += _drifted(data)
    looked = whole[evenly_spaced(len(whole), MOST_ROWS)]
    rows = flat[looked].astype(np.float32)
    if rows.shape[1] >= LEAST_NUMBERS:
        tell(f"looking for near duplicates {of}")
        found += _near(data, looked, near_duplicates(rows, threshold=near))
    if len(rows) > NEIGHBOURS:
        tell(f"looking for outliers {of}")
        found += _outliers(data, looked, outlier_scores(rows, neighbours=NEIGHBOURS))
    if data.x.ndim == 2 and len(rows):
        tell(f"looking at {rows.shape[1]:,} columns")
        found += _of_columns(data, rows, data.y[looked])
    issues, accuracy = None, None
    if data.dataset.kind.classes:
        found += _rare(data)
        if np.bincount(data.y, minlength=2).min() > 1 and len(whole) == len(flat):
            model = _told(fit or _linear(data), folds, tell)
            shares = out_of_fold(np.arange(len(data.y)), data.y, model, folds=folds)
            issues = find_label_issues(data.y, shares)
            accuracy = float((shares.argmax(axis=1) == data.y).mean())
            found += _labels(data, issues)
    return dataclasses.replace(data, findings=tuple(found), issues=issues, accuracy=accuracy)


def _told(fit: Fit, folds: int, tell: Callable[[str], None]) -> Fit:
    """The same, which says which fold it is called for."""
    number = itertools.count(1)

    def told(rows: Array, labels: Array) -> Callable[[Array], Any]:
        tell(f"judging the labels: model {next(number)} of {folds}")
        return fit(rows, labels)

    return told


def _linear(data: Checked) -> Fit:
    from powertrain.quality.folds import logistic

    def fit(rows: Array, labels: Array) -> Callable[[Array], Any]:
        model = logistic(data.x[rows], labels)
        return lambda asked: model(data.x[asked])

    return fit


def _many(count: int, what: str) -> str:
    return f"{count:,} {what if count == 1 else f'{what}s'}"


def _names(data: Checked, rows: Sequence[int] | Rows) -> str:
    return ", ".join(data.where(int(row)) for row in rows[:SHOWN]) + (", ..." if len(rows) > SHOWN else "")


def _listed(rows: Sequence[int] | Rows) -> tuple[int, ...]:
    return tuple(int(row) for row in rows)


def _gaps(flat: Array, whole: Rows) -> list[Finding]:
    count = len(flat) - len(whole)
    lacking = np.setdiff1d(np.arange(len(flat)), whole)
    text = f"{_many(count, 'example')} with numbers that are not finite; only duplicates were looked for among them"
    return [Finding("gaps", count, text, _listed(lacking))] if count else []


def _repeated(data: Checked, twins: Twins) -> list[Finding]:
    if not len(twins):
        return []
    apart = data.parts[twins.rows] != data.parts[twins.twins]
    inside, across = twins.rows[~apart], twins.rows[apart]
    contrary = twins.rows[(data.y[twins.rows] != data.y[twins.twins]).reshape(len(twins), -1).any(axis=1)]
    found = []
    if len(inside):
        text = f"{_many(len(inside), 'example')} like another of the part: {_names(data, inside)}"
        found.append(Finding("duplicates", len(inside), text, _listed(inside)))
    if len(across):
        pairs = [f"{data.where(a)} = {data.where(b)}" for a, b in zip(across, twins.twins[apart], strict=True)]
        text = f"{_many(len(across), 'example')} in another part too: {', '.join(pairs[:SHOWN])}"
        found.append(Finding("duplicates across parts", len(across), text, _listed(across), serious=True))
    if len(contrary):
        text = f"{_many(len(contrary), 'example')} like one that has another target: {_names(data, contrary)}"
        found.append(Finding("contradictions", len(contrary), text, _listed(contrary)))
    return found


def _drifted(data: Checked) -> list[Finding]:
    parts = {part: _some(np.flatnonzero(data.parts == part)) for part in dict.fromkeys(data.parts.tolist())}
    examples = {part: {"x": data.x[rows], "y": data.y[rows]} for part, rows in parts.items()}
    found = []
    for part, rows in apart(data.dataset, examples).items():
        said = ", ".join(map(how, rows[:SHOWN])) + (", ..." if len(rows) > SHOWN else "")
        text = (
            f"{_many(len(rows), 'column')} of {part} distributed otherwise than in train: {said}; a split by time or "
            "group does that, a random one does not"
        )
        found.append(Finding("drift between parts", len(rows), text))
    return found


def _some(rows: Rows) -> Rows:
    return rows[evenly_spaced(len(rows), MOST_COMPARED)]


def _near(data: Checked, looked: Rows, twins: Twins) -> list[Finding]:
    """Twins that are not the same: these were counted before."""
    rows, others = looked[twins.rows], looked[twins.twins]
    same = np.array([np.array_equal(data.x[a], data.x[b]) for a, b in zip(rows, others, strict=True)], dtype=np.bool_)
    rows, others, close = rows[~same], others[~same], twins.similarity[~same]
    if not len(rows):
        return []
    across = int((data.parts[rows] != data.parts[others]).sum())
    pairs = [
        f"{data.where(a)} ~ {data.where(b)} ({share:.4f})" for a, b, share in zip(rows, others, close, strict=True)
    ]
    text = f"{_many(len(rows), 'example')}, {across:,} of them across parts: {', '.join(pairs[:SHOWN])}"
    return [Finding("near duplicates", len(rows), text, _listed(rows))]


def _outliers(data: Checked, looked: Rows, scores: NDArray[np.float64]) -> list[Finding]:
    low, high = np.quantile(scores, [0.25, 0.75])
    far = np.flatnonzero(scores > high + FAR * (high - low))
    if not len(far):
        return []
    far = looked[far[np.argsort(-scores[far], kind="stable")]]
    text = f"{_many(len(far), 'example')} far from the {NEIGHBOURS} nearest: {_names(data, far)}"
    return [Finding("outliers", len(far), text, _listed(far))]


def _of_columns(data: Checked, rows: Array, y: Array) -> list[Finding]:
    names = data.dataset.columns or tuple(f"column {at}" for at in range(rows.shape[1]))
    # Of a table what varies nowhere is left out; a column such as `region=other` was made for rows yet to come.
    still = np.flatnonzero((rows == rows[0]).all(axis=0) & (data.dataset.raw is None))
    found = []
    if len(still):
        text = f"{_many(len(still), 'column')} without any variation: {', '.join(names[at] for at in still[:SHOWN])}"
        found.append(Finding("constant columns", len(still), text))
    if y.ndim == 1 and rows.shape[1] <= MOST_COLUMNS:
        scores = target_scores(rows, y, regression=not data.dataset.kind.classes)
        told = np.flatnonzero(scores > TELLING)
        if len(told):
            said = ", ".join(f"{names[at]} ({scores[at]:.4f})" for at in told[:SHOWN])
            text = f"{_many(len(told), 'column')} from which alone the target can be told: {said}; known before it is?"
            found.append(Finding("columns that tell the target", len(told), text, serious=True))
    return found


def _rare(data: Checked) -> list[Finding]:
    counts = np.bincount(data.y, minlength=data.dataset.outputs)
    rare = np.flatnonzero(counts < RARE * counts.max())
    if not len(rare):
        return []
    labels = data.dataset.class_names
    said = ", ".join(f"{labels[at]} {counts[at]:,}" for at in rare[:SHOWN])
    text = f"{len(rare):,} of the classes more than ten times rarer than the commonest: {said} of {len(data.y):,}"
    return [Finding("rare classes", len(rare), text)]


def _labels(data: Checked, issues: LabelIssues) -> list[Finding]:
    if not len(issues):
        return []
    labels = data.dataset.class_names
    first = [
        f"{data.where(row)} is {labels[data.y[row]]}, looks like {labels[other]}"
        for row, other in zip(issues.rows[:SHOWN].tolist(), issues.suggested[:SHOWN].tolist(), strict=True)
    ]
    text = f"{_many(len(issues), 'label')} in doubt ({len(issues) / len(data.y):.1%}): {', '.join(first)}"
    return [Finding("wrong labels", len(issues), text, _listed(issues.rows))]
