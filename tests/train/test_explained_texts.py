"""A language model is explained on texts: lists of them, or a file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.folder.run_folder import RunError

TEXT = "It is a truth universally acknowledged, that a single man must be in want of a wife.\n"


@pytest.fixture(scope="module")
def writer(tmp_path_factory: pytest.TempPathFactory) -> pt.TrainedRun:
    folder = tmp_path_factory.mktemp("writer")
    (folder / "text.txt").write_text(40 * TEXT)
    recipe = {
        "data": {"use": "text", "path": str(folder / "text.txt"), "context": 16, "valid": 0.2},
        "model": {"use": "gpt", "layers": 1, "heads": 2, "width": 16}, "strategy": "next_token",
        "optimizer": "adamw", "run": {"until": "3 steps", "batch_size": 8}, "report": {"baseline": False},
    }  # fmt: skip
    pt.fit(recipe, folder=folder / "run", verbose=False)
    (folder / "text.txt").unlink()
    return pt.load(folder / "run")


def test_texts_are_the_tokens_that_they_begin_with(writer: pt.TrainedRun, tmp_path: Path) -> None:
    found = writer.explain([TEXT, TEXT[3:]], method="attention")
    tokens = [writer.run.dataset.vocabulary.encode(text)[:16] for text in (TEXT, TEXT[3:])]  # type: ignore[union-attr]
    np.testing.assert_array_equal(found.values[0], writer.explain(np.stack(tokens), method="attention").values[0])
    assert "".join(found.tokens) == TEXT[:16]
    (tmp_path / "a.txt").write_text(TEXT + TEXT)
    of_file = writer.explain(tmp_path / "a.txt", method="attention")
    np.testing.assert_array_equal(of_file.values[0], found.values[0][:1])


def test_a_text_that_is_too_short_is_said(writer: pt.TrainedRun) -> None:
    with pytest.raises(RunError, match=r"text 1 has 5 tokens; expected at least the 16 that the model sees at once"):
        writer.explain([TEXT, TEXT[:5]], method="attention")
