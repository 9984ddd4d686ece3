"""What a model is asked, from a file or a stream: CSV, JSON lines, or arrays, a few hundred examples at a time."""

from __future__ import annotations

import csv
import itertools
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError
from powertrain.data.formats import opened, read_arrays
from powertrain.train.evaluate.predict import checked_examples, outputs
from powertrain.train.run.train_run import TrainRun

MOST_LINE = 1 << 22  # bytes
_ARRAYS = (".npy", ".npz")
_TABLES = (".csv", ".tsv")
_LINES = (".jsonl", ".ndjson")
Record = Mapping[str, Any]


@dataclass(frozen=True)
class Names:
    """What the columns, or the keys of JSON, are called that are no inputs."""

    id: str = "id"
    label: str = ""  # the target of a table, else y
    output: str = "output"

    def label_of(self, run: TrainRun) -> str:
        return self.label or (run.dataset.raw.target if run.dataset.raw is not None else "y")


@dataclass(frozen=True)
class Traffic:
    """Some examples: inputs as `predict` takes them with the model's outputs, columns of a table where they came as
    such, and ids and labels where there are any."""

    x: NDArray[Any]
    outputs: NDArray[Any]
    columns: Mapping[str, NDArray[Any]] | None = None
    ids: list[Any] | None = None
    labels: list[Any] | None = None

    @property
    def inputs(self) -> Any:
        """What a monitor observes: the columns as they came, where there are such."""
        return self.x if self.columns is None else self.columns


def traffic(run: TrainRun, given: str, rows: int, names: Names | None = None) -> Iterator[Traffic]:
    """The traffic of a file (.csv, .tsv, .jsonl, .npy, .npz; .gz of the texts), or of standard input as JSON lines.

    What the model answered then, as `names.output`, is taken as its outputs; an empty name asks the model again.
    """
    names = names or Names()
    if given == "-":
        yield from _of_records(run, _json_lines(sys.stdin.buffer, "standard input"), rows, names)
        return
    path = Path(given)
    kind = _kind(path)
    if kind in _ARRAYS:
        yield from _of_arrays(run, path, rows)
        return
    if kind not in (*_TABLES, *_LINES):
        raise DataError(
            f"traffic {path}", f"a file {path.suffix or 'without an ending'}",
            f"expected {', '.join((*_TABLES, *_LINES, *_ARRAYS))}, or - for JSON lines", "save it as one of these",
        )  # fmt: skip
    with opened(path, "traffic") as file:
        read = _csv_rows if kind in _TABLES else _json_lines
        yield from _of_records(run, read(file, str(path)), rows, names)  # type: ignore[arg-type]


def _kind(path: Path) -> str:
    return Path(path.stem).suffix if path.suffix == ".gz" else path.suffix


def labels_of(
    run: TrainRun, given: str, rows: int, names: Names | None = None
) -> Iterator[tuple[list[Any], list[Any]]]:
    """The ids and labels of a file of labels that arrived later."""
    names = names or Names()
    path, label = Path(given), names.label_of(run)
    with opened(path, "labels") as file:
        read = _json_lines if _kind(path) in _LINES else _csv_rows
        for some in _chunks(read(file, str(path)), rows):  # type: ignore[arg-type]
            ids, truth = _column(some, names.id, f"labels {path}"), _column(some, label, f"labels {path}")
            yield ids, _truth(run, truth)


def _lines(file: BinaryIO, name: str) -> Iterator[str]:
    for number in itertools.count(1):
        raw = file.readline(MOST_LINE)
        if not raw:
            return
        where = f"traffic {name}, line {number}"
        if len(raw) == MOST_LINE:
            raise DataError(
                where, f"{MOST_LINE:,} bytes without an end", "expected a shorter line", "is it a text file?"
            )
        try:
            yield raw.decode("utf-8-sig" if number == 1 else "utf-8")
        except UnicodeDecodeError:
            raise DataError(where, "bytes that are not UTF-8", "expected a text", "save it as UTF-8") from None


