"""A run that is taken up with another target: it says so, and does not end where it has passed the new one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.folder.run_folder import RunError

X, Y = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32), np.arange(32) % 3


def fit(folder: Path, epochs: int, **more: Any) -> Any:
    given = {"model": {"use": "linear"}, "report": {"baseline": False}, "batch_size": 8, "folder": folder, **more}
    return pt.fit(data=(X, Y), epochs=epochs, **given)


def test_another_target_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fit(tmp_path / "a", 2)
    assert "the target" not in capsys.readouterr().out
    fit(tmp_path / "a", 3, resume=True)
    assert "note   the target was 2 epochs, it is 3 epochs now" in capsys.readouterr().out
    fit(tmp_path / "a", 3, resume=True)
    assert "the target" not in capsys.readouterr().out


def test_a_target_that_is_passed_is_refused(tmp_path: Path) -> None:
    """A run of many epochs that was killed was ended, and its report written, where it was resumed without them."""
    fit(tmp_path / "a", 2, verbose=False)
    stopped = fit(tmp_path / "a", 10**9, resume=True, max_minutes=0.001, verbose=False)
    assert not stopped.finished
    done = stopped.run.progress.epochs
    with pytest.raises(RunError) as caught:
        fit(tmp_path / "a", 2, resume=True, verbose=False)
    assert str(caught.value) == (
        f"[{tmp_path / 'a'}] it has trained for {done} epochs, and the target is 2 epochs; it was "
        "1,000,000,000 epochs; expected a target that is not passed; "
        f'give epochs=1000000000 again, or "{done} epochs" to end it here'
    )
    assert fit(tmp_path / "a", done, resume=True, verbose=False).finished


def test_a_run_to_a_further_target_is_evaluated_on_the_way(tmp_path: Path) -> None:
    """Marks of a run in steps are a twentieth of it apart: those of the longer one were counted as reached."""
    given: dict[str, Any] = {"model": {"use": "linear"}, "data": (X, Y), "batch_size": 8, "verbose": False}
    first = pt.fit(**given, steps=40, folder=tmp_path / "a")
    assert first.history["step"] == list(range(2, 41, 2))
    longer = pt.fit(**given, steps=80, folder=tmp_path / "a", resume=True)
    assert longer.history["step"] == [*range(2, 41, 2), *range(44, 81, 4)]
