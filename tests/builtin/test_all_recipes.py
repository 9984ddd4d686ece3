"""The recipes of the engine and of the distributions in plugins/: each begins in a short form, and resumes to the same
bits. The quick ones meet their `expect` when they are trained whole; `make test-recipes` trains all of them."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain
from cut_data import fewer
from powertrain.data.transforms import Transformed
from powertrain.train.evaluate.review import open_run
from recipe_runs import LACKING
from running import SECONDS, Said, command, environment, inside, results, without_pictures

PLUGINS = Path(__file__).parents[2] / "plugins"
# Those that need nothing but what pip installs, or data that a machine may have; tables have their own tests.
FOLDERS = [PLUGINS / name / "src" for name in ("vision", "text", "audio", "generative", "privacy", "federated")]
OF_DIGITS = ("digits-k-means", "digits-pca")
OWN = sorted(path.stem for path in (Path(powertrain.__file__).parent / "builtin" / "recipes").glob("*.toml"))
RECIPES = [*OWN, *OF_DIGITS, *sorted(path.stem for folder in FOLDERS for path in folder.glob("*/recipes/*.toml"))]
# Less to read and to count, for what is not asked how well it learns: 0.2 MB of source in place of 9.
SMALLER = {"python-code": [f"data.path={json.dumps((PLUGINS / 'text' / 'src' / 'powertrain_text').as_posix())}"]}
WHOLE = ("digits", *OF_DIGITS, "mnist1d-linear", "mnist1d-mlp", "mnist1d-cnn", "sms-spam-bag")


def arguments_of(recipe: str, *more: str, run: str = "run") -> list[str]:
    """What trains a recipe, on less data where that is enough."""
    smaller = [word for setting in (*SMALLER.get(recipe, ()), *fewer(recipe)) for word in ("--set", setting)]
    return ["train", recipe, "--run", run, *smaller, *more]


def skip_what_is_lacking(said: str) -> None:
    if any(words in said for words in LACKING):
        pytest.skip(said.strip().splitlines()[-1])


def train(
    recipe: str, folder: Path, *more: str, run: str = "run", imports: Sequence[Path] = ()
) -> subprocess.CompletedProcess[str]:
    """In a process of its own, with all of the report; `imports` are folders that it finds first."""
    done = subprocess.run(
        command(arguments_of(recipe, *more, run=run)), cwd=folder, env=environment(imports), capture_output=True,
        text=True, timeout=2 * SECONDS, check=False,
    )  # fmt: skip
    if done.returncode:
        skip_what_is_lacking(done.stderr)
    return done


def train_here(recipe: str, folder: Path, *more: str, run: str = "run", pictures: bool = False) -> Said:
    """In this process, unless asked without the pictures of the report, which take longer than a few steps."""
    try:
        return inside(arguments_of(recipe, *more, run=run), folder, pictures=pictures)
    except AssertionError as error:
        skip_what_is_lacking(str(error))
        raise


@pytest.mark.slow
@pytest.mark.pictures
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_begins(recipe: str, tmp_path: Path) -> None:
    """Here, with all of the report: to start a process and import what draws would take longer than the two steps. The
    next test starts a process for each recipe."""
    train_here(recipe, tmp_path, "--smoke", pictures=True)
    assert "drawing it raised" not in (tmp_path / "run" / "report.html").read_text()


@pytest.mark.slow
@pytest.mark.parametrize("recipe", RECIPES)
def test_a_recipe_that_is_stopped_resumes_to_the_same_bits(recipe: str, tmp_path: Path) -> None:
    short = ["run.until=2 rounds"] if recipe in OF_DIGITS else ["run.until=6 steps", "run.evaluate.every=3 steps"]
    short += ["expect={}", "report.baseline=false", "evaluate.most=100"]
    settings = ["--json", *(word for setting in short for word in ("--set", setting))]
    whole = results(train_here(recipe, tmp_path, *settings, run="whole"))
    part = results(train_here(recipe, tmp_path, *settings, "--max-minutes", "0.00001", run="parts"))
    assert "hash" not in part
    # In a process that knows nothing but what is in the folder.
    resumed = train(recipe, tmp_path, *settings, "--resume", run="parts", imports=[without_pictures()])
    assert results(resumed)["hash"] == whole["hash"]
    assert_predicts_without_data(tmp_path / "parts")


def assert_predicts_without_data(folder: Path) -> None:
    """What the run keeps gives the same numbers as the run with its data."""
    with_data, alone = open_run(folder, data=True), open_run(folder)
    dataset = with_data.run.dataset
    if dataset.kind.plays:
        return
    if with_data.run.recipe.strategy.name == "next_token":
        assert alone.generate("The ", 100) == with_data.generate("The ", 100)
        return
    source: Any = dataset.train
    while isinstance(source, Transformed):
        source = source.source
    x = source.fetch(np.arange(4))["x"]
    np.testing.assert_array_equal(alone.predict(x, checked=True), with_data.predict(x, checked=True))
    assert alone.run.dataset.labels == dataset.labels and alone.run.dataset.columns == dataset.columns


@pytest.mark.slow
@pytest.mark.parametrize("recipe", WHOLE)
def test_a_recipe_meets_what_it_expects(recipe: str, tmp_path: Path) -> None:
    done = train(recipe, tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "expect: met" in done.stdout


def test_each_recipe_states_what_it_expects() -> None:
    for path in PLUGINS.glob("*/src/*/recipes/*.toml"):
        assert "\nexpect " in path.read_text(encoding="utf-8"), path