def _json_lines(file: BinaryIO, name: str) -> Iterator[Record]:
    for number, line in enumerate(_lines(file, name), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if not isinstance(record, dict):
            raise DataError(
                f"traffic {name}, line {number}", "no JSON object", 'expected one, such as {"id": 7, "x": [1.0, 2.0]}',
                "write one a line",
            )  # fmt: skip
        yield record


def _csv_rows(file: BinaryIO, name: str) -> Iterator[Record]:
    """Rows by the names of their columns, which the first line gives; an empty cell is None."""
    lines = _lines(file, name)
    first = next(lines, "")
    sep = max(",;\t", key=first.count)
    reader = csv.reader(itertools.chain([first], lines), delimiter=sep)
    try:
        header = next(reader, [])
        for row in reader:
            if not row:
                continue
            if len(row) != len(header):
                raise DataError(
                    f"traffic {name}, line {reader.line_num}", f"{len(row)} values",
                    f"expected {len(header)}, as in the first line, which names the columns", "correct the line",
                )  # fmt: skip
            yield dict(zip(header, (cell if cell != "" else None for cell in row), strict=True))
    except csv.Error as error:
        raise DataError(f"traffic {name}, line {reader.line_num}", str(error), "expected CSV", "check it") from None


def _chunks(records: Iterable[Record], rows: int) -> Iterator[list[Record]]:
    records = iter(records)
    while some := list(itertools.islice(records, rows)):
        yield some


def _of_records(run: TrainRun, records: Iterable[Record], rows: int, names: Names) -> Iterator[Traffic]:
    label = names.label_of(run)
    # A table may have a column of that name, which then is no answer of the model.
    output = "" if names.output in (label, *run.dataset.takes) else names.output
    for some in _chunks(records, rows):
        columns: Mapping[str, NDArray[Any]] | None = None
        raw = run.dataset.raw
        if raw is not None and ("x" not in some[0] or "x" in run.dataset.takes):
            texts = {name: np.array([one.get(name) for one in some], dtype=object) for name in some[0]}
            columns = raw.typed(texts)
            x = raw.encode(columns)
        else:
            x = checked_examples(run, _numbers(some, (names.id, label, output)))
        ids = [one[names.id] for one in some] if all(names.id in one for one in some) else None
        truth = [one[label] for one in some] if all(one.get(label) is not None for one in some) else None
        given = _numbers_of([one[output] for one in some]) if all(output in one for one in some) else None
        answers = outputs(run, x) if given is None else given
        yield Traffic(x, answers, columns, ids, None if truth is None else _truth(run, truth))


def _of_arrays(run: TrainRun, path: Path, rows: int) -> Iterator[Traffic]:
    arrays = read_arrays(path, "traffic")
    x = arrays["x"] if "x" in arrays else next(iter(arrays.values()))
    y = arrays.get("y")
    if y is not None and len(y) != len(x):
        raise DataError(
            f"traffic {path}", f"{len(x)} examples and {len(y)} labels", "expected one label each",
            "save x and y together",
        )  # fmt: skip
    for at in range(0, len(x), rows):
        some = checked_examples(run, x[at : at + rows])
        truth = None if y is None else y[at : at + rows].tolist()
        yield Traffic(some, outputs(run, some), None, list(range(at, at + len(some))), truth)


def _numbers(some: Sequence[Record], others: Sequence[str]) -> NDArray[Any]:
    """The inputs of records: their x, or all that is no id, label or output, in the order of the first record."""
    if all("x" in one for one in some):
        return _numbers_of([one["x"] for one in some])
    wanted = [name for name in some[0] if name not in others]
    for one in some:
        if len(one.keys() - set(others)) != len(wanted) or not one.keys() >= set(wanted):
            raise DataError(
                "traffic", f"records with {', '.join(wanted[:5])} and with {', '.join(list(one)[:5])}",
                "expected the same names in each", "give them as predict takes them, or as x",
            )  # fmt: skip
    return _numbers_of([[one[name] for name in wanted] for one in some])


def _numbers_of(values: list[Any]) -> NDArray[Any]:
    try:
        return np.array(values, dtype=np.float64)
    except (ValueError, TypeError):
        raise DataError(
            "traffic", "values that are not numbers, or rows of different lengths",
            "expected the numbers of each example", "give them as predict takes them",
        ) from None  # fmt: skip


def _column(some: Sequence[Record], name: str, where: str) -> list[Any]:
    try:
        return [one[name] for one in some]
    except KeyError:
        raise DataError(where, f"no {name}", f"expected one of {', '.join(some[0])}", "name it") from None


def _truth(run: TrainRun, values: list[Any]) -> list[Any]:
    """Labels as the model's answers are: names of classes, or numbers as it learned them."""
    raw = run.dataset.raw
    if raw is None:
        return [_number(value, run.dataset.kind.classes) if isinstance(value, str) else value for value in values]
    found = raw.targets(np.array(values, dtype=object))
    labels = run.dataset.labels
    if not labels:
        return list(found)
    return [labels[at] if at >= 0 else str(value) for at, value in zip(found, values, strict=True)]


def _number(text: str, is_class: bool) -> Any:
    """A label of a CSV file: the number of a class, or its name; or a number to predict."""
    if is_class:
        return int(text) if text.isascii() and text.isdigit() else text
    try:
        return float(text)
    except ValueError:
        raise DataError("traffic", f"the label {text!r}", "expected a number", "correct the file") from None
