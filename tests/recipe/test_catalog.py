"""The list of recipes and the explanation of their keys: each is made from one table, and holds all there is."""

from __future__ import annotations

import dataclasses
import json
import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

import pytest
from test_recipe import PLUGINS

import requirements
from powertrain.recipe.catalog import Entry, catalog
from powertrain.recipe.reader import SECTIONS as KNOWN
from powertrain.recipe.reference import HelpError, explain, keys, page
from powertrain.recipe.sections import EvaluateSection, ReportSection, RunSection, Split, Surroundings
from running import inside, run

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "tools"))

import recipe_catalog  # noqa: E402

FAMILIES = ("vision", "text", "audio", "tabular", "generative", "rl", "xla")


def test_the_catalog_is_what_the_recipes_say() -> None:
    """Written by `python tools/recipe_catalog.py`."""
    assert recipe_catalog.FILE.read_text(encoding="utf-8") == recipe_catalog.text()


def test_every_recipe_says_what_it_teaches() -> None:
    rows = json.loads(recipe_catalog.text())
    assert len(rows) > 25 and all(row["teaches"] and row["data"] for row in rows)
    assert [row["name"] for row in rows if not row["figure"]] == []


def test_recipes_that_are_not_installed_are_listed_with_their_command() -> None:
    """PLUGINS stands for a Python in which nothing is installed."""
    found = {one.name: one for one in catalog(PLUGINS)}
    assert found["mnist1d-cnn"].install == "pip install powertrain-vision"
    assert found["mnist1d-cnn"].line().endswith("(pip install powertrain-vision)")


def test_a_line_says_task_data_figure_and_time(tmp_path: Path) -> None:
    lines = inside(["recipes"], tmp_path).stdout.splitlines()
    assert lines[1] == (
        "digits                   classification of digits by cnn, test.accuracy >= 0.985, 60 s: Handwritten digits, "
        "8 x 8 pixels: a small convolutional network in seconds"
    )
    bare = Entry("own", "acme", "1.0")
    assert bare.line() == "own                      acme 1.0" and bare.install == ""


def test_a_stranger_s_recipe_is_told_by_its_own_file(tmp_path: Path) -> None:
    """It lies beside the module that the entry point names, which is not imported."""
    package, info = tmp_path / "acme" / "parts", tmp_path / "acme-1.0.dist-info"
    package.mkdir(parents=True)
    info.mkdir()
    (package / "ore.toml").write_text('# Grades ore. Another sentence.\ndata = "digits"\nmodel = "linear"\n')
    for folder in (package, package.parent):
        (folder / "__init__.py").write_text("raise SystemExit\n")
    names = "ore = acme.parts.recipes:ore\nlost = acme.parts.recipes:lost\nnowhere = no_such.module:it\n"
    (info / "entry_points.txt").write_text(f"[powertrain.v1.recipe]\n{names}")
    said = run(["recipes"], tmp_path, [tmp_path]).stdout
    assert f"{'ore':<24} digits by linear: Grades ore\n" in said
    assert f"{'lost':<24} acme 1.0\n" in said and f"{'nowhere':<24} acme 1.0\n" in said


def test_a_recipe_is_shown(tmp_path: Path) -> None:
    text = (ROOT / "python" / "powertrain" / "builtin" / "recipes" / "digits.toml").read_text(encoding="utf-8")
    assert run(["recipes", "show", "digits"], tmp_path).stdout.strip() == text.strip()
    assert run(["recipes", "show"], tmp_path, expect=2).stderr.strip() == (
        "[recipes show] received no name; expected one; powertrain recipes lists them"
    )


# ---------------------------------------------------------------- keys


def test_every_key_that_the_reader_takes_is_explained() -> None:
    found = keys()
    assert {path for path in found if "." not in path} == set(KNOWN)
    tables = {"data.split": Split, "optimizer": Surroundings, "run": RunSection, "evaluate": EvaluateSection,
              "report": ReportSection}  # fmt: skip
    for prefix, table in tables.items():
        for field in dataclasses.fields(table):
            assert found[f"{prefix}.{field.name}"].doc, field.name
    assert all(key.doc and (key.wanted or "." not in key.path) for key in found.values())


def test_the_page_of_the_documentation_is_made_from_the_table() -> None:
    """Written by `python tools/recipe_reference.py`."""
    assert (ROOT / "docs" / "recipes" / "reference.md").read_text(encoding="utf-8") == page()


def _named(value: object) -> list[str]:
    """The plugins that a part of a recipe names."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, list):
        return [name for one in value for name in _named(one)]
    assert isinstance(value, dict)
    return [str(value["use"])] if "use" in value else [name for one in value.values() for name in _named(one)]


def test_the_examples_of_keys_name_plugins_that_there_are() -> None:
    groups = {"features": "transform", "callbacks": "callback"}
    entries = [requirements.read(path)["project"].get("entry-points", {})
               for path in (ROOT / "pyproject.toml", *(ROOT / "plugins").glob("*/pyproject.toml"))]  # fmt: skip
    tried = 0
    for section in ("data", "features", "model", "loss", "strategy", "optimizer", "callbacks"):
        known = {name for one in entries for name in one.get(f"powertrain.v1.{groups.get(section, section)}", {})}
        made = tomllib.loads(keys()[section].example)[section]
        for name in _named({"use": made["use"]} if isinstance(made, dict) else made):
            assert name in known, f"the example of {section} names {name}"
            tried += 1
    assert tried >= 8
    schedules = {name for one in entries for name in one.get("powertrain.v1.schedule", {})}
    assert tomllib.loads(keys()["optimizer.schedule"].example)["schedule"]["use"] in schedules


def test_help_explains_a_key_and_those_below_it(tmp_path: Path) -> None:
    assert run(["help", "run.stop"], tmp_path).stdout.splitlines() == [
        "run.stop: Ends a run early when a watched metric no longer improves, and keeps the best weights",
        "  expected  a table",
        "  default   none",
        "  run.stop.watch: a metric of the validation part",
        "  run.stop.patience: evaluations without improvement before the run ends",
        "  run.stop.mode: which way is better; auto: min for losses",
    ]
    assert explain("data.unlabelled") == explain("data.ROLE")
    assert run(["help"], tmp_path).stdout.splitlines()[0].startswith("data       what is learned from")
    with pytest.raises(HelpError, match=r"received clip; expected .* name; did you mean optimizer\.clip\?;"):
        explain("clip")
    with pytest.raises(HelpError) as caught:
        explain("run.stopp")
    assert str(caught.value) == (
        "[help] received run.stopp; expected a key of a recipe, a page or a public name; did you mean run.stop?; "
        "powertrain help lists keys and pages, and powertrain plugins show NAME the parameters of a plugin"
    )


# ---------------------------------------------------------------- extras


@pytest.mark.parametrize("family", FAMILIES)
def test_an_extra_names_each_first_party_distribution(family: str) -> None:
    extras = requirements.read(ROOT / "pyproject.toml")["project"]["optional-dependencies"]
    name = requirements.read(ROOT / "plugins" / family / "pyproject.toml")["project"]["name"]
    assert extras[family] == [name] == [f"powertrain-{family}"]
    assert f" {family}" in (ROOT / "Makefile").read_text(encoding="utf-8").partition("$(addprefix ./plugins/,")[2]
