"""Which checkpoints are kept, the verbs that work on them, and lists of runs that open none."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import ExportError
from powertrain.recipe import load_recipe
from powertrain.recipe.durations import Duration
from powertrain.train import session
from powertrain.train.display.display import Display
from powertrain.train.folder.checkpoint import FOLDER, CheckpointError, Checkpoints
from powertrain.train.folder.keeping import Policy
from powertrain.train.folder.ledger import read_history
from powertrain.train.folder.listing import prune
from powertrain.train.folder.run_folder import RunError, RunFolder
from running import SMALL, inside

KEEP = 'keep = { last = 1, best = 2, by = "valid.loss", every = "3 epochs" }'
RECIPE = SMALL.replace("save_seconds = 0", f"save_seconds = 1000, {KEEP}")
LOSSES = {4: 0.5, 8: 0.2, 12: 0.2, 16: 0.9, 20: float("inf")}


def metas(lower: bool = True) -> dict[int, dict[str, Any]]:
    """Of five epochs of four rounds, with a checkpoint between them."""
    found: dict[int, dict[str, Any]] = {
        number: {"progress": {"epochs": number // 4, "steps": 5 * number}, "values": {"valid.loss": loss},
                 "lower": ["valid.loss"] if lower else []}
        for number, loss in LOSSES.items()
    }  # fmt: skip
    return {**found, 18: {"progress": {"epochs": 4, "steps": 90}, "values": {}, "lower": []}}


@pytest.mark.parametrize(
    ("policy", "kept"),
    [
        (Policy(), {18, 20}),
        (Policy(1), {20}),
        (Policy(1, 1, "valid.loss"), {8, 20}),
        (Policy(1, 2, "valid.loss"), {8, 12, 20}),
        (Policy(1, 9, "valid.loss"), {4, 8, 12, 16, 20}),
        (Policy(1, 1, "valid.loss", lower=False), {16, 20}),
        (Policy(1, 1, "valid.accuracy"), {20}),
        (Policy(1, every=Duration(2, "epochs")), {8, 16, 20}),
        (Policy(1, every=Duration(30, "steps")), {8, 12, 18, 20}),
        (Policy(1, every=Duration(1, "tokens")), {20}),
    ],
)
def test_a_policy_keeps_what_one_of_its_wishes_names(policy: Policy, kept: set[int]) -> None:
    assert policy.kept(metas()) == kept
    for number in metas():  # what stays does not depend on when the others were dropped
        seen = {other: meta for other, meta in metas().items() if other <= number}
        assert policy.kept({other: seen[other] for other in policy.kept(seen)}) == policy.kept(seen)


def test_checkpoints_say_which_way_is_better() -> None:
    assert Policy(1, 1, "valid.loss").ranked(metas(lower=False))[0] == 16
    assert Policy().kept({1: {"seconds": 1.0, "steps": 1}, 2: {"seconds": 1.0, "steps": 1}}) == {1, 2}  # of before


@pytest.fixture(autouse=True, scope="module")
def plain_reports() -> Iterator[None]:
    """Pictures take longer than the trainings here."""
    with mock.patch("powertrain.train.report.elements.charts_module", lambda: None):
        yield


def trained(folder: Path, *settings: str, resume: bool = False) -> Path:
    (folder / "small.toml").write_text(RECIPE)
    recipe = load_recipe(str(folder / "small.toml"), settings)
    session.train(recipe, folder / "a", resume=resume, display=Display(quiet=True))
    return folder / "a"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that kept checkpoints; tests that change it take a copy."""
    return trained(tmp_path_factory.mktemp("kept"), "report.sample=0", "report.worst=0")


def losses(folder: Path) -> dict[int, float]:
    return {line["round"]: line["values"]["valid.loss"] for line in read_history(folder) if line["event"] == "metrics"}


def test_a_run_keeps_the_best_and_one_every_so_often(run: Path) -> None:
    found = losses(run)
    best = sorted(found, key=lambda number: (found[number], number))[:2]
    kept = Checkpoints(run).metas()
    assert set(kept) == {12, 24, *best}
    for number in best:
        assert kept[number]["values"]["valid.loss"] == found[number] and "valid.loss" in kept[number]["lower"]
    assert [kept[number]["progress"]["epochs"] for number in (12, 24)] == [3, 6]


ASKS = """
from powertrain.plugin import Callback, Evaluate


class Asks(Callback):
    def after_commit(self, event):
        return None if event.values else Evaluate()
"""


