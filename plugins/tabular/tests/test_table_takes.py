"""What a table needs to encode rows in memory: the columns of the file, by what each holds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyarrow", reason="pyarrow reads tables")

from powertrain_tabular.encoding import Encode
from powertrain_tabular.table import Table


def test_columns_are_named_by_what_they_hold(tmp_path: Path) -> None:
    lines = ["age,income,city,since,same,bought"]
    for row in range(90):
        lines.append(f"{20 + row % 40},{row * 0.5},{('Bonn', 'Ulm')[row % 2]},2024-01-{1 + row % 28:02},7,{row % 3}")
    (tmp_path / "people.csv").write_text("\n".join(lines) + "\n")
    encode = Encode(combine=("income/age",))
    table = Table.build(Table.Params(path=Path("people.csv"), target="bought", encode=encode), tmp_path)
    # `same` never varies, so nothing was learned from it; a quotient needs both of its columns.
    assert table.takes == {"age": "number", "income": "number", "city": "category", "since": "date"}
    assert table.encode is not None
    row = {"age": [31], "income": [2.5], "city": ["Bonn"], "since": [np.datetime64("2024-01-07", "s")]}
    assert table.encode(row).shape == (1, len(table.columns))
