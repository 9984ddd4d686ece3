"""`evaluate.pos_label`: the class of two that a run's metrics and threshold are about."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, DataModule

RNG = np.random.default_rng(0)
X = RNG.normal(size=(400, 3)).astype("float32")
Y = (X[:, 0] + 0.5 * RNG.normal(size=400) > 1).astype("int64")
NAMED = DataModule("mail", "classification", {"train": ArrayDataset(x=X, y=Y)}, 2, ("spam", "ham"))


def trained(data: Any = (X, Y), classes: int = 2, **settings: Any) -> Any:
    pt.random.seed(0)
    model = pt.nn.Linear(3, classes)
    return pt.fit(model=model, data=data, validation=0.25, epochs=2, lr=0.05, seed=1, verbose=False, **settings)


def refusal(**settings: Any) -> str:
    with pytest.raises(pt.Error) as error:
        trained(**settings)
    return str(error.value)


@pytest.mark.parametrize(
    ("data", "label"), [((X, Y), 0), ((X, Y), "0"), ((X, Y), np.int64(0)), (NAMED, "spam"), (NAMED, 0)]
)
def test_metrics_are_of_the_class_that_is_named(data: Any, label: Any) -> None:
    names = ["f1", "recall", "precision", "average-precision"]
    said = trained(data, metrics=names, pos_label=label).evaluate()["valid"]
    own = [pt.metrics.F1(pos_label=0), pt.metrics.Recall(pos_label=0)]
    wanted = trained(data, metrics=own).evaluate()["valid"]
    assert (said["f1"], said["recall"]) == (wanted["f1"], wanted["recall"])
    second = trained(data, metrics=names).evaluate()["valid"]
    assert all(said[name] != second[name] for name in names)


def test_it_is_kept_with_the_run(tmp_path: Path) -> None:
    done = trained(metrics=["f1"], pos_label=0, folder=tmp_path / "run")
    again = pt.load(tmp_path / "run", model=pt.nn.Linear(3, 2), data=(X, Y))
    assert again.run.recipe.evaluate.pos_label == 0
    assert done.evaluate()["valid"]["f1"] == done.results["valid"]["f1"]


@pytest.mark.parametrize("how", [{"metric": "f1"}, {"cost": 5.0}, {"value": 0.7}])
def test_a_threshold_is_that_of_the_class(how: dict[str, Any]) -> None:
    done = trained(metrics=["recall"], pos_label=0, evaluate={"threshold": how})
    found = done.results["decision"]["threshold"]
    said = done.predict(X)
    assert found["label"] == "0"
    np.testing.assert_array_equal(said.labels == 0, said.probabilities[:, 0] > found["value"])


def test_a_missed_one_of_the_class_is_what_costs() -> None:
    few, many = (
        trained(pos_label=0, metrics=["f1"], evaluate={"threshold": {"cost": cost}}).results["decision"]["threshold"][
            "value"
        ]
        for cost in (5.0, 0.2)
    )
    assert few < 0.5 < many


def test_what_names_none_of_two_classes_is_refused() -> None:
    assert refusal(metrics=["f1"], pos_label="eggs", data=NAMED) == (
        "[evaluate.pos_label] received 'eggs'; expected one of the classes spam, ham; write one of them"
    )
    assert refusal(metrics=["f1_macro"], pos_label=0, data=(X, np.arange(400) % 3), classes=3) == (
        "[evaluate.pos_label] received 0 for 3 classes; expected it with two classes; leave it out, and average over "
        "classes with f1_macro"
    )


@pytest.mark.parametrize("metrics", [["accuracy"], ["f1_macro"], None, [pt.metrics.F1()]])
def test_where_nothing_reads_it_it_is_refused(metrics: Any) -> None:
    assert refusal(metrics=metrics, pos_label=0) == (
        "[evaluate.pos_label] received 0, and no metric that is about one class; expected one by name, such as f1; "
        'write metrics = ["f1"], or leave it out; a metric object has its own: pt.metrics.F1(pos_label=0)'
    )


def test_it_is_found_in_one_place(monkeypatch: pytest.MonkeyPatch) -> None:
    from powertrain.train.run import evaluations

    found: list[int] = []

    def counted(recipe: Any, dataset: Any) -> int:
        found.append(positive_class(recipe, dataset))
        return found[-1]

    positive_class = evaluations.positive_class
    monkeypatch.setattr(evaluations, "positive_class", counted)
    trained(metrics=["f1"], pos_label=0, evaluate={"threshold": {"metric": "f1"}}, report={"groups": []})
    assert found == [0]
