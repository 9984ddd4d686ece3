"""No damaged run folder, and none that a stranger made, crashes a verb, makes it hang or write elsewhere."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from running import SMALL, environment, run

COUNT, CHUNK = 500, 25
MODEL = """
from powertrain.builtin.models import MLP

class Net(MLP):
    pass
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe, inputs to predict, and a finished run, from which the damaged ones are made."""
    folder = tmp_path_factory.mktemp("folders")
    (folder / "model.py").write_text(MODEL)
    (folder / "small.toml").write_text(SMALL.replace('use = "mlp"', 'use = "./model.py:Net"').replace("6 ep", "2 ep"))
    np.save(folder / "x.npy", np.zeros((2, 8, 8), np.float32))
    run(["train", "small.toml", "--run", "template"], folder)
    return folder


def attacked(place: Path, first: int, last: int) -> list[str]:
    """The seeds of a range that something is wrong with, in words."""
    child = Path(__file__).with_name("folders.py")
    done = subprocess.run(
        [sys.executable, str(child), str(place / "template"), str(place), str(first), str(last)],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60 * (last - first),
        check=False,
    )
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    faults = [
        f"seed {one['seed']} ({', '.join(one['damage'])}), {verb}: {text}"
        for one in answers
        for verb, text in one["wrong"].items()
    ]
    if done.returncode or len(answers) != last - first:
        faults.append(f"it ended with {done.returncode} after {len(answers)} folders:\n{done.stderr[-3000:]}")
    return faults


@pytest.mark.parametrize("first", range(0, COUNT // 10, CHUNK))
def test_damaged_folders_are_refused_clearly(place: Path, first: int) -> None:
    assert attacked(place, first, first + CHUNK) == []


@pytest.mark.long
@pytest.mark.parametrize("first", range(COUNT // 10, COUNT, CHUNK))
def test_many_damaged_folders_are_refused_clearly(place: Path, first: int) -> None:
    assert attacked(place, first, first + CHUNK) == []
