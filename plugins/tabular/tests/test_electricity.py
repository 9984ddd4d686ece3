"""The electricity stream: it stands in the order of the file, and a file that is no such table is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from powertrain.data import DataError
from powertrain_tabular.streams import HEAD, Electricity, ElectricityParams

HOURS = ["0.0,0.1,0.2,0.3,0.4,0.5,1", "0.02,0.2,0.3,0.4,0.5,0.6,0", "0.04,0.3,0.4,0.5,0.6,0.7,1"]


def write(folder: Path, *lines: str, head: str = ",".join(HEAD)) -> ElectricityParams:
    (folder / "elec.csv").write_text("\n".join([head, *lines]) + "\n")
    return ElectricityParams(path=folder)


def test_rows_stand_as_in_the_file(tmp_path: Path) -> None:
    made = Electricity.build(write(tmp_path, *HOURS), tmp_path)
    fields = made.train.fetch(np.arange(3))
    assert fields["y"].tolist() == [1, 0, 1] and fields["x"][:, 0].tolist() == pytest.approx([0.0, 0.02, 0.04])
    assert made.labels == ("down", "up") and len(made.columns) == made.inputs().shape[0] == 6
    some = Electricity.build(ElectricityParams(path=tmp_path, most=2), tmp_path)
    assert len(some.train) == 2


@pytest.mark.parametrize(
    "lines, head",
    [
        (HOURS, "a,b"),
        (["0.0,0.1,0.2,0.3,0.4,0.5,2"], ",".join(HEAD)),
        (["0.0,0.1"], ",".join(HEAD)),
        (["0.0,0.1,0.2,x,0.4,0.5,1"], ",".join(HEAD)),
        ([], ",".join(HEAD)),
    ],
)
def test_another_file_is_refused(tmp_path: Path, lines: list[str], head: str) -> None:
    with pytest.raises(DataError, match=r"\[electricity\].*expected a table with feat_1, .*; fetch it again"):
        Electricity.build(write(tmp_path, *lines, head=head), tmp_path)


def test_a_gap_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="NaN in row 0"):
        Electricity.build(write(tmp_path, "nan,0.1,0.2,0.3,0.4,0.5,1"), tmp_path)
