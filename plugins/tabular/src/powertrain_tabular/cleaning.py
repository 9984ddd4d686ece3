"""What is odd about a table: gaps, columns that say nothing, repeated rows, outliers, labels that look wrong."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import permutation
from powertrain.solvers import fit_logistic, fit_ridge
from powertrain_tabular.encoding import fences_of
from powertrain_tabular.frame import FEW, Column, Frame, no_dates, no_numbers

MANY_GAPS = 0.05
FOLDS = 5
LEAST_ROWS = 20  # from fewer, a model of the other rows says nothing
MOST_ROWS = 20_000  # from which labels are judged
# A label is suspicious where the model is this sure of another, and gives it less than that.
SURE, DOUBTED = 0.9, 0.05
FAR = 6.0  # deviations, by the median of distances, from what a linear model says of a number
NORMAL = 1.4826  # of a normal distribution: deviation / median distance from the median
SHOWN = 5


@dataclass(frozen=True)
class Finding:
    """One thing about the table: `kind` is a short name, `column` empty where it is about rows."""

    kind: str
    column: str
    count: int
    text: str


def clean_report(frame: Frame, target: str, dropped: Collection[str] = ()) -> list[Finding]:
    """What can be seen without a model; of columns that are left out nothing is asked any more."""
    found: list[Finding] = []
    for name, column in frame.columns.items():
        if name not in dropped:
            found += _of_column(name, column, name == target)
    found += repeated(frame, target)
    return found


def _of_column(name: str, column: Column, is_target: bool) -> list[Finding]:
    gaps, count = int(column.missing.sum()), len(column.values)
    found = []
    if gaps:
        said = "rows without a target are left out" if is_target else "filled by the median, or a category"
        found.append(Finding("missing", name, gaps, f"{gaps / count:.1%} missing; {said}"))
    there = column.values[~column.missing]
    distinct = len(np.unique(there.astype(str) if column.kind == "category" else there))
    if distinct <= 1:
        found.append(Finding("constant", name, count, "never varies; left out"))
    elif column.kind == "category" and (finding := _of_texts(name, column, distinct, is_target)):
        found.append(finding)
    if column.kind == "number" and distinct > 2:
        low, high = fences_of(there)
        outside = int(((there < low) | (there > high)).sum())
        if outside:
            text = f"{outside / count:.2%} beyond {_short(low)} to {_short(high)} (three interquartile ranges)"
            found.append(Finding("outliers", name, outside, text))
    return found


def _of_texts(name: str, column: Column, distinct: int, is_target: bool) -> Finding | None:
    """What texts are that stand for something else."""
    for what, setting, wrong in (
        ("numbers", "decimal and thousands", no_numbers(column)), ("dates", "date_format", no_dates(column)),
    ):  # fmt: skip
        if wrong:
            row, value = wrong[0]
            there = int((~column.missing).sum())
            text = f"{len(wrong):,} of {there:,} values are no {what}, first {value!r} in row {row:,}"
            return Finding("mixed", name, len(wrong), f"{text}; name it in na_values if it is a gap")
        if wrong is not None and distinct > FEW:
            first = next(value for value in column.values if value is not None)
            return Finding(what, name, distinct, f"texts that look like {what}, such as {first!r}; set {setting}")
    count = len(column.values)
    if distinct > count / 2 and not is_target:
        return Finding("identifier", name, distinct, f"{distinct:,} values in {count:,} rows; drop it")
    return None


def notes(inputs: Frame, used: Collection[str], findings: Sequence[Finding]) -> tuple[str, ...]:
    """What is said when a run begins: columns that the model does not read, and numbers that may be an identifier."""
    reasons = {finding.column: finding.text for finding in findings}
    left = [name for name in inputs.columns if name not in used]
    said = [f"{name} ({reasons.get(name, 'no value in enough rows: see encode.rare')})" for name in left]
    found = [f"not used: {_listed(said)}"] if left else []
    ids = [name for name, column in inputs.columns.items() if name in used and different_wholes(column)]
    if ids:
        wanted = ", ".join(f'"{name}"' for name in ids[:SHOWN])
        found.append(f"whole numbers, each in one row: {_listed(ids)}; if they number the rows, drop = [{wanted}]")
    return tuple(found)


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:SHOWN]) + (f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else "")


def different_wholes(column: Column) -> bool:
    """Whether it holds whole numbers, each of them once, as those of rows or customers are; of a few rows, no."""
    values = column.values
    if column.kind != "number" or len(values) < LEAST_ROWS or column.missing.any():
        return False
    return bool((values == np.round(values)).all()) and len(np.unique(values)) == len(values)


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def row_keys(frame: Frame) -> NDArray[np.int64]:
    """A number for each row, the same for the same values in all columns."""
    keys = np.zeros(frame.count, dtype=np.int64)
    for column in frame.columns.values():
        if column.kind == "category":
            values: Any = np.array(["\0" if value is None else value for value in column.values], dtype=str)
        else:
            values = np.where(column.missing, np.inf, column.values)
        codes = np.unique(values, return_inverse=True)[1]
        keys = np.unique(keys * (int(codes.max()) + 1) + codes, return_inverse=True)[1].astype(np.int64)
    return keys


def repeated(frame: Frame, target: str) -> list[Finding]:
    """Rows that are there twice, and rows that are the same but for the target."""
    whole, inputs = row_keys(frame), row_keys(frame.without([target]))
    again = frame.count - len(np.unique(whole))
    found = [Finding("duplicates", "", again, f"{again:,} rows repeat another one")] if again else []
    # Inputs with more distinct whole rows than one have different targets.
    pairs = np.unique(np.stack([inputs, whole]), axis=1)[0]
    contradicted = int((np.bincount(pairs) > 1).sum())
    if contradicted:
        text = f"{contradicted:,} times the same inputs have different targets"
        found.append(Finding("contradictions", "", contradicted, text))
    return found


def suspicious(x: NDArray[np.float32], y: NDArray[Any], classes: int | None, rows: NDArray[np.int64]) -> list[int]:
    """Rows whose label a linear model, trained on other rows, finds hard to believe; the least likely first.

    `rows` are the numbers of x's rows in the file, in which the answer is given.
    """
    if len(x) < LEAST_ROWS:
        return []
    kept = np.arange(len(x)) if len(x) <= MOST_ROWS else permutation(len(x), call=1)[:MOST_ROWS]
    x, y, rows = x[kept], y[kept], rows[kept]
    fold = permutation(len(x), call=2) % FOLDS
    doubt = np.full(len(x), -np.inf)
    residuals = np.zeros(len(x))
    for at in range(FOLDS):
        inside = fold == at
        learned, asked = ~inside, np.flatnonzero(inside)
        if classes is None:
            coef, shift = fit_ridge(x[learned], y[learned], l2=10.0)
            residuals[asked] = y[asked] - (x[asked] @ coef + shift)
            continue
        made = fit_logistic(x[learned], y[learned], classes, l2=1 / int(learned.sum()), max_iter=60)
        shares = made.probabilities(x[asked])
        own = shares[np.arange(len(asked)), y[asked]]
        doubted = (own < DOUBTED) & (shares.max(axis=1) > SURE)
        doubt[asked[doubted]] = -own[doubted]
    if classes is None:
        spread = NORMAL * float(np.median(np.abs(residuals - np.median(residuals))))
        far = np.abs(residuals) > FAR * spread
        doubt[far] = np.abs(residuals[far])
    order = np.argsort(-doubt, kind="stable")
    return [int(rows[at]) for at in order if doubt[at] > -np.inf]


def label_finding(rows: Sequence[int], target: str) -> list[Finding]:
    if not rows:
        return []
    shown = ", ".join(f"{row:,}" for row in rows[:SHOWN]) + (", ..." if len(rows) > SHOWN else "")
    text = f"{len(rows):,} labels that a linear model does not believe; first rows {shown}"
    return [Finding("labels", target, len(rows), text)]
