"""The data sets `parquet` and `arrow`: columns of numbers in files that may be larger than the memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from powertrain.data.column_dataset import ArrowDataset, ColumnDataset, ParquetDataset
from powertrain.data.in_memory import dataset_of
from powertrain.data.module import DataModule
from powertrain.data.pairs import StoredPairs, numbers
from powertrain.data.reading import InputFile, Piece
from powertrain.data.source import Array, columns
from powertrain.io.urls import Url, located
from powertrain.plugin.bases import Data
from powertrain.plugin.params import param


@dataclass(frozen=True)
class _Params:
    path: Url | Path = param(doc="the file or its URL, or a pattern such as train-*.parquet")
    x: str | tuple[str, ...] = param(
        doc="the column of the inputs, which may hold lists; or several columns of numbers"
    )
    y: str = param(doc="the column of the targets: whole numbers are classes, others are predicted")
    valid: Url | Path | None = param(None, doc="files of the validation part")
    test: Url | Path | None = param(None, doc="files of the test part")
    shuffle_groups: int = param(8, low=1, doc="groups of rows that are shuffled together; twice as many are in memory")


class _Columns(Data, declares=True):
    """Columns of files, read group by group."""

    DATASET: ClassVar[type[ColumnDataset]]
    ENDINGS: ClassVar[tuple[str, ...]]
    Params = _Params

    @classmethod
    def build(cls, params: _Params, base: Path) -> DataModule:
        paths = {"train": params.path, "valid": params.valid, "test": params.test}
        parts = {part: cls._opened(located(path, base), params) for part, path in paths.items() if path is not None}
        made = dataset_of(parts, params.path.stem.rstrip("-*"))
        names = () if isinstance(params.x, str) else params.x
        return cls.reopen(params, dataclasses.replace(made, columns=names))

    @classmethod
    def reopen(cls, params: _Params, kept: DataModule) -> DataModule:
        def read(given: InputFile, count: int) -> Iterator[Piece]:
            for _, path in given.files(cls.ENDINGS):
                source = cls.DATASET(path, {"x": params.x})
                for start in range(0, len(source), count):
                    rows = np.arange(start, min(start + count, len(source)), dtype=np.int64)
                    yield (), numbers(source.fetch(rows), "x")

        def labelled(given: object) -> tuple[Array, Array] | None:
            if not isinstance(given, InputFile):
                return None
            found = [
                columns(StoredPairs(cls._opened(path, params)), ("x", "y")) for _, path in given.files(cls.ENDINGS)
            ]
            return np.concatenate([one["x"] for one in found]), np.concatenate([one["y"] for one in found])

        return dataclasses.replace(kept, read=read, labelled=labelled)

    @classmethod
    def _opened(cls, path: Path | Url, params: _Params) -> ColumnDataset:
        return cls.DATASET(path, {"x": params.x, "y": params.y}, params.shuffle_groups)


class Parquet(_Columns):
    """Columns of Parquet files, which are read row group by row group: the files may be larger than the memory.

    Example
        >>> import importlib.util, tempfile
        >>> if importlib.util.find_spec("pyarrow"):
        ...     import pyarrow, pyarrow.parquet
        ...     folder = Path(tempfile.mkdtemp())
        ...     table = pyarrow.table({"age": [31.0, 45.0, 27.0], "height": [1.7, 1.8, 1.6], "left": [0, 1, 0]})
        ...     pyarrow.parquet.write_table(table, folder / "train.parquet", row_group_size=2)
        ...     params = Parquet.Params(path=Path("train.parquet"), x=("age", "height"), y="left")
        ...     assert Parquet.build(params, folder).inputs().shape == (2,)
    """

    DATASET, ENDINGS = ParquetDataset, (".parquet",)
    examples = ({"path": "train.parquet", "x": "pixels", "y": "label"},)


class Arrow(_Columns):
    """Columns of Arrow files (IPC, Feather), which are read record batch by record batch.

    Example
        >>> params = pt.builtin.data.Arrow.Params(path=Path("train-*.arrow"), x="pixels", y="label")
        >>> pt.builtin.data.Arrow.build(params, Path()).inputs().shape  # doctest: +SKIP
        (28, 28)
    """

    DATASET, ENDINGS = ArrowDataset, (".arrow", ".feather")
    examples = ({"path": "train.arrow", "x": "pixels", "y": "label"},)
