"""Tasks are open: the engine's four are plugins like a stranger's, which brings loss, metrics, baselines and pages."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_plugin_docs import PAGES, files

import powertrain as pt
import requirements
from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Task
from powertrain.plugin.registry import PluginError
from powertrain.plugin.tasks import OWN, task_of
from powertrain.train.folder.run_folder import RunError
from running import results, run

ROOT = Path(__file__).parents[2]


def test_the_tasks_of_the_engine_are_entry_points() -> None:
    read = requirements.read(ROOT / "pyproject.toml")["project"]["entry-points"]["powertrain.v1.task"]
    assert read == OWN
    tasks = [type(task_of(name)) for name in OWN]
    assert [f"{task.__module__}:{task.__name__}" for task in tasks] == list(OWN.values())


def test_a_task_that_nobody_offers_is_named() -> None:
    data = DataModule("d", "clasification", {"train": ArrayDataset(x=np.zeros((2, 1)))}, 2)
    with pytest.raises(PluginError) as caught:
        assert data.kind
    assert str(caught.value).startswith("no such task clasification; ")


def test_a_task_of_ones_own_trains_from_a_recipe_to_a_report(tmp_path: Path) -> None:
    """The page of the documentation: check, loss, baselines, headline, sections and answers are the task's."""
    page = next(path for path in PAGES if path.stem == "task")
    for name, text in files(page).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    done = run(["train", "mine.toml", "--run", "a", "--json"], tmp_path)
    found = results(done)
    assert found["baselines"][0]["how"] == "always the mean share"
    assert set(found["test"]) == {"loss", "mae"} and found["test"]["loss"] < found["baselines"][0]["value"]
    report = (tmp_path / "a" / "report.html").read_text(encoding="utf-8")
    assert "<h2>Shares</h2>" in report and "are above one half." in report
    np.save(tmp_path / "x.npy", np.array([[2.0, 0.0], [-2.0, 0.0]], np.float32))
    answers = [json.loads(line) for line in run(["predict", "a", "x.npy", "--json"], tmp_path).stdout.splitlines()]
    assert answers[0]["share"] > 0.8 and answers[1]["share"] < 0.2
    wrong = (tmp_path / "task.py").read_text(encoding="utf-8").replace("x=x, y=y)", "x=x, y=y * 3)")
    (tmp_path / "task.py").write_text(wrong, encoding="utf-8")
    said = run(["train", "mine.toml", "--run", "b"], tmp_path, expect=2).stderr
    assert said.startswith("[shares] targets from ") and "; expected 0 to 1; divide them" in said


class Bare(Task):
    """Nothing but a name."""


def test_a_task_without_a_usual_loss_asks_for_one() -> None:
    x = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
    data = DataModule("rows", "bare", {"train": ArrayDataset(x=x, y=x[:, :1])}, 1, own_task=Bare())
    settings: dict[str, Any] = {"data": data, "epochs": 1, "verbose": False, "report": {"baseline": False}}
    with pytest.raises(RunError) as caught:
        pt.fit(model=pt.nn.Linear(3, 1), **settings)
    assert str(caught.value) == (
        '[loss] rows is a bare task, which has no usual loss; expected one; for example loss = "cross-entropy"'
    )
    trained = pt.fit(model=pt.nn.Linear(3, 1), loss="mse", **settings)
    assert set(trained.results["train"]) == {"loss"} and trained.results["baselines"] == []
