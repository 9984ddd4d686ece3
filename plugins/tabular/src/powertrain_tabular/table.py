"""The data plugin `table`: a file becomes parts of numbers, with a report of what is odd about it."""

from __future__ import annotations

import dataclasses
import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.data import ArrayDataset, DataError, DataModule, Url, identities, kept_parts, located
from powertrain.plugin import Data, Section, param
from powertrain_tabular.asked import Asked
from powertrain_tabular.cleaning import Finding, clean_report, label_finding, notes, row_keys, suspicious
from powertrain_tabular.csv_file import Csv
from powertrain_tabular.encoding import Encode, Encoder, one_column_at_a_time
from powertrain_tabular.frame import FEW, PLAIN, Column, Frame, frame_in_memory, no_numbers, read_frame
from powertrain_tabular.leakage import leaks
from powertrain_tabular.pages import sections
from powertrain_tabular.raw import RawColumns
from powertrain_tabular.splits import Split, split_rows

EXACT = 2.0**53  # from which float64 does not hold every whole number


@dataclass(frozen=True, kw_only=True)
class TableParams:
    """What every data plugin of this distribution takes."""

    task: str = param("auto", choices=("auto", "classification", "regression"), doc="auto: by the target's values")
    drop: tuple[str, ...] = param((), doc="columns that the model must not see")
    duplicates: str = param("keep", choices=("keep", "drop"), doc="what becomes of rows that repeat another one")
    leakage: str = param("warn", choices=("warn", "error"), doc="whether a leak stops the run or stands in the report")
    encode: Encode = field(default_factory=Encode)
    split: Split = field(default_factory=Split)


@dataclass(frozen=True)
class Loaded:
    """A table as read: its name, its columns, the one to predict, and what errors begin with."""

    name: str
    frame: Frame
    target: str
    where: str


class OfColumns(Data, declares=True):
    """A table whose columns became numbers by what was fitted on the training rows."""

    @classmethod
    @abstractmethod
    def load(cls, params: Any, base: Path) -> Loaded:
        """Read the table."""

    @classmethod
    def build(cls, params: Any, base: Path) -> DataModule:
        return build(cls.load(params, base), params)

    @classmethod
    def rebuild(cls, params: Any, base: Path, kept: DataModule, known: Mapping[str, Any] | None) -> DataModule:
        return build(cls.load(params, base), params, kept, known)

    @classmethod
    def reopen(cls, params: TableParams, kept: DataModule) -> DataModule:
        encoder = Encoder.from_state(kept.state)
        raw = RawColumns(encoder, cls.target_of(params), kept.labels)
        asked = Asked(encoder, params if isinstance(params, Csv) else PLAIN, raw)
        return dataclasses.replace(
            kept, read=asked.read, encode=asked.encode, labelled=asked.labelled, beside=asked.columns, raw=raw,
            made_of=tuple(encoder.made_of), takes=encoder.takes,
        )  # fmt: skip

    @classmethod
    def target_of(cls, params: TableParams) -> str:
        """The name of the column that is predicted."""
        return str(getattr(params, "target", ""))


class Table(OfColumns):
    """A CSV or Parquet file. How a CSV file is written is found out, or said. It splits itself, since encoders are
    fitted on the training rows alone."""

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"path": "people.csv", "target": "bought", "split": {"by": "stratify", "valid": 0.2, "test": 0.2}},
        {"path": "people.csv", "target": "age", "split": {"by": "time", "column": "joined", "test": 0.2}},
    )
    examples_folder = Path(__file__).parent / "examples"

    @dataclass(frozen=True, kw_only=True)
    class Params(Csv, TableParams):
        path: Url | Path = param(doc="the file or its URL: .csv, .tsv (.gz too), .parquet")
        target: str = param(doc="the column to predict")

    @classmethod
    def load(cls, params: Params, base: Path) -> Loaded:
        where = f"table {params.path}"
        return Loaded(params.path.stem, read_frame(located(params.path, base), where, params), params.target, where)

    @classmethod
    def of_frame(cls, params: Params, values: Any) -> DataModule | None:
        """The data set of a table in memory; None where it is none."""
        frame = frame_in_memory(values, where="table")
        if frame is None:
            return None
        if not frame.count:
            raise DataError("table", "a table without rows", "expected some", "check the frame")
        return build(Loaded(params.path.stem, frame, params.target, "table"), params)


