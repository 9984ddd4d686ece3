"""docs/optimizers.md: its code runs from top to bottom, and its tables name what there is."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from powertrain.optim import schedules
from powertrain.plugin.registry import registry

TEXT = (Path(__file__).parents[2] / "docs" / "optimizers.md").read_text(encoding="utf-8")
# Two columns of the table of schedules: names in Python, and in recipes.
ROWS = re.findall(r"^\| (`[A-Z]\w+`.*?) \| (.*?) \| .*? \|$", TEXT, re.MULTILINE)


def test_its_code_runs(capsys: pytest.CaptureFixture[str]) -> None:
    names: dict[str, Any] = {}
    for block in re.findall(r"^```python\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL):
        exec(compile(block, "docs/optimizers.md", "exec"), names)
    rate, norm = map(float, capsys.readouterr().out.split())
    assert rate == pytest.approx(1e-3 * (0.01 + 0.99 * 3 / 100)) and norm > 0
    assert names["schedule"](100) == 1.0 and names["schedule"](1000, 1e-3) == pytest.approx(1e-5)
    assert [group["names"] for group in names["opt"].param_groups] == [[path for path, _ in names["opt"].params]]
    assert names["ema"].count.value.item() == 1


def test_its_table_names_every_schedule() -> None:
    said = {name for row, _ in ROWS for name in re.findall(r"`(\w+)`", row)}
    assert said == {name for name in schedules.__all__ if not name.startswith(("Schedule", "Lambda"))}
    recipes = {name for _, row in ROWS for name in re.findall(r"`([a-z-]+)`", row)}
    own = {plugin.name for plugin in registry().plugins("schedule") if plugin.distribution == "powertrain"}
    assert recipes == own - {"constant"}
