"""What a study remembers, and which trials it draws: with Optuna, and without a training."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import optuna
import pytest

from powertrain.io.files import Files
from powertrain.tuning.journal import FILE, Journal
from powertrain.tuning.space import Choices, Numbers, TuneError
from powertrain.tuning.study import STUDY, Plan, Study, Trial, locked

SPACE = {
    "optimizer.lr": Numbers(1e-4, 1.0, log=True),
    "model.dropout": Numbers(0.0, 0.9),
    "model.depth": Numbers(1, 9, whole=True),
    "model.use": Choices(("mlp", "cnn", "[1, 2]")),
}


def plan(**changes: object) -> Plan:
    usual = Plan("r", {"run": {"until": "1 epoch"}}, SPACE, "valid.loss", lower=True, seed=0, prune=True)
    return dataclasses.replace(usual, **changes)


def value(trial: Trial) -> float:
    """What a planted best of (0.01, 0.3, 7, cnn) is missed by."""
    lr, dropout, depth = (float(trial.settings[key]) for key in ("optimizer.lr", "model.dropout", "model.depth"))
    off = (np.log10(lr) + 2) ** 2 / 4 + (dropout - 0.3) ** 2 / 0.2 + (depth - 7) ** 2 / 16
    return float(off + (trial.settings["model.use"] != "cnn"))


def make(study: Study, count: int) -> list[Trial]:
    for _ in range(count):
        trial = study.ask()
        study.tell(trial.number, "complete", value(trial), "", 1, 0.1)
    return study.trials()


def test_a_planted_best_is_found_better_than_by_chance(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    chance = []
    for _ in range(400):  # the best of 50 that are drawn evenly
        values = [
            value(Trial(0, {"optimizer.lr": 10 ** rng.uniform(-4, 0), "model.dropout": rng.uniform(0, 0.9),
                            "model.depth": rng.integers(1, 10), "model.use": rng.choice(["mlp", "cnn", "x"])},
                        "", 0.0, "", 0, 0.0, tmp_path))
            for _ in range(50)
        ]  # fmt: skip
        chance.append(min(values))
    reached = []
    for seed in range(3):
        study = Study(_made(tmp_path / str(seed)), plan(seed=seed))
        trials = make(study, 50)
        best = study.best()
        assert best is not None
        reached.append(best.value)
        late, early = (np.mean([one.value for one in some]) for some in (trials[-10:], trials[:10]))
        assert late < early / 2
        study.close()
    assert np.median(reached) < np.quantile(chance, 0.2)


def test_what_is_drawn_depends_on_seed_number_and_what_is_finished(tmp_path: Path) -> None:
    whole = Study(_made(tmp_path / "whole"), plan())
    wanted = [dict(one.settings) for one in make(whole, 20)]
    cut, found = _made(tmp_path / "cut"), []
    for _ in range(20):  # a new process for each trial, so to say
        study = Study(cut, plan())
        found = make(study, 1)
        study.close()
    assert [dict(one.settings) for one in found] == wanted
    other = Study(_made(tmp_path / "other"), plan(seed=1))
    assert dict(make(other, 1)[0].settings) != wanted[0]
    assert all(len(f"{one['optimizer.lr']:.12g}".lstrip("0.")) <= 4 for one in wanted)  # digits that can be read


def test_a_trial_that_was_cut_off_is_the_same_trial(tmp_path: Path) -> None:
    study = Study(_made(tmp_path), plan())
    make(study, 2)
    asked = study.ask()
    assert study.report(3, 1, 0.5) == ""
    study.close()
    again = Study(tmp_path, plan())
    assert [one.state for one in again.trials()] == ["complete", "complete", "unfinished"]
    assert again.trials()[2].texts == asked.texts and again.best() is not None
    assert again.report(3, 1, 0.5) == ""  # it is evaluated again, and noted once
    again.tell(3, "failed", None, "[loss] it is nan", 1, 2.5)
    told = again.trials()[2]
    assert (told.state, told.reason, told.evaluations, told.seconds) == ("failed", "[loss] it is nan", 1, 2.5)


def test_worse_than_the_median_ends_a_trial(tmp_path: Path) -> None:
    study = Study(_made(tmp_path / "a"), plan())
    for at in range(5):
        trial = study.ask()
        assert study.report(trial.number, 2, float(at)) == ""  # there is nothing to compare with before five
        study.tell(trial.number, "complete", float(at), "", 1, 0.0)
    bad, good = study.ask(), study.ask()
    assert study.report(bad.number, 1, 9.0) == ""  # the first one says little
    assert study.report(bad.number, 2, 9.0) == "worse than the median after evaluation 2"
    assert study.report(good.number, 2, 1.0) == ""
    study.tell(bad.number, "pruned", None, "worse", 1, 0.0)
    assert study.trials()[5].state == "pruned" and study.best().number == 1  # type: ignore[union-attr]
    never = Study(_made(tmp_path / "b"), plan(prune=False))
    for _ in range(6):
        trial = never.ask()
        never.report(trial.number, 2, 0.0)
        never.tell(trial.number, "complete", 0.0, "", 1, 0.0)
    assert never.report(never.ask().number, 2, 9.0) == ""


def test_the_journal_is_one_of_optuna(tmp_path: Path) -> None:
    study = Study(_made(tmp_path), plan())
    make(study, 3)
    study.close()
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(tmp_path / FILE)))
    loaded = optuna.load_study(study_name="r", storage=storage)
    assert [one.number for one in loaded.trials] == [0, 1, 2] and loaded.best_value == study.best().value  # type: ignore[union-attr]


@pytest.mark.parametrize("left", [b'{"op_code":4,"wor', b'{"op_code":4,"worker_id":"a","study_id":0}'])
def test_half_a_line_that_a_kill_left_is_cut_off(tmp_path: Path, left: bytes) -> None:
    study = Study(_made(tmp_path), plan())
    make(study, 2)
    study.close()
    whole = (tmp_path / FILE).read_bytes()
    (tmp_path / FILE).write_bytes(whole + left)
    again = Study(tmp_path, plan())
    assert len(again.trials()) == 2 and (tmp_path / FILE).read_bytes().startswith(whole + b'{"op_code":0,')
    make(again, 1)
    again.close()
    assert len(Study(tmp_path, plan()).trials()) == 3


def test_a_trial_without_all_of_its_settings_has_failed(tmp_path: Path) -> None:
    study = Study(_made(tmp_path), plan())
    make(study, 1)
    study.ask()
    study.close()
    lines = (tmp_path / FILE).read_bytes().splitlines(keepends=True)
    (tmp_path / FILE).write_bytes(b"".join(lines[:-2]))  # as a power cut may leave it
    again = Study(tmp_path, plan())
    assert again.trials()[1].state == "failed" and "cut off" in again.trials()[1].reason


def test_many_lines_are_written_in_one_piece(tmp_path: Path) -> None:
    journal = Journal(Files(tmp_path))
    with pytest.raises(KeyboardInterrupt), journal.at_once():
        journal.append_logs([{"op_code": 0, "worker_id": "a"}])
        raise KeyboardInterrupt
    assert (tmp_path / FILE).read_bytes() == b""


@pytest.mark.parametrize(
    "content",
    [b"nonsense\n", b"[1]\n", b'{"op_code": 0}\n', b'{"op_code": 99, "worker_id": "a"}\n',
     b"x" * (1 << 20), b'{"op_code":' + b"[" * 5000 + b"\n"],
)  # fmt: skip
def test_a_journal_that_is_none_is_refused(tmp_path: Path, content: bytes) -> None:
    Study(_made(tmp_path), plan()).close()
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(TuneError, match=r"journal\.log.*; expected what powertrain tune wrote; restore it"):
        Study(tmp_path, plan())


def test_values_that_the_space_does_not_have_are_refused(tmp_path: Path) -> None:
    study = Study(_made(tmp_path), plan())
    make(study, 1)
    study.close()
    text = (tmp_path / FILE).read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    for line in lines:
        if line.get("param_name") == "model.use":
            line["distribution"] = line["distribution"].replace("mlp", "os").replace("cnn", "sys")
            line["distribution"] = line["distribution"].replace("[1, 2]", "x")
    (tmp_path / FILE).write_text("".join(json.dumps(line) + "\n" for line in lines))
    with pytest.raises(TuneError, match="Optuna cannot read it"):
        Study(tmp_path, plan())


def test_another_search_is_refused_and_what_is_free_is_not(tmp_path: Path) -> None:
    Study(_made(tmp_path), plan()).close()
    free = {"run": {"until": "1 epoch", "threads": 3}, "expect": {"seconds": 1}, "report": {"worst": 0}}
    Study(tmp_path, plan(tables=free)).close()
    changes = {
        "seed": 1, "metric": "valid.mse", "tables": {"run": {"until": "2 epochs"}}, "prune": False,
        "space": {**SPACE, "model.depth": Numbers(1, 8, whole=True)},
    }  # fmt: skip
    words = ["seed was 0, is 1", "metric was valid.loss, is valid.mse", 'is {"until": "2 epochs"}', "prune was True",
             'model.depth was "1..9", is "1..8"']  # fmt: skip
    for (name, changed), said in zip(changes.items(), words, strict=True):
        with pytest.raises(TuneError) as error:
            Study(tmp_path, plan(**{name: changed}))
        assert said in str(error.value) and "begin a new study: --study DIR" in str(error.value)


def test_a_folder_that_is_no_study_is_refused(tmp_path: Path) -> None:
    (_made(tmp_path) / STUDY).write_text("{}")
    with pytest.raises(TuneError, match=r"study.json\] it has no recipe"):
        Study(tmp_path, plan())
    (tmp_path / STUDY).unlink()
    (tmp_path / FILE).write_text("")
    with pytest.raises(TuneError, match=r"it holds journal\.log and no study.json"):
        Study(tmp_path, plan())


def test_two_searches_do_not_share_a_folder(tmp_path: Path) -> None:
    with (
        locked(tmp_path / "a"),
        pytest.raises(TuneError, match="another process is searching here"),
        locked(tmp_path / "a"),
    ):
        pass


def test_what_counts_is_what_was_planted(tmp_path: Path) -> None:
    study = Study(_made(tmp_path), plan())
    make(study, 5)
    assert study.importances() == {}  # too few to say
    for _ in range(30):
        trial = study.ask()
        study.tell(trial.number, "complete", abs(float(trial.settings["model.dropout"]) - 0.3), "", 1, 0.0)
    found = study.importances()
    assert next(iter(found)) == "model.dropout" and set(found) == set(SPACE)
    assert sum(found.values()) == pytest.approx(1.0)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
