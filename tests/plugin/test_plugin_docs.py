"""The code of docs/plugins: each plugin passes the check, each recipe trains."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from test_check import examine

from c_library import COMPILER, CPP_COMPILER, build, build_cpp
from powertrain.plugin.protocols import GROUPS
from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.session import train

PAGES = sorted((Path(__file__).parents[2] / "docs" / "plugins").glob("*.md"))
KINDS = [path for path in PAGES if path.stem in GROUPS]


def files(page: Path) -> dict[str, str]:
    """The files that a page writes: blocks of code whose first line is a comment with a name."""
    text = page.read_text(encoding="utf-8")
    found = re.findall(r"^```\w+\n(?:#|//) (\S+)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return dict(found)


def test_there_is_a_page_for_each_kind_that_is_read() -> None:
    assert {path.stem for path in KINDS} == set(GROUPS)
    readme = next(path for path in PAGES if path.stem == "README").read_text(encoding="utf-8")
    for path in [*KINDS, *(path for path in PAGES if path.stem == "check")]:
        assert f"({path.name})" in readme


@pytest.mark.parametrize("page", KINDS, ids=lambda page: page.stem)
def test_the_plugin_of_a_page_passes_the_check(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = files(page)
    for name, text in made.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    if page.stem == "recipe":
        load_recipe(str(tmp_path / "small.toml"))
        return
    if page.stem == "kernel":
        _kernels_pass(made, tmp_path / "package", monkeypatch)
        return
    for name in (name for name in made if name.endswith(".py")):
        attribute = re.findall(r"^(?:class|def) (\w+)", made[name], re.MULTILINE)[0]
        plugin = f"documented-{name.removesuffix('.py')}"
        found = examine(page.stem, plugin, made[name], tmp_path / "package", monkeypatch, attribute)
        assert [one.line() for one in found] == []


def _kernels_pass(made: dict[str, str], folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if COMPILER is None:
        pytest.skip("no C compiler")
    folder.mkdir()
    build(made["rows.c"], folder / "rows.so")
    assert [one.line() for one in examine("kernel", "in-c", made["kernel.py"], folder, monkeypatch, "scale")] == []
    if CPP_COMPILER is not None:
        build_cpp(made["shift.cpp"], folder / "shift.so")
        assert [one.line() for one in examine("kernel", "in-cpp", made["shift.py"], folder, monkeypatch, "shift")] == []
    pytest.importorskip("numba")
    assert [one.line() for one in examine("kernel", "by-numba", made["cap.py"], folder, monkeypatch, "cap")] == []


RECIPES = [(page, name) for page in KINDS for name in files(page) if name.endswith(".toml")]


@pytest.mark.parametrize(("page", "name"), RECIPES, ids=lambda part: part.stem if isinstance(part, Path) else part)
def test_the_recipe_of_a_page_trains(page: Path, name: str, tmp_path: Path) -> None:
    for file, text in files(page).items():
        (tmp_path / file).write_text(text, encoding="utf-8")
    if page.stem == "kernel":
        pytest.importorskip("numba")
    short = {"env": "run.until=640 env_steps", "recipe": "run.until=2 epochs"}.get(page.stem, "run.until=3 epochs")
    settings = [short, "report.baseline=false", "expect={}"]
    if page.stem == "env":
        settings.append("run.evaluate={every='320 env_steps'}")
    recipe = load_recipe(str(tmp_path / name), settings)
    outcome = train(recipe, tmp_path / "run", display=Display(quiet=True))
    assert outcome.finished
    measured = outcome.results[outcome.results["part"]]
    name, least = {"env": ("return", 0.0), "task": ("mae", 0.0)}.get(page.stem, ("accuracy", 0.2))
    assert measured[name] > least
