"""docs/ideas: each page has its picture, the list has each page, and the engine draws the pictures as they are."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
IDEAS = ROOT / "docs" / "ideas"
MAKE = ROOT / "tools" / "drawings" / "make.py"
NAMES = sorted(path.stem for path in IDEAS.glob("*.md") if path.stem != "README")
DRAWN = sorted(
    path.stem for folder in (IDEAS / "pictures", ROOT / "docs" / "drawings") for path in folder.glob("*.svg")
)


def test_each_idea_has_a_page_a_picture_and_a_line_in_the_list() -> None:
    readme = (IDEAS / "README.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\]\(([\w-]+)\.md\)", readme)) == NAMES
    assert sorted(path.stem for path in (IDEAS / "pictures").iterdir()) == NAMES
    for name in NAMES:
        text = (IDEAS / f"{name}.md").read_text(encoding="utf-8")
        assert re.findall(r"!\[.+\]\((.*)\)", text) == [f"pictures/{name}.svg"], name
        assert "**Try it.**" in text and text.count("\n") <= 32, name


def test_each_recipe_names_ideas_that_have_a_page() -> None:
    recipes = [*ROOT.glob("python/powertrain/builtin/recipes/*.toml"), *ROOT.glob("plugins/*/src/*/recipes/*.toml")]
    assert len(recipes) > 25
    for path in recipes:
        (named,) = re.findall(r"^#.* See: powertrain help (ideas/.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        for idea in named.split(", "):
            assert idea.removeprefix("ideas/") in NAMES, (path.name, idea)


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_is_narrow_enough_for_a_phone(name: str) -> None:
    """Words of 12 pixels keep 10 where 420 are shown in 358."""
    drawn = (IDEAS / "pictures" / f"{name}.svg").read_text(encoding="utf-8")
    (width,) = re.findall(r'^<svg [^>]*\bwidth="(\d+)"', drawn)
    assert int(width) <= 440
    assert min(map(int, re.findall(r'font-size="(\d+)"', drawn))) >= 12


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWN)
def test_a_picture_is_what_the_engine_draws(name: str) -> None:
    done = subprocess.run([sys.executable, MAKE, "--check", name], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_unknown_picture_is_refused() -> None:
    done = subprocess.run([sys.executable, MAKE, "overfittng"], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr.startswith("[make] received overfittng; expected some of gradient-descent, learning-rate, ")
