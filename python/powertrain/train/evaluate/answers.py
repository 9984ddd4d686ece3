"""Files of answers: .csv, .jsonl and .parquet, written piece by piece and whole or not at all."""

from __future__ import annotations

import contextlib
import csv
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from powertrain.data import DataError
from powertrain.io.files import Files
from powertrain.io.plain_json import dumps

if TYPE_CHECKING:
    from powertrain.train.evaluate.predictions import Predictions

Write = "Callable[[Predictions], None]"


@contextlib.contextmanager
def answer_file(path: Path) -> Iterator[Callable[[Predictions], None]]:
    """What writes answers to a file, whose ending says how. The file appears when all are written; an error or Ctrl-C
    leaves what was there before."""
    kind = KINDS.get(path.suffix.lower())
    if kind is None:
        raise DataError("predict --out", str(path), f"expected a name that ends in {', '.join(KINDS)}", "rename it")
    if not path.parent.is_dir():
        raise DataError("predict --out", f"no folder {path.parent}", "expected one that is there", "make it first")
    with Files(path.parent).writing(path.name) as file, kind(file) as write:
        yield write


@contextlib.contextmanager
def _csv(file: IO[bytes]) -> Iterator[Callable[[Predictions], None]]:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    made, columns = csv.writer(text, lineterminator="\n"), [""]

    def write(said: Predictions) -> None:
        table = said.table()
        if columns == [""]:
            columns[:] = list(table)
            made.writerow(columns)
        made.writerows(zip(*(_cells(table[name]) for name in columns), strict=True))

    try:
        yield write
        text.flush()
    finally:
        text.detach()


def _cells(column: Any) -> list[Any]:
    values = column.tolist() if hasattr(column, "tolist") else column
    return [dumps(value) if isinstance(value, (list, dict)) else value for value in values]


@contextlib.contextmanager
def _jsonl(file: IO[bytes]) -> Iterator[Callable[[Predictions], None]]:
    def write(said: Predictions) -> None:
        for row in said:
            file.write(dumps(row, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n")

    yield write


@contextlib.contextmanager
def _parquet(file: IO[bytes]) -> Iterator[Callable[[Predictions], None]]:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pa_parquet
    except ImportError as error:
        raise DataError(
            "predict --out", f"pyarrow cannot be imported ({error})", "expected it, since it writes Parquet files",
            'pip install "powertrain[parquet]", or write a .csv',
        ) from None  # fmt: skip
    writer: Any = None
    try:

        def write(said: Predictions) -> None:
            nonlocal writer
            columns = said.table()
            for name, values in said.beside.items():  # of gaps alone, it would be a column of no kind
                columns[name] = pa.array(values, pa.string()) if not any(values) else values
            table = pa.table(columns)
            if writer is None:
                writer = pa_parquet.ParquetWriter(file, table.schema)
            writer.write_table(table)

        yield write
    finally:
        if writer is not None:
            writer.close()


KINDS: dict[str, Any] = {".csv": _csv, ".jsonl": _jsonl, ".parquet": _parquet}
