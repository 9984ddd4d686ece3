"""`pt.tune`, the page of a search, and a run that is trained without being measured."""

from __future__ import annotations

import gc
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.recipe import load_recipe
from powertrain.train.display.display import Display
from powertrain.train.session import train
from powertrain.tuning.found import Tuned
from powertrain.tuning.page import search_page
from powertrain.tuning.space import Choices, Numbers
from powertrain.tuning.study import Trial
from powertrain.tuning.trial import Asked, trained

SHORT = ["run.until=1 epoch", "expect={}"]


def test_a_search_in_a_temporary_folder_goes_with_its_result() -> None:
    recipe = {"data": {"use": "digits", "split": {"valid": 0.1}}, "model": "linear", "optimizer": "adamw",
              "run": {"until": "1 epoch"}}  # fmt: skip
    found = pt.tune(recipe, {"optimizer.lr": "1e-3..1e-1 log"}, trials=1, verbose=False)
    folder = found.folder
    assert found.best is not None and found.best.folder == folder / "trial-1" and found.finished
    assert found.part == "valid" and found.recipe is not None and found.recipe.is_file()  # there is no test part
    del found
    gc.collect()
    assert not folder.exists()


def test_what_other_processes_do_not_have_is_refused() -> None:
    for recipe in ({"model": pt.nn.Linear(2, 2)}, {"data": {"use": np.zeros(3)}}):
        with pytest.raises(pt.Error, match=r"^\[tune\] received Python objects in the recipe; expected names"):
            pt.tune(recipe, {"optimizer.lr": "1e-3..1e-1"})
    with pytest.raises(pt.Error, match=r"^\[tune\] received the space .*; expected a dict"):
        pt.tune("digits", ["optimizer.lr"])  # type: ignore[arg-type]
    with pytest.raises(pt.Error, match=r"^\[tune\] received workers=0; expected a whole number from 1 to 256"):
        pt.tune("digits", {"optimizer.lr": "1e-3..1e-1"}, workers=0)


def test_a_run_that_is_not_measured_is_measured_by_its_resume(tmp_path: Path) -> None:
    recipe, display = load_recipe("digits", SHORT), Display(quiet=True)
    first = train(recipe, tmp_path / "a", display=display, measured=False)
    assert not first.finished and first.results == {} and first.saved
    assert not (tmp_path / "a/results.json").exists() and not (tmp_path / "a/report.html").exists()
    second = train(recipe, tmp_path / "a", resume=True, display=display)
    whole = train(recipe, tmp_path / "b", display=display)
    assert second.finished and second.results["hash"] == whole.results["hash"]
    assert second.results["test"] == whole.results["test"]


@pytest.mark.pictures
def test_the_page_cannot_be_broken_by_what_it_tells(tmp_path: Path) -> None:
    bad = "<script>alert(1)</script>$x$\x1b[31m"
    space = {"a<b>": Choices((bad, "2")), "optimizer.lr": Numbers(1e-4, 1.0, log=True), "n": Numbers(1, 3, whole=True)}
    trials = tuple(
        Trial(at, {"a<b>": bad, "optimizer.lr": 10.0**-at, "n": at}, "complete", at / 10, "", 1, 0.5, tmp_path,
              {"a<b>": bad, "optimizer.lr": str(10.0**-at), "n": str(at)})
        for at in (1, 2, 3)
    )  # fmt: skip
    failed = Trial(4, {}, "failed", float("nan"), bad, 0, 0.0, tmp_path)
    found = Tuned(tmp_path, "valid.accuracy", False, (*trials, failed), trials[2], importances={"a<b>": 0.6, "n": 0.4})
    page = search_page(f"Search: {bad}", found, space)
    assert "<script" not in page and "a<b>" not in page and "\x1b" not in page
    assert page.count("<img") == 3 and "Trial 3 is the best" in page
    assert "the test part has not been measured" in page


def test_a_search_hears_of_what_it_died_before_noting(tmp_path: Path) -> None:
    folder = tmp_path / "trial-1"
    recipe = {"data": {"use": "digits", "split": {"valid": 0.1}}, "model": "linear", "optimizer": "adamw",
              "run": {"until": "4 epochs", "save_seconds": 0}}  # fmt: skip
    job = {
        "recipe": recipe,
        "settings": ["expect={}"],
        "trust": False,
        "metric": "valid.accuracy",
        "folder": str(folder),
    }
    heard: dict[int, float] = {}

    def dies(last: int) -> Asked:
        def asked(number: int, value: float) -> str:
            assert heard.setdefault(number, value) == value  # told again, it is the same
            return "the search ended" if number >= last else ""

        return asked

    trained(job, dies(2), lambda: False)
    del heard[2]
    done = trained(job, dies(4), lambda: False)
    assert sorted(heard) == [1, 2, 3, 4] and done["evaluations"] == 4
    # After the last evaluation nothing is left to train.
    assert trained(job, lambda number, value: "", lambda: False)["value"] == heard.pop(4)
    trained(job, dies(5), lambda: False)
    assert sorted(heard) == [1, 2, 3, 4]
    # What would have ended the trial then ends it now, before it trains.
    saved = sorted((folder / "checkpoints").iterdir())
    ended = trained(job, lambda number, value: "worse" if number == 4 else "", lambda: False)
    assert ended["ended"] == "worse" and ended["evaluations"] == 4 and ended["seconds"] > 0
    assert sorted((folder / "checkpoints").iterdir()) == saved