def build(
    loaded: Loaded, params: TableParams, kept: DataModule | None = None, known: Mapping[str, Any] | None = None
) -> DataModule:
    """The data set of a table: its parts, what was fitted, what its report says. Of a table that has changed, with what
    was `kept`, and `known` rows in their parts."""
    table = usable(loaded, params)
    frame, target, where, params = table.frame, loaded.target, loaded.where, table.params
    order = frame[params.split.column] if params.split.column else None
    rows = split_rows(params.split, frame[target], order, where)
    classify = is_class(frame[target], params.task)
    labels = class_labels(frame[target].take(rows["train"]), classify, where) if kept is None else kept.labels
    made = encoded(table, rows, labels, None if kept is None else Encoder.from_state(kept.state))
    if known is not None and params.split.by in ("random", "stratify") and params.split.folds is None:
        found = identities(ArrayDataset(x=made.x, y=made.y))
        if found is not None:
            shares = {part: getattr(params.split, part) for part in rows if part != "train"}
            rows = kept_parts(found, known, shares)
    classes = len(labels) if labels else None
    inputs = frame.without(table.hidden)
    x_train, y_train = made.x[rows["train"]], made.y[rows["train"]]
    findings = clean_report(table.all_rows, target, params.drop)
    findings += label_finding(suspicious(x_train, y_train, classes, rows["train"]), target)
    columns = one_column_at_a_time(made.encoder, inputs.take(rows["train"]))
    leaked = leaks(inputs, rows, params.split, order, columns, y_train, classes)
    _refuse(leaked, params.leakage, where)
    sizes = {part: len(found) for part, found in rows.items()}
    module = made.module(loaded.name, rows, sections(frame, target, findings, leaked, sizes))
    frames = {part: inputs.take(found) for part, found in rows.items()}
    raw = RawColumns(made.encoder, target, labels, frames)
    said = notes(inputs, made.encoder.takes, findings)
    dropped = {name: frame[name].values for name in table.hidden if name != target}
    return dataclasses.replace(
        OfColumns.reopen(params, module),
        raw=raw,
        unseen=lambda part: {name: values[rows[part]] for name, values in dropped.items()},
        notes=said,
    )


@dataclass(frozen=True)
class Usable:
    """The rows of a table that have a target, and which columns a model does not see."""

    frame: Frame
    target: str
    hidden: tuple[str, ...]
    params: TableParams  # as given, without dropped columns that hold nothing readable
    all_rows: Frame  # with those that have no target, and those that repeat others
    where: str

    def take(self, rows: Any) -> Usable:
        return dataclasses.replace(self, frame=self.frame.take(rows))


def usable(loaded: Loaded, params: TableParams) -> Usable:
    """Check a table against its settings, and leave out the rows that have no target."""
    frame, target, where = loaded.frame, loaded.target, loaded.where
    named = [target, *params.drop, *([params.split.column] if params.split.column else [])]
    frame.demand(where, *named)
    frame = frame.readable([name for name in params.drop if name not in (target, params.split.column)], where)
    params = dataclasses.replace(params, drop=tuple(name for name in params.drop if name in frame.columns))
    # Groups stay together so that the model cannot know them; it must not see which one a row is of.
    hidden = [target, *params.drop, *([params.split.column] if params.split.by == "group" else [])]
    if not set(frame.columns) - set(hidden):
        raise DataError(where, "no column but those left out", "expected something to learn from", "shorten drop")
    if params.task == "regression" and frame[target].kind == "category" and (wrong := no_numbers(frame[target], 1.0)):
        row, value = wrong[0]
        raise DataError(
            where, f"{target} is {value!r} in row {row:,}", "expected numbers, since task is regression",
            "correct it, name it in na_values, or set decimal and thousands",
        )  # fmt: skip
    if params.task == "auto":
        _demand_classes(target, frame[target], where)
    all_rows = frame
    frame = frame.take(np.flatnonzero(~frame[target].missing))
    if not frame.count:
        raise DataError(where, f"no row with a value of {target}", "expected rows to learn from", "check the column")
    if params.duplicates == "drop":
        frame = frame.take(np.sort(np.unique(row_keys(frame), return_index=True)[1]))
    return Usable(frame, target, tuple(hidden), params, all_rows, where)


