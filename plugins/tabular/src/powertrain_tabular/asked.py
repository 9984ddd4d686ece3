"""What a run of a table is asked about: files and frames, with their targets where they are to be measured."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataError, InputFile
from powertrain_tabular.csv_file import Csv
from powertrain_tabular.encoding import Encoder
from powertrain_tabular.frame import Column, Frame, frame_in_memory, frame_pieces, numbers_of_texts
from powertrain_tabular.raw import RawColumns

PIECE_ROWS = 4096
# As pyarrow reads them in a column of nothing else, which is one of numbers.
TRUTHS = {"true": "1", "True": "1", "TRUE": "1", "false": "0", "False": "0", "FALSE": "0"}


class Asked:
    """Files and frames by what was fitted on the training rows; `written` says how CSV files are written."""

    def __init__(self, encoder: Encoder, written: Csv, raw: RawColumns) -> None:
        self.encoder, self.written, self.raw = encoder, written, raw

    def read(self, given: InputFile, count: int) -> Iterator[tuple[list[str], Any]]:
        """The inputs of a file, at most `count` rows at once."""
        for frame in frame_pieces(given, self.written, self.encoder.texts, count, self.encoder.marks):
            x = self.encoder(frame, f"predict {given.name}")
            yield from (([], x[start : start + count]) for start in range(0, len(x), count))

    def encode(self, values: object) -> Any:
        """The inputs of a frame in memory, or of an array with the columns of the table; None of what is none."""
        frame = frame_in_memory(values, self.encoder.texts)
        frame = self._in_order(values) if frame is None else frame
        return None if frame is None else self.encoder(frame, "predict")

    def _in_order(self, values: object) -> Frame | None:
        """A table of numbers without names, whose columns are taken in the order of the training table."""
        rows, takes = np.asarray(values), self.encoder.takes
        if rows.ndim == 0 or rows.dtype.kind not in "fiub":
            return None
        rows = rows[None] if rows.shape == (len(takes),) else rows
        if rows.ndim != 2 or rows.shape[1] != len(takes):
            raise DataError(
                "predict", f"{rows.dtype}{list(rows.shape)}",
                f"expected the columns {', '.join([*takes][:12])} as the table has them, before they are scaled",
                "give a data frame or a dict of columns, or an array of these in their order; pass checked=True with "
                "what run.examples gave",
            )  # fmt: skip
        texts = [name for name, kind in takes.items() if kind != "number"]
        if texts:
            raise DataError(
                "predict", f"{rows.dtype}{list(rows.shape)} without names", f"expected {takes[texts[0]]} values of "
                f"{texts[0]}, which an array of numbers does not hold", "give a data frame or a dict of columns",
            )  # fmt: skip
        return frame_in_memory(dict(zip(takes, rows.T, strict=True)))

    def columns(self, given: InputFile, names: Sequence[str]) -> Iterator[dict[str, list[Any]]]:
        """Columns of a file as they stand there, piece by piece."""
        where, first = f"predict {given.name}", True
        for frame in frame_pieces(given, self.written, names, PIECE_ROWS, self.encoder.marks):
            if first:
                frame.demand(where, *names)
            first = False
            yield {name: _as_written(frame[name]) for name in names}

    def labelled(self, given: object) -> tuple[Any, Any] | None:
        """The inputs and targets of a file, or of a frame in memory; rows without a target are left out."""
        texts = {*self.encoder.texts, *([self.raw.target] if self.raw.labels else [])}
        if isinstance(given, InputFile):
            where = f"evaluate {given.name}"
            frames = frame_pieces(given, self.written, texts, PIECE_ROWS, self.encoder.marks)
        else:
            where, frame = "evaluate", frame_in_memory(given, texts)
            if frame is None:
                return None
            frames = iter((frame,))
        pieces = [self._piece(frame, where) for frame in frames]
        x, y = (np.concatenate(each) for each in zip(*pieces, strict=True))
        if not len(x):
            received = f"no row with a value of {self.raw.target}"
            raise DataError(where, received, "expected targets to compare with", "check the column")
        return x, y

    def _piece(self, frame: Frame, where: str) -> tuple[NDArray[np.float32], NDArray[Any]]:
        frame.demand(where, self.raw.target)
        column = frame[self.raw.target]
        there = np.flatnonzero(~column.missing)
        x = self.encoder(frame, where)[there]
        return x, (self._classes if self.raw.labels else self._numbers)(column, there, frame.first, where)

    def _classes(self, column: Column, rows: NDArray[np.int64], first: int, where: str) -> NDArray[Any]:
        values = column.values[rows]
        y = self.raw.targets(values)
        if (y < 0).any():
            y = self.raw.targets(np.array([TRUTHS.get(str(value), value) for value in values], dtype=object))
        wrong = np.flatnonzero(y < 0)
        if len(wrong):
            raise DataError(
                where, f"{self.raw.target} is {values[wrong[0]]!r} in row {first + int(rows[wrong[0]]):,}",
                f"expected one of {', '.join(self.raw.labels[:12])}", "leave the row out",
            )  # fmt: skip
        return y

    def _numbers(self, column: Column, rows: NDArray[np.int64], first: int, where: str) -> NDArray[np.float32]:
        made = numbers_of_texts(column) if column.kind == "category" else column
        wrong = [row for row in rows if made.kind != "number" or made.missing[row]]
        if wrong:
            raise DataError(
                where, f"{self.raw.target} is {column.values[wrong[0]]!r} in row {first + int(wrong[0]):,}",
                "expected numbers", "correct it, or leave the value empty",
            )  # fmt: skip
        return made.values[rows].astype(np.float32)


def _as_written(column: Column) -> list[Any]:
    """The values of a column that was read as texts; of dates in a Parquet file, ISO's."""
    if column.kind != "date":
        return list(column.values)
    moments = (column.values * 86_400).round().astype("datetime64[s]")
    whole = bool((column.values[~column.missing] % 1 == 0).all())
    texts = np.datetime_as_string(moments.astype("datetime64[D]") if whole else moments)
    return [None if gap else str(text) for text, gap in zip(texts, column.missing, strict=True)]
