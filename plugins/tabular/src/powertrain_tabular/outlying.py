"""Tables of which some rows are outliers, from Debian's r-cran-mlbench: readings of a shuttle, pixels of a satellite.

Both are tasks of classification with rare classes, which are the outliers here, as in what is published on finding them
(Goldstein and Uchida 2016; Liu, Ting and Zhou 2008).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from powertrain.data import read_r_table
from powertrain.plugin import param
from powertrain_tabular.frame import Frame, column_of
from powertrain_tabular.named import folder_of_package
from powertrain_tabular.table import Loaded, OfColumns, TableParams

TARGET = "outlier"


@dataclass(frozen=True, kw_only=True)
class OutlyingParams(TableParams):
    path: Path | None = param(
        None, doc="the folder of the .rda file; else $POWERTRAIN_DATA and where a package puts it"
    )


class _Outlying(OfColumns, declares=True):
    """A table of mlbench: some of its classes are outliers, and some are left out."""

    table: ClassVar[str]
    column: ClassVar[str]
    outliers: ClassVar[tuple[str, ...]]
    without: ClassVar[tuple[str, ...]] = ()
    Params: ClassVar[type] = OutlyingParams

    @classmethod
    def load(cls, params: OutlyingParams, base: Path) -> Loaded:
        where = cls.table.lower()
        folder = folder_of_package("mlbench", base, params.path, where, (f"{cls.table}.rda",))
        columns = read_r_table(folder, cls.table)
        classes = columns.pop(cls.column)
        kept = np.flatnonzero([one not in cls.without for one in classes]).tolist()
        columns[TARGET] = ["yes" if one in cls.outliers else "no" for one in classes]
        frame = {name: column_of([values[row] for row in kept]) for name, values in columns.items()}
        return Loaded(where, Frame(frame), TARGET, where)

    @classmethod
    def target_of(cls, params: TableParams) -> str:
        return TARGET


class Shuttle(_Outlying):
    """49,097 readings of nine sensors of a space shuttle; the outliers, 7 %, are those that belong to no usual state.
    One of the two usual states is left out, as in what is published."""

    table = "Shuttle"
    column = "Class"
    outliers = ("Fpv.Close", "Fpv.Open", "Bypass", "Bpv.Close", "Bpv.Open")
    without = ("High",)


class Satellite(_Outlying):
    """6,435 pixels of a satellite with their neighbours, 36 numbers; the outliers, 32 %, are the three rarest soils."""

    table = "Satellite"
    column = "classes"
    outliers = ("cotton crop", "damp grey soil", "vegetation stubble")
