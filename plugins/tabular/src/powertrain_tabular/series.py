"""Series to forecast: a column of a file, and the demand for electricity in England and Wales (Taylor 2003)."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.data import (
    DataError,
    DataModule,
    InputFile,
    Url,
    located,
    read_r_table,
)
from powertrain.plugin import Data, param
from powertrain_tabular.forecast import Forecast, SeriesWindows
from powertrain_tabular.frame import PLAIN, Column, Frame, frame_pieces, read_frame
from powertrain_tabular.named import folder_of_package

PIECE = 65_536  # rows that are read at once of a file to forecast


@dataclass(frozen=True, kw_only=True)
class TimeSplit:
    """The [data.split] table of a series: its parts follow each other in time."""

    valid: float = param(0.0, low=0, below=1, doc="share of the values, behind training, that is watched")
    test: float = param(0.2, low=0, below=1, doc="share of the values, at the end, that is looked at once")

    def __post_init__(self) -> None:
        if self.valid + self.test >= 1:
            raise ValueError(f"valid = {self.valid:g} and test = {self.test:g}; expected less than 1 together")


@dataclass(frozen=True, kw_only=True)
class SeriesParams:
    past: int = param(low=1, doc="values that a forecast is made from")
    ahead: int = param(low=1, doc="values that are forecast")
    season: int = param(1, low=1, doc="values until the series repeats itself, such as 24 of hours in a day")
    split: TimeSplit = field(default_factory=TimeSplit)


class _OfSeries(Data, declares=True):
    """Windows of a series, cut by time: no value to forecast in one part is one in another."""

    @classmethod
    def column_of(cls, params: Any) -> str:
        """The column of a file that is asked about."""
        return "values"

    @classmethod
    def reopen(cls, params: Any, kept: DataModule) -> DataModule:
        column = cls.column_of(params)

        def read(given: InputFile, count: int) -> Iterator[tuple[list[str], NDArray[np.float32]]]:
            yield [], _last(given, column, params.past)

        return dataclasses.replace(kept, own_task=kept.own_task or Forecast(), read=read)


class Series(_OfSeries):
    """A column of a CSV or Parquet file in the order of time, at equal distances: the past says what comes next."""

    examples: ClassVar[tuple[dict[str, Any], ...]] = (
        {"path": "waves.csv", "column": "height", "past": 24, "ahead": 6, "season": 12, "split": {"test": 0.3}},
    )
    examples_folder = Path(__file__).parent / "examples"

    @dataclass(frozen=True, kw_only=True)
    class Params(SeriesParams):
        path: Url | Path = param(doc="the file or its URL: .csv, .tsv (.gz too), .parquet")
        column: str = param(doc="the column to forecast")

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        where = f"series {params.path}"
        values = _numbers(read_frame(located(params.path, base), where), params.column, where)
        return cls.reopen(params, windows_of(params.path.stem, values, params, where))

    @classmethod
    def column_of(cls, params: Params) -> str:
        return params.column


class Demand(_OfSeries):
    """4,032 half hours of the demand for electricity in England and Wales, June to August 2000, in MW (Taylor 2003)."""

    @dataclass(frozen=True, kw_only=True)
    class Params(SeriesParams):
        past: int = param(384, low=1, doc="half hours that a forecast is made from; 384 are a week and a day")
        ahead: int = param(48, low=1, doc="half hours that are forecast; 48 are a day")
        season: int = param(336, low=1, doc="half hours until the series repeats itself")
        path: Path | None = param(
            None, doc="the folder of the files; else $POWERTRAIN_DATA and where a package puts them"
        )

    @classmethod
    def build(cls, params: Params, base: Path) -> DataModule:
        folder = folder_of_package("forecast", base, params.path, "demand")
        values = np.array(read_r_table(folder, "taylor")["values"], dtype=np.float64)
        return cls.reopen(params, windows_of("demand", values, params, "demand"))


def windows_of(name: str, values: NDArray[np.float64], params: SeriesParams, where: str) -> DataModule:
    """The data set of a series: its values are cut by time, and each part has every window whose targets lie in it."""
    wrong = np.flatnonzero(~np.isfinite(values))
    if wrong.size:
        raise DataError(
            where, f"no number in row {int(wrong[0]) + 1:,}", "expected one in each row, at equal distances of time",
            "fill the gaps first",
        )  # fmt: skip
    needed = max(params.past, params.season)
    test = round(params.split.test * len(values))
    valid = round(params.split.valid * len(values))
    ends = {"train": len(values) - test - valid, "valid": len(values) - test, "test": len(values)}
    series, begin, parts = values.astype(np.float32), needed, {}
    for part, end in ends.items():
        count = end - begin - params.ahead + 1
        if count < 1 and (part == "train" or getattr(params.split, part)):
            raise DataError(
                where, f"{end - (0 if part == 'train' else begin):,} values of {part}",
                f"expected at least {params.ahead + (needed if part == 'train' else 0):,} for one window",
                "take a longer series, a shorter past, or another split",
            )  # fmt: skip
        if count >= 1:
            parts[part] = SeriesWindows(series, begin, count, params.past, params.ahead, params.season)
        begin = end
    return DataModule(name, "forecast", parts, params.ahead, own_task=Forecast(windows=parts))


def _numbers(frame: Frame, column: str, where: str) -> NDArray[np.float64]:
    frame.demand(where, column)
    found: Column = frame[column]
    if found.kind != "number":
        raise DataError(where, f"the column {column} holds {found.kind} values", "expected numbers", "name another")
    return np.asarray(found.values, dtype=np.float64)


def _last(given: InputFile, column: str, past: int) -> NDArray[np.float32]:
    """The last values of a file, as one example."""
    where = f"predict {given.name}"
    values = np.zeros(0)
    for frame in frame_pieces(given, PLAIN, (), PIECE):
        values = np.concatenate([values, _numbers(frame, column, where)])[-past:]
    if len(values) < past or not np.isfinite(values).all():
        received = f"{len(values):,} values of {column}" if len(values) < past else f"a gap among the last {past:,}"
        raise DataError(where, received, f"expected the {past:,} before the forecast", "give a longer series, filled")
    return values.astype(np.float32)[None]
