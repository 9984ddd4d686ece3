"""How long the steps of a run wait for data is measured and said."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.train import closing_words

X, Y = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32), np.arange(40) % 3


class Slow:
    """Examples that take longer than the steps."""

    def __len__(self) -> int:
        return len(X)

    def __getitem__(self, at: int) -> tuple[Any, int]:
        time.sleep(0.002)
        return X[at], int(Y[at])


def fit(folder: Path, data: Any = (X, Y), **more: Any) -> Any:
    given = {"model": {"use": "linear"}, "report": {"baseline": False}, "batch_size": 8, "folder": folder, **more}
    return pt.fit(data=data, **given)


def test_steps_that_wait_are_told_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(closing_words, "LEAST_WAIT", 0.0)
    run = fit(tmp_path / "a", Slow(), epochs=3, expect={"data_wait.share": "<= 0.02"})
    wait = run.results["data_wait"]
    assert 0.02 < wait["share"] <= 1 and wait["seconds"] > 0.016  # a batch at least was waited for
    assert "missed data_wait.share" in (said := capsys.readouterr().out)
    assert ("of their time; more threads that prepare batches may help: run.num_workers = 2 (it was 1)" in said) == (
        wait["share"] >= closing_words.STARVED
    )
    assert f"Steps waited for data {wait['share']:.1%} of their time." in (tmp_path / "a" / "report.html").read_text()


def test_a_short_wait_is_not_told_of(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    wait = fit(tmp_path / "a", epochs=3).results["data_wait"]
    assert 0 <= wait["share"] <= 1
    assert wait["seconds"] >= closing_words.LEAST_WAIT or "waited" not in capsys.readouterr().out


def test_a_run_without_steps_waited_for_none(tmp_path: Path) -> None:
    pytest.importorskip("powertrain_tabular", reason="powertrain-tabular has k-means")
    run = pt.fit("digits-k-means", folder=tmp_path / "a", verbose=False)
    assert run.results["data_wait"] == {"seconds": 0.0, "share": 0.0}
    assert "Steps waited" not in (tmp_path / "a" / "report.html").read_text()
