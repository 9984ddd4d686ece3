"""The base of strategies that predict tokens: what it learns is what next_token learns, and what it writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import LanguageStrategy, Run


class Lines(LanguageStrategy):
    """Writes lines that begin with ab."""

    def sample(self, run: Run, count: int, seed: int) -> Any:
        return self.continued(run, "ab", count, 12, end="\n", temperature=1.0, seed=seed)


def fitted(folder: Path, strategy: Any) -> Any:
    (folder / "lines.txt").write_text("abcd\nab\nabab cdcd\n" * 100)
    data = {"use": "text", "path": str(folder / "lines.txt"), "context": 8}
    return pt.fit(
        model={"use": "gpt", "layers": 1, "heads": 2, "width": 16}, data=data, strategy=strategy, optimizer="adamw",
        steps=60, batch_size=16, seed=3, verbose=False,
    )  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return fitted(tmp_path_factory.mktemp("lines"), Lines)


def test_rows_are_what_was_generated_and_then_the_end(run: Any) -> None:
    rows, words = run.sample(8, seed=1), run.run.dataset.vocabulary
    prompt, (end,) = words.encode("ab"), words.encode("\n").tolist()
    written = pt.nn.generate(run.model, [prompt] * 8, 12, context=8, temperature=1.0, seed=1, stop=[[end]])
    assert rows.shape == (8, 12) and rows.dtype == np.int64
    assert {len(tokens) for tokens in written} & set(range(12)), "one that ends sooner"
    for row, tokens in zip(rows, written, strict=True):
        assert row.tolist() == [*tokens.tolist(), *[end] * (12 - len(tokens))]
    assert (rows == run.sample(8, seed=1)).all() and (rows != run.sample(8, seed=2)).any()


def test_it_learns_as_next_token_does(run: Any, tmp_path: Path) -> None:
    other = fitted(tmp_path, {"use": "next_token", "sample": 0})
    pairs = zip(run.model.parameters(), other.model.parameters(), strict=True)
    assert all((one.value.numpy() == two.value.numpy()).all() for one, two in pairs)
