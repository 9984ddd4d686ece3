"""`pt.fit` in a notebook: a kernel of Jupyter's runs the cells, and what a page shows of their output is read."""

from __future__ import annotations

from typing import Any, NamedTuple

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


class Shown(NamedTuple):
    """What a page was told to show in one place of the output of a cell."""

    cell: int
    data: dict[str, str]


@pytest.fixture(scope="module")
def executed() -> tuple[Any, dict[str, list[Shown]]]:
    """The cells once they have run, and by the names of displays what was shown there, one after the other."""
    seen: dict[str, list[Shown]] = {}

    class Client(nbclient.NotebookClient):  # type: ignore[misc]
        def process_message(self, message: Any, cell: Any, cell_index: int) -> Any:
            if message["msg_type"] in ("display_data", "update_display_data"):
                content = message["content"]
                seen.setdefault(content["transient"]["display_id"], []).append(Shown(cell_index, content["data"]))
            return super().process_message(message, cell, cell_index)

    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code) for code in CELLS])
    Client(notebook, timeout=300, kernel_name="python3", allow_errors=True).execute()
    return notebook.cells, seen


@pytest.fixture
def cells(executed: Any) -> Any:
    return executed[0]


@pytest.fixture
def seen(executed: Any) -> Any:
    return executed[1]


def written(cell: Any) -> str:
    return "".join(one.text for one in cell.outputs if one.output_type == "stream" and one.name == "stdout")


def bars(cell: Any) -> list[Any]:
    return [one for one in cell.outputs if one.output_type == "display_data"]


@pytest.mark.slow
@pytest.mark.parametrize("cell", [1, 2], ids=["a cell", "a cell that awaits"])
def test_one_bar_moves_and_is_empty_in_the_end(cells: Any, seen: dict[str, list[Any]], cell: int) -> None:
    text = written(cells[cell])
    assert "\r" not in text and "\x1b" not in text
    epochs = [line for line in text.splitlines() if line.startswith("epoch")]
    assert [line[:9] for line in epochs] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert all(" train 0." in line or " train 1." in line for line in epochs)
    (bar,) = bars(cells[cell])
    assert bar.data == {"text/plain": "", "text/html": ""}
    assert not [one for one in cells[cell].outputs if one.output_type not in ("stream", "display_data")]
    ((first, *others),) = [updates for updates in seen.values() if updates[0].cell == cell]
    shown = [first.data, *(one.data for one in others[:-1])]
    assert all(one["text/plain"].startswith("epoch ") for one in shown)
    filled = [float(one["text/html"].split('"')[1]) for one in shown]
    assert len(filled) > 3 and filled == sorted(filled) and filled[-1] == 1


@pytest.mark.slow
def test_quiet_cells_write_nothing_and_errors_come_after_an_empty_bar(cells: Any) -> None:
    assert cells[3].outputs == []
    (error,) = [one for one in cells[4].outputs if one.output_type == "error"]
    assert error.ename.endswith("Error") and error.evalue.startswith("[")
    assert all(one.data["text/html"] == "" for one in bars(cells[4]))
    assert written(cells[5]) == "3 (2, 2)\n"
