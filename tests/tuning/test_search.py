"""Whole searches by the command: trials in processes of their own, kills, resumes, failures, the winner."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from running import command, environment, inside, results, run

RECIPE = """\
data      = { use = "arrays", path = "points.npz", split = { valid = 0.2, test = 0.2 } }
features  = ["standardize"]
model     = { use = "mlp", hidden = [8] }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "3 epochs", batch_size = 32, seed = 1 }
expect    = { "test.accuracy" = ">= 0.5" }
report    = { baseline = false }
"""
LR = ["--space", "optimizer.lr=1e-5..1e-1 log"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return made(tmp_path)


def made(path: Path, recipe: str = RECIPE) -> Path:
    x = np.random.default_rng(0).normal(size=(400, 4)).astype(np.float32)
    np.savez(path / "points.npz", x=x, y=(x[:, 0] + 0.5 * x[:, 1] > 0).astype(np.int64))
    (path / "line.toml").write_text(recipe)
    return path


def journal(folder: Path) -> list[dict[str, Any]]:
    """The trials as they stand in a study: settings, state and value."""
    import optuna

    path = folder / "studies/line/journal.log"
    storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
    loaded = optuna.load_study(study_name="line", storage=storage)
    return [{"params": one.params, "state": one.state.name, "values": one.intermediate_values,
             "value": one.value if one.state.name == "COMPLETE" else None} for one in loaded.trials]  # fmt: skip


def test_the_best_recipe_is_a_file_that_trains_to_the_same_bits(folder: Path) -> None:
    done = run(["tune", "line.toml", *LR, "--space", "model.hidden.0=4|16", "--trials", "5"], folder)
    study = folder / "studies/line"
    lines = done.stdout.splitlines()
    assert lines[0].startswith("line · 5 trials of optimizer.lr 1e-05..0.1 log, model.hidden.0 4|16")
    assert lines[1] == "valid.accuracy, higher is better · 1 worker · studies/line"
    assert [line.split()[1] for line in lines if re.match(r"trial \d/5", line)] == [f"{n}/5" for n in range(1, 6)]
    assert lines[-1] == "next   powertrain train studies/line/line-best.toml"
    # The test part was looked at for the winner alone.
    trials = journal(folder)
    values = [one["value"] for one in trials]
    best = 1 + int(np.argmax(values))
    with_results = [number for number in range(1, 6) if (study / f"trial-{number}/results.json").exists()]
    assert with_results == [best]
    for number in range(1, 6):
        assert (study / f"trial-{number}/run.json").is_file()
        ledger = (study / f"trial-{number}/ledger.jsonl").read_text()
        assert "test." not in ledger and ledger.count('"metrics"') == 3
    said = json.loads((study / f"trial-{best}/results.json").read_text())
    assert (
        f"test   trial {best}: loss {said['test']['loss']:.4g}  accuracy {said['test']['accuracy']:.4g}" in done.stdout
    )
    assert values[best - 1] == said["valid"]["accuracy"]
    # From another folder, where the path of the data means nothing.
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    again = results(run(["train", str(study / "line-best.toml"), "--run", "a", "--json"], elsewhere))
    assert again["hash"] == said["hash"] and again["test"] == said["test"]
    page = (study / "report.html").read_text()
    assert "default-src &#x27;none&#x27;" in page and "<script" not in page and f"Trial {best} is the best" in page
    assert "measured for this trial alone" in page
    # A run like any other.
    assert pt.load(study / "trial-1").predict(np.zeros((1, 4), np.float32)).labels.shape == (1,)


def test_a_finished_search_has_nothing_left_and_goes_on_where_more_is_wanted(folder: Path) -> None:
    words = ["tune", "line.toml", *LR, "--trials", "2"]
    inside(words, folder)
    ledgers = {path: path.read_bytes() for path in folder.glob("studies/line/*/checkpoints/*")}
    again = inside(words, folder)
    assert "no trial is left to make: studies/line has 2; raise --trials to search on" in again.stdout
    assert {path: path.read_bytes() for path in folder.glob("studies/line/*/checkpoints/*")} == ledgers
    more = inside([*words[:-1], "3", "--json"], folder)
    assert results(more)["trials"]["complete"] == 3
    other = inside([*words, "--set", "run.seed=2"], folder, expect=2)
    assert "it holds trials of another search: run was" in other.stderr


def started(folder: Path, words: list[str], after: str) -> subprocess.Popen[str]:
    """A search in a process of its own, once it has said a line that begins so."""
    process = subprocess.Popen(
        command(words), cwd=folder, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    )  # fmt: skip
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(after):
            break
    return process


def test_killed_and_started_again_it_makes_the_same_trials(tmp_path: Path) -> None:
    recipe = RECIPE.replace("3 epochs", "200 epochs").replace("seed = 1", "seed = 1, save_seconds = 0")
    (tmp_path / "whole").mkdir()
    (tmp_path / "cut").mkdir()
    words = ["tune", "line.toml", *LR, "--trials", "4"]
    run(words, made(tmp_path / "whole", recipe))
    cut = made(tmp_path / "cut", recipe)
    process = started(cut, words, "trial 1/4")
    time.sleep(0.1)  # the next one is on its way
    process.kill()
    process.communicate()
    _wait_for_workers(cut)
    done = run(words, cut)
    assert "going on after" in done.stdout
    assert journal(cut) == journal(tmp_path / "whole")
    for number in range(1, 5):
        hashes = {
            run(["runs", "hash", f"studies/line/trial-{number}"], tmp_path / name).stdout for name in ("whole", "cut")
        }
        assert len(hashes) == 1


def _wait_for_workers(folder: Path) -> None:
    """Workers of a search that is gone end by themselves."""
    for _ in range(200):
        alive = []
        for path in Path("/proc").glob("[0-9]*"):
            try:
                if (
                    b"powertrain.tuning.worker" in (path / "cmdline").read_bytes()
                    and (path / "cwd").resolve() == folder
                ):
                    alive.append(path)
            except OSError:
                continue
        if not alive:
            return
        time.sleep(0.1)
    raise AssertionError(f"{alive} did not end")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_cleanly_and_the_same_command_goes_on(tmp_path: Path, number: int) -> None:
    folder = made(tmp_path, RECIPE.replace("3 epochs", "300 epochs"))
    words = ["tune", "line.toml", *LR, "--trials", "3", "--workers", "2", "--set", "run.save_seconds=0"]
    process = started(folder, words, "valid.accuracy")
    while not list(folder.glob("studies/line/*/checkpoints/*")):
        time.sleep(0.05)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 128 + number, err
    assert f"interrupted by {signal.Signals(number).name}; the same command goes on" in out
    _wait_for_workers(folder)
    assert not list(folder.glob("studies/line/*/results.json"))
    done = run([*words[:-1], "run.save_seconds=10"], folder)  # what is free may differ
    assert [one["state"] for one in journal(folder)].count("COMPLETE") + done.stdout.count("ended early") == 3
    assert "test " in done.stdout


def test_two_workers_make_every_trial_once(folder: Path) -> None:
    done = inside(["tune", "line.toml", *LR, "--trials", "6", "--workers", "2", "--no-prune", "--json"], folder)
    found = results(done)
    assert found["trials"] == {"complete": 6, "pruned": 0, "failed": 0, "unfinished": 0} and found["finished"]
    assert found["part"] == "test" and found["met"] and done.stdout.count("\n") == 1
    assert len({json.dumps(one["params"]) for one in journal(folder)}) == 6
    assert [len(one["values"]) for one in journal(folder)] == [3] * 6


def test_trials_that_are_worse_end_early(folder: Path) -> None:
    (folder / "learn.py").write_text(LEARN)
    recipe = RECIPE.replace("run  ", 'strategy = { use = "./learn.py:Planted" }\nrun  ').replace("3 epochs", "6 epochs")
    (folder / "line.toml").write_text(recipe.replace('"test.accuracy" = ">= 0.5"', ""))
    done = inside(["tune", "line.toml", "--space", "strategy.at=0.0..10.0", "--trials", "12", "--json"], folder)
    found = results(done)
    assert found["trials"]["pruned"] >= 2 and found["trials"]["failed"] == 0
    trials = journal(folder)
    for one in trials:
        assert (len(one["values"]) < 6) == (one["state"] == "PRUNED")
    complete = [one["value"] for one in trials if one["state"] == "COMPLETE"]
    assert found["best"]["value"] == min(complete) and found["better"] == "lower"
    assert (folder / "studies/line/learn.py").read_text() == LEARN  # the best recipe stands by itself
    inside(["train", "studies/line/line-best.toml", "--smoke"], folder)


# Its loss on held-out examples is a given function of a setting: nothing has to be learned.
LEARN = """\
from dataclasses import dataclass

