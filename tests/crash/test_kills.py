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


def killed(arguments: list[str], folder: Path, after: float) -> bool:
    """Start the command, kill it after so many seconds; whether it was still running."""
    process = subprocess.Popen(
        command(arguments), cwd=folder, env=environment([without_pictures()]), stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        _, errors = process.communicate(timeout=after)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.communicate()
        return True
    assert process.returncode == 0, errors.decode()
    return False


def test_killed_anywhere_and_resumed_ends_with_the_same_bits(undisturbed: Undisturbed, tmp_path: Path) -> None:
    name, digest, seconds, training = undisturbed
    chance = random.Random(f"{SEED} {name}")
    RECIPES[name].write(tmp_path)
    kills = taken_up = runs = 0
    while kills < KILLS or runs == 0:
        folder, finished, began_anew = f"run-{runs}", False, True
        while not finished:
            # From when training usually begins to its end; now and then from the very start of the process.
            least = 0.0 if chance.random() < 0.2 else max(0.0, seconds - training)
            after = chance.uniform(least, seconds) if kills < KILLS else 60 * seconds
            start = time.monotonic()
            finished = not killed(["train", "small.toml", "--run", folder, "--resume", "--json"], tmp_path, after)
            if finished and began_anew:  # the first run may have been timed while the machine had more to do
                seconds = min(seconds, time.monotonic() - start)
            kills += not finished
            began_anew = False
        taken_up += sum(line["event"] == "resume" and line["step"] > 0 for line in read_lines(tmp_path / folder))
        assert run(["runs", "hash", folder], tmp_path).stdout.strip() == digest
        runs += 1
    assert taken_up > 0 or KILLS < 5 or name in ONE_ROUND, "no kill fell between the first checkpoint and the end"
