"""Trained runs leave home: moved, and without their data, each predicts the same, and is explained and exported as
docs/exports.md says."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_all_recipes import OWN, PLUGINS, train

from leaving import BARE, REASONS, asked, moved, row
from powertrain.train.evaluate.review import open_run

PAGE = Path(__file__).parents[2] / "docs" / "exports.md"
RECIPES = {*OWN, *(path.stem for path in PLUGINS.glob("*/src/*/recipes/*.toml"))}


def lines() -> dict[str, str]:
    """The rows of the page by recipe."""
    table = PAGE.read_text(encoding="utf-8").split("\n| recipe |")[1].split("\n\n")[0]
    return {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}


def test_the_page_has_recipes_and_reasons_that_there_are() -> None:
    assert set(lines()) <= RECIPES
    text = PAGE.read_text(encoding="utf-8")
    assert [word for word in REASONS if f"| {word} |" not in text] == ["no attention"]  # then by gradients, or neither
    words = {cell.strip() for line in lines().values() for cell in line.strip("|").split("|")[2:]}
    assert words <= {"yes", BARE, *REASONS}


@pytest.mark.peers
@pytest.mark.parametrize(
    "recipe", [pytest.param(one, marks=[] if one == "digits" else pytest.mark.slow) for one in sorted(lines())]
)
def test_a_trained_recipe_leaves_home(recipe: str, tmp_path: Path) -> None:
    for name in ("torch", "onnxruntime", "powertrain_onnx"):
        pytest.importorskip(name, reason=f"{name} reads what was exported")
    here = tmp_path / "here"
    here.mkdir()
    done = train(recipe, here, "--smoke", "--set", "report.baseline=false")
    assert done.returncode == 0, done.stdout + done.stderr
    home = open_run(here / "run", data=True)
    x = asked(home.run)
    found = moved(here / "run", tmp_path / "there", x, home.predict(x).outputs)
    assert row(recipe, found) == lines()[recipe], "docs/exports.md has another line"
