"""The plugins of this distribution keep what their protocols promise, and the example recipe trains."""

from __future__ import annotations

import re
from pathlib import Path

from powertrain.plugin.testing import powertrain

HERE = Path(__file__).parent.parent
found = re.search(r'^name = "(.+)"$', (HERE / "pyproject.toml").read_text(encoding="utf-8"), re.MULTILINE)
assert found is not None
NAME = found[1]


def test_every_plugin_passes_the_check(tmp_path: Path) -> None:
    powertrain("plugins", "check", NAME, folder=tmp_path)


def test_the_example_trains(tmp_path: Path) -> None:
    powertrain("train", str(HERE / "example.toml"), "--smoke", "--run", "run", folder=tmp_path)
