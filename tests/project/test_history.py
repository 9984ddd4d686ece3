"""The history of benchmarks: a file of runs that grows, and its picture."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import history


def report(date: str, commit: str, **ratios: float | None) -> dict[str, Any]:
    rows = [
        {
            "task": f"train {name}", "ratio": ratio, "ratio_low": ratio and ratio * 0.9,
            "ratio_high": ratio and ratio * 1.1, "best_peer": "jax", "verdict": "faster", "state": "apart",
        }
        for name, ratio in ratios.items()
    ]  # fmt: skip
    machine = {"processor": "P", "family_model": "1.2", "cores": 2, "system": "Linux", "commit": commit}
    return {"date": date, "machine": machine, "sections": {"steps": rows}}


def test_a_run_is_kept_once_and_in_the_order_of_dates() -> None:
    later = history.line_of(report("2026-02-01", "b", lenet=1.5))
    earlier = history.line_of(report("2026-01-01", "a", lenet=1.2, lstm=None))
    assert list(earlier["rows"]) == ["lenet"], "a row without a ratio says nothing"
    runs = history.added(history.added([], later), earlier)
    assert [run["commit"] for run in runs] == ["a", "b"]
    again = history.line_of(report("2026-02-01", "b", lenet=1.6))
    runs = history.added(runs, again)
    assert [run["rows"]["lenet"]["ratio"] for run in runs] == [1.2, 1.6]


def test_the_command_adds_a_run_and_draws_all(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    kept, picture = tmp_path / "history.jsonl", tmp_path / "history.svg"
    for date, ratio in (("2026-01-01", 1.25), ("2026-01-08", 1.375)):
        made = tmp_path / "report.json"
        made.write_text(json.dumps(report(date, "c", lenet=ratio, mlp=2.0)), encoding="utf-8")
        command = [sys.executable, history.__file__, str(made), "--history", str(kept), "--picture", str(picture)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "2 runs" in done.stdout
    assert [run["rows"]["lenet"]["ratio"] for run in history.read(kept)] == [1.25, 1.375]
    assert picture.read_text(encoding="utf-8").count("<svg") == 1


def test_a_file_that_is_no_history_is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "history.jsonl"
    kept.write_text('{"date": "2026-01-01"}\n', encoding="utf-8")
    with pytest.raises(SystemExit, match=r"line 1 of .* is no run; expected JSON with date"):
        history.read(kept)
