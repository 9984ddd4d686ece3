"""The race of eager calls: every call can be made, and the report counts who is ahead."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import eager
from race.eager_cases import CASES
from race.eager_names import numpy_names, powertrain_names, torch_names


def test_every_call_can_be_made() -> None:
    names = {"powertrain": powertrain_names(), "numpy": numpy_names()}
    cases = [case for group in CASES.values() for case in group]
    assert len(cases) >= 250
    assert len({case[0] for case in cases}) == len(cases)
    lacking = [case for case in cases if "powertrain" not in eager.calls_of(case, names)]
    assert lacking == []
    assert [case[0] for case in cases if case[2] and "numpy" not in eager.calls_of(case, names)] == []


@pytest.mark.peers
def test_every_call_can_be_made_in_pytorch() -> None:
    pytest.importorskip("torch", reason="PyTorch is not installed")
    names = {"torch": torch_names()}
    lacking = [c[0] for group in CASES.values() for c in group if c[1] and not eager.calls_of(c, names)]
    assert lacking == []


def test_a_run_of_some_calls(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written = tmp_path / "eager.json"
    assert eager.main(["--only", "L.exp", "--rounds", "1", "--without", "torch", "--json", str(written)]) == 0
    found = json.loads(written.read_text("utf-8"))
    assert set(found["elementwise"]["L.exp(x)"]) == {"powertrain", "numpy"}
    assert "`L.exp(x)`" in capsys.readouterr().out
    assert eager.main(["--only", "nix", "--without", "torch"]) == 2
    assert capsys.readouterr().out.startswith("[eager] no case has 'nix'")


def test_the_report_counts_calls_that_are_slower() -> None:
    times = {"a": {"powertrain": 4.0, "torch": 1.0}, "b": {"powertrain": 1.0, "torch": 4.0, "numpy": 0.5}}
    lines = eager.report({"views": times}).splitlines()
    assert lines[2] == "| views | 1.00 of 2 | 1 | 1 | 2.00 of 1 | 1 |"
    assert lines[-2].startswith("| 4.00 | `a` |") and lines[-1].startswith("| 0.25 | `b` |")
