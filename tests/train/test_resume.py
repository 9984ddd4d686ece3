"""Law 3, the part about kills: a run that is killed anywhere and resumed ends with the same bits.

POWERTRAIN_KILLS says how many kills a run of this test gets (default 3; the long tests use hundreds).
"""

from __future__ import annotations

import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from powertrain.train.folder.ledger import read_lines
from running import SMALL, command, environment, results, run, started

KILLS = int(os.environ.get("POWERTRAIN_KILLS", "3"))
SEED = int(os.environ.get("POWERTRAIN_KILL_SEED", "0"))


# Long enough that most kills fall into training, not into the start of Python.
LONG = (
    SMALL.replace("6 epochs", "120 epochs")
    .replace(', stop = { watch = "valid.accuracy" }', "")
    .replace("[32]", "[128]")
)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, float, float]:
    """The hash of a run that nothing disturbs, how long its process takes, and how long it trains."""
    folder = tmp_path_factory.mktemp("undisturbed")
    (folder / "small.toml").write_text(LONG)
    start = time.monotonic()
    done = results(run(["train", "small.toml", "--run", "a", "--json"], folder))
    seconds = time.monotonic() - start
    digest = run(["runs", "hash", "a"], folder).stdout.strip()
    assert done["hash"] == digest
    return digest, seconds, done["seconds"]


def killed(arguments: list[str], folder: Path, after: float) -> bool:
    """Start the command, kill it after so many seconds; whether it was still running."""
    process = subprocess.Popen(
        command(arguments), cwd=folder, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    try:
        _, errors = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    assert process.returncode == 0, errors.decode()
    return False


def test_the_same_run_twice_has_the_same_hash(undisturbed: tuple[str, float, float], tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(LONG)
    assert results(run(["train", "small.toml", "--run", "b", "--json"], tmp_path))["hash"] == undisturbed[0]


def test_another_seed_has_another_hash(undisturbed: tuple[str, float, float], tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(LONG)
    other = results(run(["train", "small.toml", "--set", "run.seed=4", "--run", "b", "--json"], tmp_path))
    assert other["hash"] != undisturbed[0]


def test_killed_anywhere_and_resumed_ends_with_the_same_bits(
    undisturbed: tuple[str, float, float], tmp_path: Path
) -> None:
    digest, seconds, training = undisturbed
    chance = random.Random(SEED)
    (tmp_path / "small.toml").write_text(LONG)
    kills = taken_up = runs = 0
    while kills < KILLS or runs == 0:
        name, finished = f"run-{runs}", False
        while not finished:
            began = (tmp_path / name / "run.json").exists()
            arguments = ["train", "small.toml", "--run", name, *(["--resume"] if began else []), "--json"]
            # From when training usually begins to its end; now and then from the very start of the process.
            least = 0.0 if chance.random() < 0.2 else max(0.0, seconds - training)
            after = chance.uniform(least, seconds) if kills < KILLS else 60 * seconds
            start = time.monotonic()
            finished = not killed(arguments, tmp_path, after)
            if finished and not began:  # the first run may have been timed while the machine had more to do
                seconds = min(seconds, time.monotonic() - start)
            kills += not finished
        taken_up += sum(line["event"] == "resume" and line["step"] > 0 for line in read_lines(tmp_path / name))
        assert run(["runs", "hash", name], tmp_path).stdout.strip() == digest
        runs += 1
    assert taken_up > 0 or KILLS < 3, "no kill fell between the first checkpoint and the end"


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


def test_ctrl_c_commits_and_says_how_to_resume(tmp_path: Path) -> None:
    process = started(tmp_path, SMALL.replace("6 epochs", "2000 epochs"))
    process.send_signal(signal.SIGINT)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "stopping after this round" in errors
    assert "resume  powertrain train small.toml --run a --resume" in output
    assert len(run(["runs", "hash", "a"], tmp_path).stdout.strip()) == 64


def test_another_recipe_is_not_resumed(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    run(["train", "small.toml", "--set", "run.until=1 epoch", "--run", "a"], tmp_path)
    done = run(["train", "small.toml", "--set", "model.hidden=[16]", "--run", "a", "--resume"], tmp_path, expect=2)
    assert done.stderr.strip() == (
        "[a] the recipe has changed since this run began: model.hidden was [32], is [16]; expected the same recipe; "
        "undo the change, or begin a new run without --resume"
    )


def test_a_damaged_lock_is_said(tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text(SMALL)
    run(["train", "small.toml", "--run", "a", "--set", "run.until=1 epoch"], tmp_path)
    (tmp_path / "a" / "run.lock").write_text("{half")
    done = run(["train", "small.toml", "--run", "a", "--resume", "--set", "run.until=2 epochs"], tmp_path, expect=2)
    assert done.stderr.strip() == (
        "[a/run.lock] it cannot be read; expected the versions that made it; bring it back, or begin a new run "
        "without --resume"
    )