import powertrain as pt
from powertrain.plugin import param


class Planted(pt.plugin.Strategy):
    @dataclass(frozen=True)
    class Params:
        at: float = param(1.0, low=0)
        breaks: str = param("")

    def setup(self, run):
        super().setup(run)
        print("what a plugin prints is in no one's way")
        if self.params.breaks == "error":
            raise RuntimeError("no luck\\x1b[31m")
        if self.params.breaks == "kill":
            import os, signal
            os.kill(os.getpid(), signal.SIGKILL)

    def step(self, t, batch):
        losses = self.loss(self.model(batch.x), batch.y)
        t.minimize(self.opt, losses, batch.weight)

    def losses(self, t, batch):
        return self.loss(self.model(batch.x), batch.y) * 0 + (self.params.at - 3.0) ** 2
"""


@pytest.mark.parametrize("how", ["error", "kill"])
def test_a_trial_that_fails_is_noted_and_the_search_goes_on(folder: Path, how: str) -> None:
    (folder / "learn.py").write_text(LEARN)
    recipe = RECIPE.replace("run  ", 'strategy = { use = "./learn.py:Planted" }\nrun  ')
    (folder / "line.toml").write_text(recipe.replace('"test.accuracy" = ">= 0.5"', ""))
    space = ["--space", f"strategy.breaks=''|'{how}'", "--space", "strategy.at=0.0..9.0"]
    found = results(inside(["tune", "line.toml", *space, "--trials", "8", "--json"], folder))
    assert found["trials"]["complete"] >= 1 and found["trials"]["failed"] >= 1
    assert found["trials"]["complete"] + found["trials"]["failed"] == 8
    page = (folder / "studies/line/report.html").read_text()
    reason = "RuntimeError: no luck\\x1b[31m" if how == "error" else "its process was ended by SIGKILL"
    assert reason in page and "\x1b" not in page
    assert "in no one&#x27;s way" not in page and "in no one's way" in (folder / "studies/line/workers.log").read_text()


def test_a_loss_that_is_no_number_is_a_failure_with_its_reason(folder: Path) -> None:
    words = ["tune", "line.toml", "--space", "optimizer.lr=1e-2|1e30", "--trials", "6"]
    done = inside([*words, "--metric", "valid.loss"], folder)
    failed = [line for line in done.stdout.splitlines() if "failed" in line]
    assert failed and all("optimizer.lr=1e30" in line and "[" in line for line in failed)


def test_all_trials_failing_is_an_error(folder: Path) -> None:
    words = ["tune", "line.toml", "--space", "optimizer.lr=1e29..1e30", "--trials", "3"]
    done = inside(words, folder, expect=2)
    said = r"^\[tune\] all 3 trials failed; expected one that is trained to its end; the last said: "
    assert re.search(said, done.stderr, re.MULTILINE)


def test_what_cannot_be_searched_is_said_before_a_folder_is_made(folder: Path) -> None:
    (folder / "bare.toml").write_text(RECIPE.replace("valid = 0.2, ", ""))
    cases = [
        (["line.toml"], "[space] received 0 settings"),
        (["line.toml", "--space", "optimizer.lr=-1..1"], "[space optimizer.lr] received -1"),
        (["line.toml", *LR, "--metric", "valid.acuracy"], "did you mean valid.accuracy?"),
        (["line.toml", *LR, "--metric", "test.accuracy"], "it is not measured while the recipe trains"),
        (["bare.toml", *LR], "points has no valid part; expected one to compare trials on"),
        (["line.toml", *LR, "--set", "data.path=gone.npz"], "gone.npz"),
        (["line.toml", *LR, "--set", "model.hidden=[]"], "["),
        (["gone.toml", *LR], "[gone.toml] there is no such file"),
        (["line.toml", *LR, "--seed", "-1"], "received seed=-1"),
    ]
    for words, text in cases[:6] + cases[7:]:
        done = inside(["tune", *words], folder, expect=2)
        assert text in done.stderr and "Traceback" not in done.stderr, done.stderr
    assert not list(folder.glob("studies/*/study.json"))


def test_an_expectation_that_the_winner_misses_is_exit_code_1(folder: Path) -> None:
    inside(
        ["tune", "line.toml", *LR, "--trials", "1", "--set", 'expect={ "test.accuracy" = ">= 1.1" }'], folder, expect=1
    )


def test_time_that_is_over_saves_and_goes_on_later(tmp_path: Path) -> None:
    folder = made(tmp_path, RECIPE.replace("3 epochs", "2000 epochs"))
    words = ["tune", "line.toml", *LR, "--trials", "2", "--json"]
    found = results(inside([*words, "--max-minutes", "0.05"], folder))
    assert not found["finished"] and found["trials"]["unfinished"] == 1 and found["scores"] == {}


def test_an_environment_is_searched_by_its_return(tmp_path: Path) -> None:
    pytest.importorskip("powertrain_rl")
    words = ["tune", "ppo-cartpole", "--space", "optimizer.lr=1e-4..1e-2 log", "--trials", "1", "--set",
             "run.until=2_000 env_steps", "--set", "expect={}", "--json"]  # fmt: skip
    found = results(inside(words, tmp_path))
    assert found["metric"] == "env.return" and found["better"] == "higher" and found["part"] == "env"


def test_a_file_of_the_users_own_name_is_not_imported_by_workers(folder: Path) -> None:
    (folder / "random.py").write_text("raise SystemExit('imported')")
    done = subprocess.run(
        [*command(["--version"])[:1], "-c", "import sys; sys.path[:] = [p for p in sys.path if p]\n"
         "from powertrain.cli import main; sys.exit(main())", "tune", "line.toml", *LR, "--trials", "1",
         "--set", "expect={}"],
        cwd=folder, env=environment(), capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