def test_what_a_callback_evaluates_may_be_the_best(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(ASKS)
    rare = ("run.evaluate.every='60 epochs'", "callbacks=['./own.py:Asks']", "report.sample=0", "report.worst=0")
    found = losses(trained(tmp_path, *rare))
    best = sorted(found, key=lambda number: (found[number], number))[:2]
    assert len(found) > 6 and set(best) <= set(Checkpoints(tmp_path / "a").metas())


def test_a_resumed_run_keeps_the_same(run: Path, tmp_path: Path) -> None:
    settings = ("report.sample=0", "report.worst=0", "optimizer.schedule=constant")
    whole = trained(tmp_path, *settings)
    (tmp_path / "parts").mkdir()
    trained(tmp_path / "parts", *settings, "run.until=2 epochs")
    parts = trained(tmp_path / "parts", *settings, resume=True)
    assert set(Checkpoints(parts).metas()) == set(Checkpoints(whole).metas())
    assert losses(parts) == losses(whole)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("{ best = 1 }", "received best 1 and no by; expected a metric"),
        ('{ by = "valid.loss" }', "received by \"valid.loss\" and no best; expected how many; add best = 1"),
        ('{ best = 1, by = "valid.los" }', 'received "valid.los"; expected one of'),
        ('{ every = "10 tokens" }', "has no tokens; expected steps, examples or epochs"),
        ("{ last = 0 }", "expected a whole number >= 1"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_said_before_anything_runs(tmp_path: Path, setting: str, said: str) -> None:
    (tmp_path / "small.toml").write_text(RECIPE.replace(KEEP, f"keep = {setting}"))
    assert said in inside(["train", "small.toml", "--run", "a"], tmp_path, expect=2).stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["small.toml"]


def test_the_best_needs_a_part_to_be_the_best_on(tmp_path: Path) -> None:
    text = RECIPE.replace("valid = 0.1, ", "").replace(', stop = { watch = "valid.accuracy" }', "")
    (tmp_path / "small.toml").write_text(text)
    assert inside(["train", "small.toml"], tmp_path, expect=2).stderr.strip() == (
        "[run.keep] the data has no valid part to choose the best by; expected one; for example split = { valid = 0.1 }"
    )


# ---------------------------------------------------------------- a checkpoint that somebody names


def test_a_checkpoint_is_opened_by_its_round_or_as_the_best_or_the_last(run: Path) -> None:
    found = losses(run)
    best = min(found, key=lambda number: (found[number], number))
    for which, number in ((12, 12), ("best", best), ("last", 24)):
        opened = pt.load(run, checkpoint=which)
        saved = Checkpoints(run).load(number).arrays
        weights = {name: slot.numpy() for name, slot in opened.run.table.model_slots().items()}
        assert weights and all(np.array_equal(saved[name], value) for name, value in weights.items())
    assert opened.evaluate()["valid"]["loss"] == pytest.approx(found[24], rel=1e-5)
    assert pt.load(run, checkpoint="best").evaluate()["valid"]["loss"] == pytest.approx(found[best], rel=1e-5)


def test_a_checkpoint_that_is_not_there_is_said(run: Path) -> None:
    kept = ", ".join(map(str, sorted(Checkpoints(run).metas())))
    with pytest.raises(CheckpointError) as caught:
        pt.load(run, checkpoint=5)
    assert str(caught.value) == (
        f"[{run}] received checkpoint 5; expected one of {kept}, last, best; powertrain runs show {run} lists them"
    )


def test_verbs_take_a_checkpoint(run: Path, tmp_path: Path) -> None:
    said = [inside(["evaluate", str(run), "--json", *which], tmp_path).stdout for which in ([], ["--checkpoint", "12"])]
    assert json.loads(said[0])["valid"] != json.loads(said[1])["valid"]
    np.save(tmp_path / "x.npy", np.zeros((1, 8, 8)))
    answers = [inside(["predict", str(run), "x.npy", "--json", *which], tmp_path).stdout
               for which in ([], ["--checkpoint", "12"])]  # fmt: skip
    assert answers[0] != answers[1]
    inside(["export", str(run), "--to", "safetensors", "--checkpoint", "12", "--out", "w.safetensors"], tmp_path)
    assert (tmp_path / "w.safetensors").exists()
    with pytest.raises(ExportError, match="received checkpoint 12 for an exporter that takes the folder of the run"):
        pt.load(run, checkpoint=12).export("wheel", tmp_path)


# ---------------------------------------------------------------- looking at runs


def test_a_run_is_shown_with_its_checkpoints(run: Path, tmp_path: Path) -> None:
    found = json.loads(inside(["runs", "show", str(run), "--json"], tmp_path).stdout)
    rows = {row["round"]: row for row in found["checkpoints"]}
    assert found["state"] == "finished" and rows.keys() == Checkpoints(run).metas().keys()
    assert "every" in rows[12]["kept"] and {"every", "last"} <= set(rows[24]["kept"])
    assert sum("best" in row["kept"] for row in rows.values()) == 2
    on_disk = sum(path.stat().st_size for path in (run / FOLDER).iterdir())
    assert sum(row["bytes"] for row in rows.values()) == on_disk
    lines = inside(["runs", "show", str(run)], tmp_path).stdout.splitlines()
    assert lines[1].split()[:6] == ["checkpoint", "steps", "seconds", "size", "kept", "as"]
    assert [line.split()[0] for line in lines[2:]] == [str(number) for number in sorted(rows)]


def test_a_damaged_checkpoint_is_shown_as_such(run: Path, tmp_path: Path) -> None:
    copied = copy(run, tmp_path)
    (copied / FOLDER / "round-000000000012.json").write_text("{half")
    lines = inside(["runs", "show", "a"], tmp_path).stdout.splitlines()
    assert ["12", "damaged"] in [line.split() for line in lines]


def copy(run: Path, to: Path) -> Path:
    return Path(shutil.copytree(run, to / "a"))


def test_prune_drops_what_is_not_kept(run: Path, tmp_path: Path) -> None:
    copied = copy(run, tmp_path)
    there = set(Checkpoints(copied).metas())
    assert "dropped nothing" in inside(["runs", "prune", "a"], tmp_path).stdout
    said = inside(["runs", "prune", "a", "--set", "best=0", "--set", "by=''", "--set", "every='6 epochs'"], tmp_path)
    assert set(Checkpoints(copied).metas()) == {24}
    assert said.stdout.startswith(f"dropped {', '.join(map(str, sorted(there - {24})))};")
    assert pt.load(copied).finished
    wrong = inside(["runs", "prune", "a", "--set", "lst=1"], tmp_path, expect=2).stderr
    assert wrong.startswith("[a run.keep] lst: no such parameter of run.keep; expected last, best")


def test_prune_keeps_what_a_resume_begins_with(run: Path, tmp_path: Path) -> None:
    copied = copy(run, tmp_path)
    *_, whole, newest = Checkpoints(copied).numbers()
    (copied / FOLDER / f"round-{newest:012d}.safetensors").write_bytes(b"")
    inside(["runs", "prune", "a", "--set", "best=0", "--set", "by=''", "--set", "every='60 epochs'"], tmp_path)
    assert Checkpoints(copied).numbers() == [whole, newest]
    (copied / FOLDER / f"round-{whole:012d}.safetensors").write_bytes(b"")
    said = inside(["runs", "prune", "a"], tmp_path, expect=2).stderr
    assert said.startswith(f"[a] it has no checkpoint that can be read (checkpoint {newest} is not used: ")


def test_prune_waits_for_nobody(run: Path, tmp_path: Path) -> None:
    copied = copy(run, tmp_path)
    with RunFolder(copied).locked():
        assert "another process is training here" in inside(["runs", "prune", "a"], tmp_path, expect=2).stderr


def test_what_differs_between_two_runs_is_listed(run: Path, tmp_path: Path) -> None:
    copy(run, tmp_path)
    same = inside(["runs", "diff", str(run), "a"], tmp_path).stdout
    assert same.strip() == "nothing differs, to the bits of the weights"
    (tmp_path / "b").mkdir()
    trained(tmp_path / "b", "report.sample=0", "report.worst=0", "run.seed=4", "data.split.valid=0.2")
    found = json.loads(inside(["runs", "diff", "a", "b/a", "--json"], tmp_path).stdout)
    assert found["run.seed"] == ["3", "4"] and found["data.split.valid"] == ["0.1", "0.2"]
    assert found["hash"][0] != found["hash"][1] and "model.hidden" not in found
    assert any("train had" in row[1] for row in found.values())


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show"], "[runs show] received 0 folders; expected 1; powertrain runs lists them"),
        (["diff", "a"], "[runs diff] received 1 folders; expected 2; powertrain runs lists them"),
        (["hash", "a", "--set", "last=1"], "[runs hash] received --set; expected --set with prune only; leave it out"),
        (["nowhere"], "[runs] received nowhere; expected list, show, diff, hash, prune or a folder; check it"),
    ],
)
def test_what_is_asked_wrongly_is_said(tmp_path: Path, arguments: list[str], said: str) -> None:
    assert inside(["runs", *arguments], tmp_path, expect=2).stderr.strip() == said


def test_a_strangers_settings_are_checked(run: Path, tmp_path: Path) -> None:
    copied = copy(run, tmp_path)
    about = json.loads((copied / "run.json").read_text())
    about["tables"]["run"]["keep"]["last"] = "many"
    (copied / "run.json").write_text(json.dumps(about))
    with pytest.raises(RunError, match="last: received"):
        prune(copied)


def test_a_value_that_no_recipe_can_hold_is_shown(run: Path, tmp_path: Path) -> None:
    copied = copy(run, tmp_path)
    about = json.loads((copied / "run.json").read_text())
    about["tables"]["model"]["hidden"] = None
    (copied / "run.json").write_text(json.dumps(about))
    assert "damaged" not in inside(["runs", "list", "."], tmp_path).stdout
    found = json.loads(inside(["runs", "diff", str(run), "a", "--json"], tmp_path).stdout)
    assert found["model.hidden"] == ["[32]", "None"]
