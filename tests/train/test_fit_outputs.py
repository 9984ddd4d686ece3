"""What pt.fit makes of one score for two classes, of batches in which nothing counts, and of names that are numbers,
and which weights answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.train.evaluate.predictions import Form, Predictions

PLAIN: dict[str, Any] = {"report": {"baseline": False}, "verbose": False, "epochs": 2, "batch_size": 8, "lr": 0.05}
DRAW = np.random.default_rng(1)
X = DRAW.normal(size=(32, 3)).astype(np.float32)
Y = (X[:, 0] > 0).astype(int)


@pytest.mark.parametrize(
    "loss", ["bce", lambda o, t: F.binary_cross_entropy_with_logits(o[:, 0], t.astype("float32"), reduction="none")]
)
def test_one_score_for_two_classes_is_refused(loss: Any) -> None:
    with pytest.raises(pt.ShapeError) as caught:
        pt.fit(model=pt.nn.Linear(3, 1), data=(X, Y), loss=loss, validation=0.25, **PLAIN)
    assert str(caught.value) == (
        "[model] gives [1] for each example of 2 classes; expected a score for each class; end it with "
        "pt.nn.Linear(..., 2)"
    )


@pytest.mark.parametrize("accumulate", [1, 2])
def test_batches_in_which_nothing_counts_change_nothing(accumulate: int) -> None:
    weight = np.zeros(32)
    weight[:3] = 1

    def fitted(x: Any, y: Any, weight: Any, batch: int, accumulate: int) -> Any:
        model = pt.nn.Linear(3, 2, generator=pt.random.Generator(4))
        made = {"use": "sgd", "lr": 0.1, "accumulate": accumulate}
        settings = {**PLAIN, "batch_size": batch, "optimizer": made, "epochs": 1}
        del settings["lr"]
        return pt.fit(model=model, data=(x, y), sample_weight=weight, **settings).model.weight.numpy()

    found = fitted(X, Y, weight, 1, accumulate)
    assert np.isfinite(found).all()
    if accumulate == 1:  # one row at a time, in some order: the updates of the others are none
        moved = fitted(X, Y, np.zeros(32) + (np.arange(32) == 0), 1, 1)
        assert np.isfinite(moved).all() and not np.array_equal(moved, found)


@pytest.mark.parametrize("weight", [0, 0.0, pt.tensor(0.0), pt.tensor(0)])
@pytest.mark.parametrize("accumulate", [1, 2])
def test_gradients_of_no_weight_are_zero(weight: Any, accumulate: int) -> None:
    layer = pt.nn.Linear(2, 1)
    before = layer.weight.numpy().copy()
    opt = pt.optim.SGD(layer, lr=0.1, accumulate=accumulate)
    for _ in range(accumulate):
        opt.update({"weight": pt.zeros((2, 1)), "bias": pt.zeros((1,))}, weight=weight)
    assert np.array_equal(layer.weight.numpy(), before) and opt.updates.value.item() == 1


@pytest.mark.parametrize(
    ("names", "labels"),
    [
        (("1", "2", "3"), [3, 1]),
        (("-1", "0", "1"), [1, -1]),
        (("2019", "2020", "2021"), [2021, 2019]),
        (("01", "2", "3"), ["3", "01"]),
        (("1.0", "2.0", "3.0"), ["3.0", "1.0"]),
        (("1", "b", "3"), ["3", "1"]),
        (("1", "2", "99999999999999999999"), ["99999999999999999999", "1"]),
    ],
)
def test_labels_compare_with_the_column_that_they_are_of(names: tuple[str, ...], labels: list[Any]) -> None:
    said = Predictions(np.array([[0.0, 1.0, 2.0], [3.0, 1.0, 2.0]]), Form(names))
    assert said.labels.tolist() == labels and (said.labels == np.array(labels)).all()
    assert said.labels.dtype == (np.int64 if isinstance(labels[0], int) else np.dtype(f"<U{max(map(len, names))}"))
    assert [row["label"] for row in said] == list(map(str, labels)), "rows and tables have texts"


def test_a_finished_run_that_stopped_early_predicts_with_its_best_weights(tmp_path: Path) -> None:
    given: Any = {
        "epochs": 40, "optimizer": {"use": "adam", "lr": 0.02}, "folder": tmp_path / "run", "verbose": False,
        "run": {"stop": {"watch": "loss", "patience": 2}}, "report": {"baseline": False},
    }  # fmt: skip
    first = pt.fit("digits", **given)
    again = pt.fit("digits", **given, resume=True)
    x = np.random.default_rng(0).integers(0, 17, (5, 8, 8)).astype("float32")
    wanted = first.predict(x).outputs
    assert again.predict(x).outputs.tobytes() == wanted.tobytes()
    assert pt.load(tmp_path / "run").predict(x).outputs.tobytes() == wanted.tobytes()
