"""The race of single ops: that its cases are what they say, that a wrong result cannot win, and the command."""

from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import numpy as np
import pytest

import race_ops
from peers import ops
from race import op_calls, op_report
from race.field import QUICK, installed
from race.figures import Entry, Result, Turn
from race.op_cases import CASES, LAYOUTS, OpCase

SHORT = dataclasses.replace(QUICK, rounds=2, seconds=0.02, warm_up=0.01, settle=0.0)


def test_at_least_250_cases_of_single_ops_have_a_peer() -> None:
    numpy = ops.numpy_calls()
    plain = [case for case in CASES.values() if case.op in numpy and not case.gradient and case.dtype != "bf16"]
    assert len(CASES) > 400 and len(plain) > 150, "NumPy alone, which has no gradients and no bf16"
    assert {case.dtype for case in CASES.values()} >= {"f32", "f64", "bf16", "i32", "i64", "bool"}
    assert {case.layout for case in CASES.values()} == set(LAYOUTS)
    assert {1, 10_000_000} <= {case.elements for case in CASES.values()}
    assert all(case.op in ops.powertrain_calls() for case in CASES.values())
    for framework in filter(installed, ("torch", "jax")):
        calls = ops.CALLS[framework]()
        assert sum(case.op in calls for case in CASES.values()) >= 250, framework


def test_what_a_case_is_called_and_given() -> None:
    case = OpCase("max", ((6, 4),), "f32", {"axis": 1}, "transposed", gradient=True)
    assert case.name == "op max 6x4 f32 axis=1 transposed gradient" and case.elements == 24
    (stored,) = case.inputs()
    assert stored.shape == (4, 6) and case.view(stored).shape == (6, 4) and stored.dtype == np.float32
    for layout in ("every second", "rows apart"):
        (stored,) = OpCase("max", ((6, 4),), layout=layout).inputs()
        assert OpCase("max", ((6, 4),), layout=layout).view(stored).shape == (6, 4) and stored.size == 48
    labels = OpCase("cross_entropy", ((6, 4), (6,)), labels=(1, 4)).inputs()[1]
    assert labels.dtype == np.int64 and labels.min() >= 0 and labels.max() < 4


@pytest.mark.parametrize("framework", [pytest.param("torch", marks=pytest.mark.peers), "jax", "numpy"])
@pytest.mark.parametrize(
    "task",
    [
        "op softmax 64x10 f32 gradient",
        "op cross_entropy 64x10,64 f32 gradient",
        "op sum 65536x10 bf16 axis=1",
        "op max 2048x1024 f32 axis=1 every second",
        "op argmax 64x10 f32 axis=1",
        "op embedding 64x256,50257x64 f32 gradient",
        "op floor_divide 2048x1024,2048x1024 i64",
        "op matmul 65536x10,10x10 f32 gradient",
    ],
)
def test_an_op_does_the_same_in_a_peer(framework: str, task: str) -> None:
    if not installed(framework):
        pytest.skip(f"{framework}, or what its peer needs besides, is not installed")
    ours = op_calls.figures(op_calls.prepare("powertrain", task)())
    try:
        call = op_calls.prepare(framework, task)
    except TypeError as error:
        assert framework == "numpy" and str(error).lower().startswith("numpy has no ")
        return
    theirs = op_calls.figures(call())
    tolerance = op_calls.TOLERANCES[CASES[task].dtype]
    error, wrong = op_calls.disagreement(theirs, ours, tolerance)
    assert not wrong, error
    bent = [value * 1.2 + 1 for value in theirs]
    assert op_calls.disagreement(bent, ours, tolerance)[1], "other results are seen"


def test_results_that_differ_are_not_the_same_work() -> None:
    tolerance = op_calls.TOLERANCES["f32"]
    assert op_calls.disagreement([1.0, 2.0], [1.0], tolerance) == (math.inf, True)
    assert op_calls.disagreement([2.0, 3.0, 3.0, 3.0], [2.0, 3.0, 3.0, 3.001], tolerance)[1] is False
    assert op_calls.disagreement([2.0, 3.0, 3.0, 3.0], [2.0, 3.0, 3.0, 3.1], tolerance)[1] is True
    assert op_calls.disagreement([2.0, 3.0, 3.0, 3.0], [2.0, 3.0, 3.0, math.nan], tolerance)[1] is True


def test_the_race_of_ops_writes_a_table_and_a_picture_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed; pip install matplotlib")
    monkeypatch.setattr(race_ops, "QUICK_PACE", SHORT)
    common = ["--quick", "--threads", "1", "--peers", "numpy", "--out", str(tmp_path)]
    assert race_ops.main([*common, "--only", "exp 64x10 f32"]) == 0
    first = json.loads((tmp_path / "ops.json").read_text())["rows"]
    assert [row["task"] for row in first] == ["op exp 64x10 f32"] and first[0]["ratio"] > 0
    capsys.readouterr()
    assert race_ops.main([*common, "--resume", "--only", "exp 64x10 f32", "argmax 64x10 "]) == 0
    found = json.loads((tmp_path / "ops.json").read_text())["rows"]
    assert found[0] == first[0] and [row["task"] for row in found[1:]] == ["op argmax 64x10 f32 axis=1"]
    written = capsys.readouterr()
    assert "| argmax 64x10 f32 axis=1 |" in written.out and "1 threads: 2 cases with a peer: " in written.out
    assert "1 threads 1/1 argmax 64x10 f32 axis=1: " in written.err
    assert (tmp_path / "ops.md").exists() and (tmp_path / "ops.png").read_bytes().startswith(b"\x89PNG")
    page = tmp_path / "docs" / "benchmarks" / "ops.md"
    page.parent.mkdir(parents=True)
    (tmp_path / "docs" / "drawings").mkdir()
    page.write_text(
        "# Ops\n\n<!-- begin: benchmarks/race_ops.py -->\nold\n<!-- end: benchmarks/race_ops.py -->\n\nWhy.\n"
    )
    assert race_ops.main([*common, "--resume", "--only", "exp 64x10 f32", "--document", str(page)]) == 0
    told = page.read_text()
    assert "old" not in told and told.endswith("Why.\n") and "forward" in told and "| exp 64x10 f32 " in told
    assert (tmp_path / "docs" / "drawings" / "ops.png").read_bytes().startswith(b"\x89PNG")
    capsys.readouterr()
    assert race_ops.main([*common, "--only", "nix"]) == 2
    assert capsys.readouterr().err == ("[--only] nix matches no case; expected an op or a part of a name; see --list\n")


def test_a_wrong_result_is_named_and_does_not_count() -> None:
    ours, theirs = (
        Entry(name, turns=[Turn([ms], 0.0) for _ in range(3)]) for name, ms in (("powertrain", 1.0), ("numpy", 0.5))
    )
    theirs.wrong, theirs.loss_error = True, 0.25
    row = race_ops.as_row(Result("op exp 64x10 f32", [ours, theirs]), 1)
    assert row["ratio"] is None and op_report.with_peer([row]) == []
    theirs.wrong = False
    row = race_ops.as_row(Result("op exp 64x10 f32", [ours, theirs]), 1)
    assert row["ratio"] == 0.5 and row["verdict"] == "slower"
    assert op_report.summary([row]) == (
        "1 threads: 1 cases with a peer: 0 faster, 1 slower, 0 unclear; geometric mean of best peer / ours 0.50"
    )
