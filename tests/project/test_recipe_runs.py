"""Whole runs of recipes: kept while what they are made of is the same, shared out in parts, held to their `expect`."""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import recipe_runs
import train_recipes
from running import ENDLESS, command, environment

TOOL = Path(__file__).parents[2] / "tools" / "train_recipes.py"
TINY = """\
data      = { use = "arrays", path = "rows.npz" }
model     = { use = "mlp", hidden = [4] }
optimizer = { use = "sgd", lr = 0.1 }
run       = { until = "4 steps", batch_size = 4, seed = 7 }
report    = { baseline = false }
expect    = { "train.accuracy" = ">= 0" }
"""


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    write_rows(tmp_path, 0)
    path = tmp_path / "tiny.toml"
    path.write_text(TINY)
    return path


def write_rows(folder: Path, seed: int) -> None:
    x = np.random.default_rng(seed).normal(size=(16, 3)).astype(np.float32)
    np.savez(folder / "rows.npz", x=x, y=np.arange(16) % 2)


def digest(folder: Path) -> str:
    found: str = json.loads((folder / "results.json").read_text())["hash"]
    return found


def test_a_run_is_kept_until_what_it_is_made_of_changes(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tiny.parent / "runs" / "tiny"

    def again() -> tuple[str, str]:
        return recipe_runs.train(str(tiny), folder), capsys.readouterr().out.strip()

    assert again() == ("trained", "")
    before = digest(folder)
    tiny.write_text("# A sentence more.\n" + TINY)
    assert again() == ("kept", "")
    tiny.write_text(TINY.replace("0.1", "0.2"))
    assert again() == ("trained", "[recipes] tiny is trained again: recipe changed")
    assert digest(folder) != before
    write_rows(tiny.parent, 1)
    assert again() == ("trained", "[recipes] tiny is trained again: data changed")
    monkeypatch.setattr(recipe_runs, "libraries", lambda name: {"numpy": "0.1"})
    assert again() == ("trained", "[recipes] tiny is trained again: plugins changed")
    monkeypatch.setattr(recipe_runs, "engine", lambda: "another")
    assert again() == ("trained", "[recipes] tiny is trained again: engine changed")
    folder.with_name("tiny.made-of.json").unlink()
    assert again() == ("trained", "[recipes] tiny is trained again: nothing says what it was made of")
    assert again() == ("kept", "")


def test_a_seed_is_a_run_of_its_own(tiny: Path) -> None:
    runs = tiny.parent / "runs"
    assert train_recipes.train_all([str(tiny)], runs, 2, {}) == 0
    assert digest(runs / "tiny") != digest(runs / "tiny.seed-1")


def test_a_run_that_was_stopped_is_gone_on_with(tiny: Path) -> None:
    whole, part = tiny.parent / "runs" / "tiny", tiny.parent / "more" / "tiny"
    assert recipe_runs.train(str(tiny), whole) == "trained"
    stopping = command(["train", str(tiny), "--run", str(part), "--max-minutes", "0.00001"])
    subprocess.run(stopping, env=environment(), check=True, capture_output=True)
    assert not (part / "results.json").exists()
    part.with_name("tiny.made-of.json").write_text(whole.with_name("tiny.made-of.json").read_text())
    assert recipe_runs.train(str(tiny), part) == "trained"
    assert digest(part) == digest(whole)
    events = [json.loads(line)["event"] for line in (part / "ledger.jsonl").read_text().splitlines()]
    assert "resume" in events


def test_training_notes_what_others_used_until_the_run_has_ended(tiny: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    busy, own = iter([100.0, 107.0, 200.0, 300.0]), iter([1.0, 4.0])
    monkeypatch.setattr(recipe_runs, "busy_seconds", lambda: next(busy))
    monkeypatch.setattr(recipe_runs, "child_seconds", lambda: next(own))
    folder = tiny.parent / "tiny"
    for _ in range(2):
        recipe_runs.train(str(tiny), folder)
        noted = json.loads((folder / recipe_runs.LOAD).read_text())
        assert noted["others"] == 4.0 and noted["wall"] > 0


def test_the_table_says_what_each_reached(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    runs = tiny.parent / "runs"
    assert train_recipes.train_all([str(tiny)], runs, 1, {str(tiny): 61}) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "[recipes 1/1] tiny, about 1 min 01 s; 0 s of 1 min 01 s are behind"
    assert said[-2].split() == ["recipe", "run", "reached", "seconds"]
    assert said[-1].startswith("tiny    trained  train.accuracy 0.")
    missing, unmet, wrong = tiny.with_name("missing.toml"), tiny.with_name("unmet.toml"), tiny.with_name("wrong.toml")
    missing.write_text(TINY.replace('"arrays", path = "rows.npz"', '"austen", path = "nowhere"'))
    assert train_recipes.train_all([str(missing), str(tiny)], runs, 1, {}) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[-2].split()[:3] == ["missing", "not", "here"]
    assert said[-1].split()[:3] == ["tiny", "kept", "train.accuracy"]
    unmet.write_text(TINY.replace(">= 0", ">= 2"))
    wrong.write_text(TINY.replace("sgd", "sdg"))
    assert train_recipes.train_all([str(unmet), str(wrong)], runs, 1, {}) == 1
    said = capsys.readouterr().out.splitlines()
    assert said[-2].split()[:2] == ["unmet", "missed"] and "expected >= 2" in said[-2]
    assert said[-1].split()[:2] == ["wrong", "failed"]


def test_a_recipe_whose_training_fails_is_a_failure(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tiny.write_text(TINY.replace("lr = 0.1", "lr = 1e30"))
    assert train_recipes.train_all([str(tiny)], tiny.parent / "runs", 1, {}) == 1
    assert capsys.readouterr().out.splitlines()[-1].split()[:2] == ["tiny", "failed"]


def test_parts_take_about_equally_long() -> None:
    lengths = train_recipes.expected_seconds()
    shares = recipe_runs.shared_out(lengths, 8)
    assert sorted(name for share in shares for name in share) == sorted(lengths)
    took = [sum(lengths[name] for name in share) for share in shares]
    assert max(took) - min(took) <= max(lengths.values())
    assert recipe_runs.shared_out({"a": 3, "b": 2, "c": 2, "d": 1}, 2) == [["a", "d"], ["b", "c"]]


@pytest.mark.parametrize("text", ["9/8", "0/8", "1", "a/b", "1/0", "-1/8"])
def test_another_part_is_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert train_recipes.part_of("8/8") == (8, 8)
    with pytest.raises(argparse.ArgumentTypeError, match=r"expected K/N with 1 <= K <= N; for example 1/8"):
        train_recipes.part_of(text)


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="a terminal sends Ctrl-C to a group of processes")
def test_ctrl_c_leaves_what_the_next_call_goes_on_with(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(ENDLESS)
    runs = tmp_path / "runs"
    words = [sys.executable, str(TOOL), "--runs", str(runs), str(tmp_path / "small.toml")]
    process = subprocess.Popen(
        words, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    )
    end = time.monotonic() + 120
    while not (runs / "small" / "ledger.jsonl").exists() and time.monotonic() < end:
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGINT)
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 130, said
    assert "[recipes] stopped; the same command goes on from here" in said and "Traceback" not in said
    assert not (runs / "small" / "results.json").exists()
    assert recipe_runs.changed(json.loads((runs / "small.made-of.json").read_text()), {"recipe": ""}) == ["recipe"]
