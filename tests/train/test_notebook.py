"""`pt.fit` in a notebook: a kernel of Jupyter's runs the cells, and what a page shows of their output is read."""

from __future__ import annotations

from typing import Any

import pytest

nbclient = pytest.importorskip("nbclient", reason="nbclient runs the cells; pip install nbclient ipykernel")
nbformat = pytest.importorskip("nbformat", reason="nbformat holds the cells; pip install nbclient ipykernel")
pytest.importorskip("ipykernel", reason="ipykernel runs the cells; pip install nbclient ipykernel")

HEAD = """
import numpy as np, powertrain as pt
x = np.random.default_rng(0).normal(size=(4096, 16)).astype("float32")
y = (x[:, 0] > 0).astype("int64")
def net(): return pt.nn.Sequential(pt.nn.Linear(16, 64), pt.nn.ReLU(), pt.nn.Linear(64, 2))
def train(**more): return pt.fit(model=net(), data=(x, y), epochs=3, batch_size=8, report={"baseline": False}, **more)
"""
CELLS = [
    HEAD,
    "run = train()",
    "async def later():\n    return train()\nrun = await later()",  # in the loop of events that the kernel runs
    "run = train(verbose=False)",
    "x[0, 0] = float('nan')\ntrain()",
    "print(len(run.history), run.predict(x[1:3]).outputs.shape)",
]


@pytest.fixture(scope="module")
def cells() -> Any:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS])
    nbclient.NotebookClient(notebook, timeout=300, kernel_name="python3", allow_errors=True).execute()
    return notebook.cells


def written(cell: Any) -> str:
    return "".join(one.text for one in cell.outputs if one.output_type == "stream" and one.name == "stdout")


def shown(text: str) -> list[str]:
    """What a page shows: after a carriage return a line is written over."""
    lines = []
    for line in text.split("\n"):
        now = ""
        for part in line.split("\r"):
            now = part + now[len(part) :]
        lines.append(now.rstrip())
    return lines


@pytest.mark.slow
@pytest.mark.parametrize("cell", [1, 2], ids=["a cell", "a cell that awaits"])
def test_one_line_moves_and_none_is_left(cells: Any, cell: int) -> None:
    text = written(cells[cell])
    assert all(one.output_type == "stream" and one.name == "stdout" for one in cells[cell].outputs)
    assert text.count("\repoch") > 3 and "\x1b" not in text
    lines = shown(text)
    epochs = [line for line in lines if line.startswith("epoch")]
    assert [line[:9] for line in epochs] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert all(" train 0." in line or " train 1." in line for line in epochs)
    assert lines[-1] == "" and "" not in lines[:-1]


@pytest.mark.slow
def test_quiet_cells_write_nothing_and_errors_come_behind_a_whole_line(cells: Any) -> None:
    assert cells[3].outputs == []
    (error,) = [one for one in cells[4].outputs if one.output_type == "error"]
    assert error.ename.endswith("Error") and error.evalue.startswith("[")
    assert shown(written(cells[4]))[-1] == ""
    assert shown(written(cells[5])) == ["3 (2, 2)", ""]
