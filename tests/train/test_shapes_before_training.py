"""Outputs, losses, targets and metrics that do not fit each other are refused before anything is trained."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, DataModule
from powertrain.plugin import Metric

X = np.random.default_rng(0).normal(size=(48, 5)).astype("float32")
CLASSES = np.arange(48) % 4
NUMBERS = X[:, 0]
HOW: dict[str, Any] = {"epochs": 1, "batch_size": 16, "verbose": False}


def squared(output: Any, target: Any) -> Any:
    return (output - target) ** 2


def of_each(output: Any, target: Any) -> Any:
    return pt.mean((output - target) ** 2, axis=-1)


class Shapes(Metric):
    """A metric of one's own, with an error of Python's."""

    def measure(self, prediction: Any, target: Any, weight: Any = None) -> Any:
        if prediction.shape != target.shape:
            raise ValueError(f"{prediction.shape} and {target.shape}")
        return np.ones(2)


NAMED = DataModule("named", "classification", {"train": ArrayDataset(x=X, y=CLASSES)}, 4, ("a", "b", "c", "d"))
SCORES = "expected a score for each class; end it with pt.nn.Linear(..., 4)"


@pytest.mark.parametrize(
    ("outputs", "data", "settings", "kind", "said"),
    [
        (6, NAMED, {}, pt.ShapeError, f"[model] gives [6] for each example of 4 classes; {SCORES}, or give data "
         "of 6 classes, as pt.data.DataModule(..., outputs=6)"),
        (3, (X, CLASSES), {}, pt.ShapeError, f"[model] gives [3] for each example of 4 classes; {SCORES}"),
        (1, (X, CLASSES % 2), {}, pt.ShapeError, "[model] gives [1] for each example of 2 classes; expected a score "
         "for each class; end it with pt.nn.Linear(..., 2)"),
        (4, (X, CLASSES), {"metrics": ["f1"]}, pt.metrics.MetricError, "[f1] class 3 with average = 'binary'; expected "
         "classes 0 and 1; write average='macro', or the metric f1_macro in a recipe"),
        (3, (X, NUMBERS), {}, pt.ShapeError, "[mse] output is [64, 3], target is [64]; expected one shape; end the "
         "model with one output, or give classes as whole numbers, y.astype(\"int64\")"),
        (3, (X, NUMBERS[:, None]), {"loss": of_each}, pt.metrics.MetricError, "[mse] predictions [64, 3], targets "
         "[64, 1]; expected one shape; check the number of outputs of the model"),
        (1, (X, NUMBERS), {"loss": squared}, pt.ShapeError, "[loss] gives [64, 64] for outputs [64, 1] and targets "
         "[64], each output with each target; expected one value per example; bring them to one shape, as output[:, "
         "0]"),
        (4, (X, X[:, :3]), {"loss": "bce"}, pt.ShapeError, "[bce] output is [64, 4], target is [64, 3]; expected one "
         "shape; check the number of outputs of the model"),
        (3, (X, X[:, :1]), {"loss": of_each, "metrics": [Shapes()]}, ValueError, "(64, 3) and (64, 1)"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("validation", [None, 0.25])
def test_what_does_not_fit(
    outputs: int, data: Any, settings: dict[str, Any], kind: type[Exception], said: str, validation: float | None
) -> None:
    model = pt.nn.Linear(5, outputs)
    before = model.weight.numpy()
    with pytest.raises(kind) as caught:
        pt.fit(model=model, data=data, validation=validation, **settings, **HOW)
    assert str(caught.value) == said
    assert np.array_equal(model.weight.numpy(), before), "a step was made"


NET = """
import powertrain as pt


class Net(pt.plugin.Model):
    def __init__(self):
        super().__init__()
        self.layer = pt.nn.Linear(64, OUTPUTS)

    @classmethod
    def build(cls, params, inputs):
        return cls()

    def forward(self, x):
        return self.layer(pt.reshape(x, (x.shape[0], -1)))
"""


@pytest.mark.parametrize("outputs", [9, 12])
def test_a_recipe(outputs: int, tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET.replace("OUTPUTS", str(outputs)), encoding="utf-8")
    recipe = tmp_path / "own.toml"
    recipe.write_text(
        'data = { use = "digits", split = { test = 0.2 } }\nmodel = "./net.py:Net"\noptimizer = { use = "sgd" }\n'
        'run = { until = "1 epochs", batch_size = 64 }\n',
        encoding="utf-8",
    )
    folder = tmp_path / "run"
    with pytest.raises(pt.ShapeError, match=rf"^\[model\] gives \[{outputs}\] for each example of 10 classes; "):
        pt.fit(str(recipe), folder=folder, verbose=False)
    assert not (folder / "run.json").exists(), "what is refused leaves no run behind"


class Picky(Metric):
    """It refuses what a model never gives: numbers that all are above 0."""

    def measure(self, prediction: Any, target: Any, weight: Any = None) -> Any:
        if (prediction > 0).all():
            raise pt.metrics.MetricError("[picky] they are all above 0")
        return np.ones(2)


def test_a_metric_that_takes_the_models_outputs_alone_is_no_mistake() -> None:
    assert pt.fit(model=pt.nn.Linear(5, 4), data=(X, CLASSES), metrics=[Picky()], **HOW).finished


def test_classes_may_be_named_that_the_data_lack() -> None:
    train = pt.data.ArrayDataset(x=X, y=CLASSES)
    data = pt.data.DataModule("mine", "classification", {"train": train}, outputs=6)
    assert pt.fit(model=pt.nn.Linear(5, 6), data=data, **HOW).finished


def test_what_is_tried_before_changes_no_bit() -> None:
    made = []
    for metrics in (["accuracy"], [Picky()]):  # without and with outputs of the model itself
        pt.random.seed(3)
        model = pt.nn.Sequential(pt.nn.Linear(5, 8), pt.nn.BatchNorm1d(8), pt.nn.Dropout(0.5), pt.nn.Linear(8, 4))
        made.append(pt.fit(model=model, data=(X, CLASSES), metrics=metrics, **HOW).results["hash"])
    assert made[0] == made[1]
