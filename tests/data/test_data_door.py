"""Data that split themselves and put pages into the report; models that another library fits."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from powertrain.builtin.models import NearestMean
from powertrain.plugin import Inputs
from powertrain.recipe import load_recipe
from powertrain.recipe.source import RecipeError
from running import results, run

DATA = """
from dataclasses import dataclass, field
import numpy as np
from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Section
from powertrain.plugin import Data, param

@dataclass(frozen=True)
class Split:
    odd: bool = param(False, doc="the test part")

class Own(Data):
    @dataclass(frozen=True)
    class Params:
        rows: int = param(80, low=8)
        split: Split = field(default_factory=Split)

    @classmethod
    def build(cls, params, base):
        y = np.arange(params.rows) % 4 // 2
        x = np.stack([y + 0.1 * (np.arange(params.rows) % 3), np.ones(params.rows)], axis=1).astype(np.float32)
        where = np.arange(params.rows) % 2 == int(params.split.odd)
        parts = {"train": ArrayDataset(x=x[~where], y=y[~where]), "test": ArrayDataset(x=x[where], y=y[where])}
        page = Section("How it was cut", ("odd & even",), (("part", "rows"), ("test", str(where.sum()))),
                       lambda figure: figure.add_subplot().plot([1, 2]))
        return DataModule("own", "classification", parts, 2, sections=(page,))
"""
RECIPE = """\
data     = { use = "./own.py:Own", rows = 40, split = { odd = true } }
model    = "nearest-mean"
run      = { until = "1 round" }
report   = { baseline = false }
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own.py").write_text(DATA)
    (tmp_path / "own.toml").write_text(RECIPE)
    return tmp_path


def test_a_data_set_with_a_split_of_its_own_gets_the_table(folder: Path) -> None:
    recipe = load_recipe(str(folder / "own.toml"))
    assert recipe.data["train"].params.split.odd and recipe.split.test == 0
    wrong = RECIPE.replace("odd = true", "test = 0.5")
    (folder / "wrong.toml").write_text(wrong)
    with pytest.raises(RecipeError) as raised:
        load_recipe(str(folder / "wrong.toml"))
    assert str(raised.value) == "[wrong.toml:1 data.split.test] no such parameter of split; expected odd"


def test_its_pages_are_in_the_report_and_a_fitted_model_is_evaluated_again(folder: Path) -> None:
    made = results(run(["train", "own.toml", "--run", "r", "--json"], folder))
    assert made["test"]["accuracy"] == 1
    page = (folder / "r" / "report.html").read_text(encoding="utf-8")
    assert "<h2>How it was cut</h2><p>odd &amp; even</p>" in page
    assert "<tr><th>part</th><th>rows</th></tr><tr><td>test</td><td>20</td></tr>" in page
    again = json.loads(run(["evaluate", "r", "--json"], folder).stdout)
    assert again["test"] == made["test"]
    resumed = run(["train", "own.toml", "--run", "r", "--resume"], folder)
    assert "nothing to do" in resumed.stdout


def test_a_model_with_slots_is_not_fitted_as_a_whole(folder: Path) -> None:
    (folder / "own.toml").write_text(RECIPE.replace('"nearest-mean"', '"linear"\nstrategy = "fitted"'))
    done = run(["train", "own.toml", "--run", "r"], folder, expect=2)
    assert done.stderr.strip() == (
        "[fitted] the model LinearModel has slots; expected a powertrain.plugin.HostModel, which fits itself; leave "
        "strategy out of the recipe"
    )


def test_the_nearest_mean_is_that_of_the_class() -> None:
    model = NearestMean.build(NearestMean.Params(), Inputs("classification", (2,), 3))
    x, y = np.array([[0, 0], [2, 0], [10, 10]], np.float32), np.array([0, 0, 1])
    state = model.load(model.dump(model.fit({"x": x, "y": y}, None)))
    assert state.tolist() == [[1, 0], [10, 10], [0, 0]]
    assert model.answer(state, x[:1]).tolist() == [[-0.5, -100, 0]]
