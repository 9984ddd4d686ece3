"""The plugins of this distribution keep what their protocols promise, and the example recipe trains."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent.parent
found = re.search(r'^name = "(.+)"$', (HERE / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
assert found is not None
NAME = found[1]


def powertrain(*arguments: str) -> None:
    command = [sys.executable, "-m", "powertrain.cli", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_plugin_passes_the_check() -> None:
    powertrain("plugins", "check", NAME)


def test_the_example_trains(tmp_path: Path) -> None:
    recipe = HERE / "example.toml"
    powertrain("train", str(recipe), "--smoke", "--run", str(tmp_path / "run"))
