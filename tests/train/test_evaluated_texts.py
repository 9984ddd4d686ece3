"""A language model is judged by its losses and likeliest words: the scores of a whole vocabulary stay in the step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.evaluate.evaluation import Evaluator, likeliest

RECIPE = {
    "model": {"use": "gpt", "layers": 1, "width": 16, "heads": 2}, "optimizer": {"use": "sgd", "lr": 0.5},
    "run": {"until": "20 steps", "batch_size": 8}, "report": {"baseline": False},
}  # fmt: skip


def recipe(folder: Path, **more: Any) -> dict[str, Any]:
    (np.arange(4000) ** 2 % 11).astype("<u2").tofile(folder / "train.bin")
    data = {"use": "tokens", "path": str(folder / "train.bin"), "vocabulary": 11, "context": 8, "test": 0.1}
    return {"data": data, **RECIPE, **more}


def test_accuracy_is_that_of_the_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shapes: list[tuple[int, ...]] = []
    inner = Evaluator._measured

    def noted(self: Evaluator, batch: Any) -> Any:
        found = inner(self, batch)
        shapes.append(found[0].shape)
        return found

    monkeypatch.setattr(Evaluator, "_measured", noted)
    words = pt.fit(recipe(tmp_path), folder=tmp_path / "words", verbose=False).results
    assert {shape[1:] for shape in shapes} == {(8,)}
    shapes.clear()
    more = {"evaluate": {"metrics": ["accuracy", "top-k-accuracy"]}}
    scores = pt.fit(recipe(tmp_path, **more), folder=tmp_path / "scores", verbose=False).results
    assert {shape[1:] for shape in shapes} == {(8, 11)}
    assert words["test"]["accuracy"] == scores["test"]["accuracy"] > 0.1
    assert words["test"]["loss"] == scores["test"]["loss"]


def test_the_likeliest_is_the_first_of_the_largest() -> None:
    scores = np.random.default_rng(0).integers(0, 3, (4, 5, 6)).astype(np.float32)
    assert np.array_equal(likeliest(pt.asarray(scores)).numpy(), scores.argmax(axis=-1))
    scores[1, 2, 3] = np.nan
    found = likeliest(pt.asarray(scores)).numpy()
    assert found[1, 2] == -1 and (found == -1).sum() == 1


def test_scores_that_are_not_a_number_are_said(tmp_path: Path) -> None:
    run = pt.fit(recipe(tmp_path), folder=tmp_path / "a", verbose=False)
    for parameter in run.model.parameters():
        parameter.value = pt.full(parameter.shape, np.nan)
    with pytest.raises(pt.Error, match="NaN among the logits of row 0"):
        run.evaluate()