@dataclass(frozen=True)
class Encoded:
    """Every row as numbers, by what was fitted on the training rows."""

    x: NDArray[np.float32]
    y: NDArray[Any]
    labels: tuple[str, ...]
    encoder: Encoder

    def module(self, name: str, rows: Mapping[str, NDArray[np.int64]], pages: tuple[Section, ...] = ()) -> DataModule:
        """The data set whose parts are these rows."""
        return DataModule(
            name,
            "classification" if self.labels else "regression",
            {part: ArrayDataset(x=self.x[found], y=self.y[found]) for part, found in rows.items()},
            len(self.labels) if self.labels else 1,
            self.labels,
            state={**self.encoder.state(), "labels": np.frombuffer(json.dumps(self.labels).encode(), dtype=np.uint8)},
            columns=tuple(self.encoder.features),
            sections=pages,
        )


def encoded(
    table: Usable, rows: Mapping[str, NDArray[np.int64]], labels: tuple[str, ...], encoder: Encoder | None = None
) -> Encoded:
    """The rows of a table as numbers, by an encoder that is fitted on the training rows unless it is given."""
    y = _targets(table.frame[table.target], labels, table.where)
    inputs = table.frame.without(table.hidden)
    encoder = encoder or Encoder.fit(inputs.take(rows["train"]), table.params.encode, table.where)
    if not encoder.learned:
        raise DataError(table.where, "no column that varies", "expected something to learn from", "check the file")
    return Encoded(encoder(inputs, table.where), y, labels, encoder)


def is_class(column: Column, task: str) -> bool:
    if task != "auto":
        return task == "classification"
    if column.kind != "number":
        return column.kind == "category"
    found = np.unique(column.values)
    return len(found) <= FEW and bool((found == np.round(found)).all())


def _demand_classes(target: str, column: Column, where: str) -> None:
    """Refuse texts that look like numbers as classes, where they are many."""
    values = {value for value in column.values if value is not None} if column.kind == "category" else set()
    if len(values) <= FEW or (wrong := no_numbers(column)) is None:
        return
    known = {value for _, value in wrong}
    shown = next(value for value in column.values if value is not None and value not in known)
    marks = [sign for sign in shown if sign in ".,' _"]
    if wrong:
        fix = f"name {wrong[0][1]!r} in na_values if it is a gap"
    else:
        fix = f'set thousands = "{marks[0]}"' if marks else "write them as numbers"
    raise DataError(
        where, f"{target} holds {shown!r} and {len(values) - 1:,} more texts, which look like numbers",
        "expected numbers, or few classes", f'{fix}; or set task = "classification"',
    )  # fmt: skip


def class_names(column: Column, where: str) -> Any:
    """The class of each row as a text: of numbers with all of their digits, so that no two are one class."""
    if column.kind == "category":
        return column.values
    merged = np.abs(column.values) >= EXACT
    if merged.any():
        value = column.values[np.flatnonzero(merged)[0]]
        raise DataError(
            where, f"the class {value:.0f}, which is beyond 2^53", "expected classes that float64 tells apart",
            "write them as texts, such as id-1",
        )  # fmt: skip
    # Adding 0 makes -0.0, which is the same number, the same text.
    return [repr(float(value) + 0.0).removesuffix(".0") for value in column.values]


def class_labels(column: Column, classify: bool, where: str) -> tuple[str, ...]:
    """The names of the classes that the training rows have; none for a number."""
    if not classify:
        return ()
    values = class_names(column, where)
    labels = tuple(sorted(set(values), key=lambda text: (len(text), text) if text.isdigit() else (0, text)))
    if len(labels) < 2:
        raise DataError(where, f"the target is always {labels[0]} in train", "expected two classes", "stratify")
    return labels


def _targets(column: Column, labels: tuple[str, ...], where: str) -> NDArray[Any]:
    if not labels:
        if column.kind != "number":
            raise DataError(where, f"a target of {column.kind} as a number", "expected numbers", "leave task out")
        with np.errstate(over="ignore"):
            targets = column.values.astype(np.float32)
        if not np.isfinite(targets).all():
            raise DataError(where, "a target too large for float32", "expected numbers below 3e38", "scale it first")
        return targets
    numbers = {label: number for number, label in enumerate(labels)}
    values = class_names(column, where)
    unknown = sorted({value for value in values if value not in numbers})
    if unknown:
        raise DataError(
            where, f"the class {unknown[0]} has no training row", "expected every class in train",
            'split by = "stratify"',
        )  # fmt: skip
    return np.array([numbers[value] for value in values], dtype=np.int64)


def _refuse(leaked: list[Finding], wanted: str, where: str) -> None:
    if leaked and wanted == "error":
        first = f"{leaked[0].column}: " if leaked[0].column else ""
        raise DataError(
            where,
            f"{first}{leaked[0].text} ({len(leaked)} leaks)",
            "expected none",
            "drop the column, or group the rows",
        )
