"""Labels in arrays show some of the classes: a model with scores for more says how many there are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt

RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(120, 4)).astype("float32"), np.arange(120) % 3


def net(outputs: int) -> Any:
    return pt.nn.Linear(4, outputs)


def trained(outputs: int = 5, data: Any = (X, Y), **settings: Any) -> Any:
    return pt.fit(model=net(outputs), data=data, **{"epochs": 1, "verbose": False, **settings})


def test_scores_of_classes_without_a_label_are_classes(tmp_path: Path) -> None:
    run = trained(validation=0.25, folder=tmp_path / "run", metrics=["accuracy", "f1_macro", "auc"])
    said = run.predict(X)
    assert said.probabilities.shape == (120, 5) and list(said.classes) == ["0", "1", "2", "3", "4"]
    assert run.evaluate((X, np.full(120, 4)))["accuracy"] <= 1
    again = pt.load(tmp_path / "run", model=net(5), data=(X, Y))
    np.testing.assert_array_equal(again.predict(X).outputs, said.outputs)
    further = trained(validation=0.25, folder=tmp_path / "run", metrics=["accuracy", "f1_macro", "auc"], epochs=2,
                      resume=True)  # fmt: skip
    assert further.finished


def test_held_out_labels_and_weights_may_name_further_classes() -> None:
    assert "4" in trained(validation=(X[:9], np.full(9, 4))).predict(X).classes
    assert trained(class_weight=[1.0] * 5).finished
    assert trained(class_weight={4: 2.0}).finished
    assert trained(class_weight="balanced").finished


def test_arrays_of_a_file_have_open_classes_too(tmp_path: Path) -> None:
    np.savez(tmp_path / "points.npz", x=X, y=Y)
    assert trained(data={"use": "arrays", "path": str(tmp_path / "points.npz")}).predict(X).outputs.shape == (120, 5)


def test_fewer_scores_than_labels_are_refused() -> None:
    with pytest.raises(pt.ShapeError) as error:
        trained(2)
    assert str(error.value).startswith("[model] gives [2] for each example of 3 classes;")


def test_classes_of_names_are_as_many_as_the_names() -> None:
    class Named(pt.data.Dataset):
        classes = ("a", "b", "c")

        def __len__(self) -> int:
            return len(X)

        def __getitem__(self, index: int) -> Any:
            return X[index], Y[index]

    with pytest.raises(pt.ShapeError, match=r"gives \[5\] for each example of 3 classes"):
        trained(data=Named())


@pytest.mark.parametrize("loss", [None, pt.nn.CrossEntropyLoss()])
def test_a_softmax_at_the_end_of_the_model_is_refused(loss: Any) -> None:
    model = pt.nn.Sequential(net(3), pt.nn.Softmax(dim=-1))
    before = model[0].weight.numpy()
    with pytest.raises(pt.DTypeError) as error:
        pt.fit(model=model, data=(X, Y), loss=loss, epochs=1, verbose=False)
    assert str(error.value) == (
        "[model] gives probabilities, each row from 0 to 1 and 1 in sum; expected logits, or LogSoftmax of them, for "
        "this loss; leave Softmax out at the end of the model: run.predict(x).probabilities has them"
    )
    np.testing.assert_array_equal(model[0].weight.numpy(), before)


@pytest.mark.parametrize("loss", [None, pt.nn.NLLLoss(), pt.nn.functional.nll_loss])
def test_logarithms_of_shares_are_logits(loss: Any) -> None:
    model = pt.nn.Sequential(net(3), pt.nn.LogSoftmax(dim=-1))
    run = pt.fit(model=model, data=(X, Y), loss=loss, epochs=1, verbose=False)
    np.testing.assert_allclose(run.predict(X).probabilities, np.exp(run.predict(X).outputs), rtol=1e-5)


@pytest.mark.parametrize("loss", [pt.nn.CrossEntropyLoss(label_smoothing=0.1), pt.nn.functional.cross_entropy])
def test_the_cross_entropy_of_nn_gives_probabilities(loss: Any) -> None:
    shares = trained(3, loss=loss).predict(X).probabilities
    np.testing.assert_allclose(shares.sum(axis=1), 1, rtol=1e-5)
