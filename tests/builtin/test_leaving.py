"""Trained runs leave home: moved, and without their data, each predicts the same, and is explained and exported as
docs/exports.md says."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_all_recipes import OWN, PLUGINS, train_here

import powertrain as pt
from leaving import BARE, REASONS, asked, moved, reason, row, tried
from powertrain.train.evaluate.review import open_run

PAGE = Path(__file__).parents[2] / "docs" / "exports.md"
RECIPES = {*OWN, *(path.stem for path in PLUGINS.glob("*/src/*/recipes/*.toml"))}
SHORT = ("--smoke", "--set", "report.baseline=false", "--set", "evaluate.most=64")
# One of each kind, which leave home in CI, and the others in `make test-all`.
KINDS = {
    "adult-lightgbm", "austen-char", "churn-forest", "churn-logistic", "digits", "digits-fixmatch", "digits-gan",
    "digits-k-means", "digits-pca", "digits-private", "dqn-mountain-car", "electricity-stream", "fashion-mnist-lenet",
    "mnist1d-cnn", "mnist1d-gru", "permuted-digits-ewc", "sms-spam-bag", "sms-spam-bert", "spoken-digits",
    "stamps-clip",
}  # fmt: skip
LONG = {"fashion-mnist-diffusion"}  # a minute, of which two steps are most


def lines() -> dict[str, str]:
    """The rows of the page by recipe."""
    table = PAGE.read_text(encoding="utf-8").split("\n| recipe |")[1].split("\n\n")[0]
    return {line.split("`")[1]: line for line in table.splitlines() if line.startswith("| `")}


def test_the_page_has_recipes_and_reasons_that_there_are() -> None:
    assert set(lines()) <= RECIPES and set(lines()) >= KINDS
    text = PAGE.read_text(encoding="utf-8")
    assert [word for word in REASONS if f"| {word} |" not in text] == ["no attention", "no parts"]  # then by another
    words = {cell.strip() for line in lines().values() for cell in line.strip("|").split("|")[2:]}
    assert words <= {"yes", BARE, *REASONS}


@pytest.mark.parametrize(
    "recipe",
    [pytest.param(one, marks=pytest.mark.long if one in LONG else pytest.mark.slow) for one in sorted(RECIPES)],
)
def test_a_recipe_is_exported_or_says_why_not(recipe: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """After two steps and without its data, as the page says. Each exporter compares what it wrote with the engine."""
    for name in ("onnxruntime", "powertrain_onnx"):
        pytest.importorskip(name, reason=f"{name} runs what was exported")
    train_here(recipe, tmp_path, *SHORT)
    run = pt.load(tmp_path / "run")
    x = asked(open_run(tmp_path / "run", data=True).run)
    monkeypatch.delenv("POWERTRAIN_DATA", raising=False)
    found = tried(run, x, tmp_path)
    assert {reason(text) for text in found.values()} <= {"yes", BARE, *REASONS}, found
    if recipe in lines():
        assert row(recipe, found) == lines()[recipe], "docs/exports.md has another line"


def length(recipe: str) -> list[pytest.MarkDecorator]:
    if recipe == "digits":
        return []
    return [pytest.mark.slow if recipe in KINDS else pytest.mark.long]


@pytest.mark.peers
@pytest.mark.parametrize("recipe", [pytest.param(one, marks=length(one)) for one in sorted(lines())])
def test_a_trained_recipe_leaves_home(recipe: str, tmp_path: Path) -> None:
    for name in ("torch", "onnxruntime", "powertrain_onnx"):
        pytest.importorskip(name, reason=f"{name} reads what was exported")
    here = tmp_path / "here"
    here.mkdir()
    train_here(recipe, here, *SHORT)
    home = open_run(here / "run", data=True)
    x = asked(home.run)
    found = moved(here / "run", tmp_path / "there", x, home.predict(x, checked=True).outputs)
    assert row(recipe, found) == lines()[recipe], "docs/exports.md has another line"
