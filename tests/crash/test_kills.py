"""Law 3, the part about kills: a run that is killed anywhere and resumed ends with the same bits, however it learns.

POWERTRAIN_KILLS says how many kills the recipes get together (default 5; CI has 50, the long tests hundreds).
"""

from __future__ import annotations

import importlib.util
import os
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import NamedTuple

import pytest
from crash_recipes import RECIPES

from powertrain.train.folder.ledger import read_lines
from running import command, environment, results, run, without_pictures

KILLS = -(-int(os.environ.get("POWERTRAIN_KILLS", "5")) // len(RECIPES))  # of each recipe
SEED = int(os.environ.get("POWERTRAIN_KILL_SEED", "0"))
ONE_ROUND = ("lightgbm",)  # these begin again, whenever they are killed


class Undisturbed(NamedTuple):
    """A run that nothing disturbs: its hash, how long its process takes, and how long it trains."""

    name: str
    digest: str
    seconds: float
    training: float


@pytest.fixture(scope="module", params=RECIPES)
def undisturbed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    recipe = RECIPES[request.param]
    if lacking := [name for name in recipe.needs if importlib.util.find_spec(name) is None]:
        pytest.skip(f"{', '.join(lacking)} is not installed")
    folder = tmp_path_factory.mktemp(request.param)
    recipe.write(folder)
    start = time.monotonic()
    done = results(run(["train", "small.toml", "--run", "a", "--json"], folder, [without_pictures()]))
    seconds = time.monotonic() - start
    assert run(["runs", "hash", "a"], folder).stdout.strip() == done["hash"]
    return Undisturbed(request.param, done["hash"], seconds, done["seconds"])


def killed(arguments: list[str], folder: Path, after: float, watched: Path | None = None) -> bool:
    """Start the command, kill it after so many seconds; whether it was still running.

    The seconds count from its start, or from when it has written a checkpoint into `watched`, the folder of its run.
    """
    before = checkpoints(watched)
    process = subprocess.Popen(
        command(arguments), cwd=folder, env=environment([without_pictures()]), stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    while watched is not None and process.poll() is None and checkpoints(watched) <= before:
        time.sleep(0.002)
    try:
        _, errors = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    assert process.returncode == 0, errors.decode()
    return False


def checkpoints(run: Path | None) -> set[str]:
    return set() if run is None else {path.name for path in (run / "checkpoints").glob("round-*.json")}


def test_killed_anywhere_and_resumed_ends_with_the_same_bits(undisturbed: Undisturbed, tmp_path: Path) -> None:
    name, digest, seconds, training = undisturbed
    chance = random.Random(f"{SEED} {name}")
    RECIPES[name].write(tmp_path)
    kills = taken_up = runs = 0
    pace = 1.0
    while kills < KILLS or runs == 0:
        folder, finished, began_anew = f"run-{runs}", False, True
        while not finished:
            # From the first checkpoint that this process writes to the end; now and then from its very start.
            watched = None if name in ONE_ROUND or kills == KILLS or chance.random() < 0.2 else tmp_path / folder
            after = 60 * seconds if kills == KILLS else pace * chance.uniform(0, training if watched else seconds)
            start = time.monotonic()
            finished = not killed(
                ["train", "small.toml", "--run", folder, "--resume", "--json"], tmp_path, after, watched
            )
            if finished and began_anew:  # the undisturbed run may have been timed while the machine had more to do
                pace = min(pace, (time.monotonic() - start) / seconds)
            kills += not finished
            began_anew = False
        taken_up += sum(line["event"] == "resume" and line["step"] > 0 for line in read_lines(tmp_path / folder))
        assert run(["runs", "hash", folder], tmp_path).stdout.strip() == digest
        runs += 1
    assert taken_up > 0 or KILLS < 5 or name in ONE_ROUND, "no kill fell between the first checkpoint and the end"
