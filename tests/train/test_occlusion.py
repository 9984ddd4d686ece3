"""`run.explain(method="occlusion")`: what is gone of an answer without a column."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.folder.run_folder import RunError
from rows_run import train_rows
from running import run

COLUMNS = 4


def rows(count: int, seed: int = 0) -> tuple[Any, Any]:
    x = np.random.default_rng(seed).normal(size=(count, COLUMNS)).astype(np.float32)
    return x, (x @ np.array([3.0, -2.0, 0.5, 0.0])).astype(np.float32)


@pytest.fixture(scope="module")
def linear() -> pt.TrainedRun:
    return pt.fit(model=pt.nn.Linear(COLUMNS, 1), data=rows(200), epochs=20, lr=0.05, batch_size=50, verbose=False)


@pytest.fixture(scope="module")
def classes() -> pt.TrainedRun:
    x, y = rows(200)
    labels = np.digitize(y, [-1.0, 1.0])
    return pt.fit(model=pt.nn.Linear(COLUMNS, 3), data=(x, labels), epochs=20, lr=0.05, batch_size=50, verbose=False)


def test_a_column_of_a_linear_model_adds_its_weight_times_its_distance(linear: pt.TrainedRun) -> None:
    x, others = rows(5, seed=1)[0], rows(7, seed=2)[0]
    found = linear.explain(x, method="occlusion", baseline=others)
    weight = linear.model.weight.numpy()[:, 0]
    np.testing.assert_allclose(np.stack(found.values), weight * (x - others.mean(axis=0)), atol=1e-5)
    np.testing.assert_allclose(found.outputs, linear.predict(x).values, atol=1e-5)
    assert found.of == ("the answer",) * 5 and found.parts[0] == tuple(f"column {at}" for at in range(COLUMNS))
    assert repr(found) == "Occlusion(5 examples, 20 parts)"


def test_without_others_columns_take_values_of_examples_that_the_run_keeps(linear: pt.TrainedRun) -> None:
    x = rows(3, seed=1)[0]
    found = linear.explain(x, method="occlusion")
    weight = linear.model.weight.numpy()[:, 0]
    kept = x[:, :3] - np.stack(found.values)[:, :3] / weight[:3]  # the mean of what took the place of each column
    np.testing.assert_allclose(kept, np.broadcast_to(kept[0], kept.shape), atol=1e-4)
    assert np.abs(kept).max() < 1


def test_an_output_is_chosen_by_name_or_number_and_else_the_largest(classes: pt.TrainedRun) -> None:
    x = rows(4, seed=1)[0]
    answers = classes.predict(x).outputs
    largest = classes.explain(x, method="occlusion")
    assert largest.of == tuple(str(at) for at in answers.argmax(axis=1))
    np.testing.assert_allclose(largest.outputs, answers.max(axis=1), atol=1e-5)
    first, named = (classes.explain(x, method="occlusion", of=of) for of in (0, "0"))
    np.testing.assert_array_equal(first.outputs, named.outputs)
    np.testing.assert_allclose(first.outputs, answers[:, 0], atol=1e-5)
    assert next(iter(first.lines())).startswith("0: column ")


def test_the_command_says_what_counts(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    x, y = rows(200)
    train_rows(tmp_path, x, y)
    np.save(tmp_path / "x.npy", x[:2])
    said = run(["explain", "run", "x.npy", "--method", "occlusion"], tmp_path).stdout.splitlines()
    assert said[0] == "Occlusion(2 examples, 8 parts)" and len(said) == 4
    assert said[1].count("column ") == COLUMNS and said[1].startswith("the answer: ")
    assert (tmp_path / "run" / "explain-occlusion.svg").exists()


def test_what_cannot_be_hidden_says_why(linear: pt.TrainedRun) -> None:
    pictures = pt.fit(
        model=pt.nn.Sequential(pt.nn.Flatten(), pt.nn.Linear(16, 2)),
        data=(np.zeros((40, 4, 4), np.float32), np.arange(40) % 2), epochs=1, verbose=False,
    )  # fmt: skip
    with pytest.raises(RunError, match=r"examples of shape \[4, 4\]; expected rows of columns, or texts"):
        pictures.explain(np.zeros((2, 4, 4), np.float32), method="occlusion")
    with pytest.raises(RunError, match=r"received no examples; expected some to explain by occlusion"):
        linear.explain(None, method="occlusion")  # type: ignore[call-overload]
    with pytest.raises(RunError, match=r"received of=3; expected an output from 0 to 0"):
        linear.explain(rows(1)[0], method="occlusion", of=3)
