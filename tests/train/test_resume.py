"""Runs that go on: with another target, after Ctrl-C, from a damaged checkpoint, with another recipe. Kills are in
tests/crash."""

from __future__ import annotations

import signal
from pathlib import Path

from running import ENDLESS, SMALL, results, run, started


def test_another_seed_has_another_hash(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    given = [["train", "small.toml", "--json", "--set", f"run.seed={seed}", "--run", name]
             for name, seed in (("a", 3), ("b", 3), ("c", 4))]  # fmt: skip
    hashes = [results(run(arguments, tmp_path))["hash"] for arguments in given]
    assert hashes[0] == hashes[1] != hashes[2]


def test_a_longer_target_goes_on_from_where_the_run_ended(tmp_path: Path) -> None:
    constant = SMALL.replace(', schedule = "cosine"', "")  # a schedule is stretched over the target
    (tmp_path / "small.toml").write_text(constant)
    whole = results(run(["train", "small.toml", "--run", "whole", "--json"], tmp_path))
    run(["train", "small.toml", "--set", "run.until=2 epochs", "--run", "parts", "--json"], tmp_path)
    parts = results(run(["train", "small.toml", "--run", "parts", "--resume", "--json"], tmp_path))
    assert parts["hash"] == whole["hash"]


def test_training_a_finished_run_again_does_nothing_and_says_so(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    run(["train", "small.toml", "--run", "a"], tmp_path)
    before = run(["runs", "hash", "a"], tmp_path).stdout
    again = run(["train", "small.toml", "--run", "a", "--resume"], tmp_path)
    assert "nothing to do: a has reached 6 epochs; raise run.until to train on" in again.stdout
    assert run(["runs", "hash", "a"], tmp_path).stdout == before


def test_a_run_that_early_stopping_ended_is_finished(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL.replace("6 epochs", "500 epochs").replace("5 }", "1 }"))
    stop = ["--set", "run.stop.patience=2"]
    first = results(run(["train", "small.toml", *stop, "--run", "a", "--json"], tmp_path))
    assert first["steps"] < 500 * 20
    again = run(["train", "small.toml", *stop, "--run", "a", "--resume"], tmp_path)
    assert "nothing to do: a was ended by early stopping; raise run.stop.patience to train on" in again.stdout


def test_a_damaged_checkpoint_is_said_and_the_one_before_is_used(
    tmp_path: Path,
) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    run(["train", "small.toml", "--set", "run.until=4 epochs", "--set", "report.worst=0", "--run", "a"], tmp_path)
    newest = sorted((tmp_path / "a" / "checkpoints").glob("*.safetensors"))[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    done = run(["train", "small.toml", "--set", "run.until=4 epochs", "--run", "a", "--resume", "--json"], tmp_path)
    assert "is not used: " in done.stderr and "trying the one before" in done.stderr


def test_a_run_without_a_checkpoint_says_that_it_begins_again(tmp_path: Path) -> None:
    process = started(tmp_path, ENDLESS.replace("save_seconds = 0", "save_seconds = 1000"))
    process.kill()
    process.communicate()
    again = run(["train", "small.toml", "--set", "run.until=1 epochs", "--run", "a", "--resume"], tmp_path).stdout
    assert again.splitlines()[1] == (
        "note   it begins again, since the run ended before its first checkpoint; a smaller run.save_seconds saves "
        "earlier (here 1000)"
    )
    assert "it begins again" not in run(["train", "small.toml", "--set", "run.until=1 epochs"], tmp_path).stdout


def test_ctrl_c_commits_and_says_how_to_resume(tmp_path: Path) -> None:
    process = started(tmp_path, ENDLESS)
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopping after this round" in errors
    assert "resume  powertrain train small.toml --run a --resume" in output
    assert len(run(["runs", "hash", "a"], tmp_path).stdout.strip()) == 64


def test_what_goes_on_with_a_run_has_its_settings(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(ENDLESS)
    setting = ["--set", "run.until=90000 epochs"]
    done = run(["train", "small.toml", *setting, "--max-minutes", "0.001", "--run", "a"], tmp_path)
    assert "resume  powertrain train small.toml --set 'run.until=90000 epochs' --run a --resume" in done.stdout


def test_another_recipe_is_not_resumed(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    run(["train", "small.toml", "--set", "run.until=1 epoch", "--run", "a"], tmp_path)
    done = run(["train", "small.toml", "--set", "model.hidden=[16]", "--run", "a", "--resume"], tmp_path, expect=2)
    assert done.stderr.strip() == (
        "[a] the recipe has changed since this run began: model.hidden was [32], is [16]; expected the same "
        "recipe, in which only run.until, run.stop, run.keep, run.histograms, run.zero, run.num_workers, run.threads, "
        "run.device, run.save_seconds, evaluate.samples, expect, report may change; undo the change, or begin a new "
        "run without --resume"
    )


def test_a_damaged_lock_is_said(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    run(["train", "small.toml", "--run", "a", "--set", "run.until=1 epoch"], tmp_path)
    (tmp_path / "a" / "run.lock").write_text("{half")
    done = run(["train", "small.toml", "--run", "a", "--resume", "--set", "run.until=2 epochs"], tmp_path, expect=2)
    assert done.stderr.strip() == (
        "[a/run.lock] it cannot be read; expected the versions that made it; restore it, or begin a new run "
        "without --resume"
    )
