"""Tables in the order of time: prices of electricity (elec2, Harries 1999)."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from powertrain.data import ArrayDataset, DataError, DataModule, data_folders, find_files, max_input_bytes, open_file
from powertrain.plugin import Data, param
from powertrain_tabular.named import HOW

HEAD = ("feat_1", "feat_2", "feat_3", "feat_4", "feat_5", "feat_6", "target")
# What the columns are, by the description of the data; the file numbers them.
COLUMNS = ("period", "nswprice", "nswdemand", "vicprice", "vicdemand", "transfer")


@dataclass(frozen=True)
class ElectricityParams:
    path: Path | None = param(None, doc="the folder of elec.csv; else $POWERTRAIN_DATA")
    most: int | None = param(None, low=2, doc="half hours from the first on; all where it is left out")


class Electricity(Data):
    """45,312 half hours of an electricity market, 1996 to 1998: whether the price rises above its mean of a day."""

    Params: ClassVar[type] = ElectricityParams

    @classmethod
    def build(cls, params: ElectricityParams, base: Path) -> DataModule:
        folders = [base / params.path] if params.path else data_folders("electricity")
        (path,) = find_files(("elec.csv",), folders, "electricity", HOW)
        rows = _numbers(path)[: params.most]
        train = ArrayDataset(x=rows[:, :-1].astype(np.float32), y=rows[:, -1].astype(np.int64))
        labels = ("down", "up")
        return DataModule("electricity", "classification", {"train": train}, 2, labels=labels, columns=COLUMNS)


def _numbers(path: Path) -> NDArray[np.float64]:
    with open_file(path, "electricity") as file:
        content = file.read(max_input_bytes())
    try:
        head, *lines = csv.reader(content.decode("ascii").splitlines())
        if tuple(head) != HEAD:
            raise ValueError(f"it begins with {', '.join(head)[:80]}")
        rows = np.array(lines, dtype=np.float64)
        if rows.shape[1:] != (len(HEAD),) or not np.isin(rows[:, -1], (0, 1)).all():
            raise ValueError("a row has other columns, or a target that is neither 0 nor 1")
        return rows
    except (ValueError, csv.Error) as error:
        raise DataError(
            "electricity", f"{path}: {error}", f"expected a table with {', '.join(HEAD)}", "fetch it again"
        ) from None
