"""The table of docs/results.md: one line for each run, ours beside what others report."""

from __future__ import annotations

import json
from pathlib import Path

import results
from recipe_runs import note_load


def run_folder(runs: Path, recipe: str, accuracy: float, met: bool) -> None:
    (runs / recipe).mkdir(parents=True)
    expect = [{"name": "test.accuracy", "limit": ">= 0.9", "value": accuracy, "met": met}]
    name = recipe.partition(".")[0]
    made = {"recipe": name, "seconds": 12.4, "part": "test", "test": {"accuracy": accuracy}, "expect": expect}
    (runs / recipe / "results.json").write_text(json.dumps(made))
    (runs / recipe / "run.lock").write_text(json.dumps({"system": "Linux x86_64", "isa": "avx2"}))


def test_a_line_has_ours_beside_the_published_figure(tmp_path: Path) -> None:
    run_folder(tmp_path, "one", 0.9123, True)
    run_folder(tmp_path, "two", 0.5, False)
    published = {"one": {"metric": "test.accuracy", "beside": "0.91", "what": "a paper"}}
    lines = results.table(tmp_path, published).splitlines()
    assert lines[-2] == "| one | test.accuracy | 0.912 | >= 0.9 | 0.91 | a paper | 12 |  | Linux x86_64, avx2 |"
    again = results.table(tmp_path, published, "\n".join(lines).replace("| one ", "| old ").replace("0.500", "0.400"))
    assert [line.split(" | ")[0] for line in again.splitlines()[-3:]] == ["| old", "| one", "| two"]
    assert "0.400" not in again
    assert lines[-1] == "| two | test.accuracy | 0.500 | >= 0.9 |  |  | 12 |  | Linux x86_64, avx2 |"


def test_a_line_says_what_its_recipe_is_held_to_now(tmp_path: Path) -> None:
    run_folder(tmp_path, "one", 0.9123, True)
    before = results.table(tmp_path, {}).replace("| one ", "| digits ")
    lines = results.table(tmp_path, {}, before, lambda recipe: {"test.accuracy": f">= of {recipe}"}).splitlines()
    assert [line.split(" | ")[3] for line in lines[-2:]] == [">= of digits", ">= of one"]
    assert results.expected("digits")["test.accuracy"].startswith(">= 0.9")
    assert results.expected("no-such-recipe") == {}


def test_a_line_says_what_other_seeds_reached(tmp_path: Path) -> None:
    run_folder(tmp_path, "one", 0.9, True)
    for seed, accuracy in ((1, 0.92), (2, 0.94)):
        run_folder(tmp_path, f"one.seed-{seed}", accuracy, True)
    (line,) = [line for line in results.table(tmp_path, {}).splitlines() if line.startswith("| one")]
    assert line.split(" | ")[2] == "0.900; 3 seeds 0.920 ± 0.020"


def test_a_line_marks_seconds_that_others_made_longer(tmp_path: Path) -> None:
    for recipe, others in (("quiet", 1.0), ("shared", 30.0)):
        run_folder(tmp_path, recipe, 0.9, True)
        note_load(tmp_path / recipe, 5.0, 0.5)
        note_load(tmp_path / recipe, 15.0, others)  # what the rest took, after a kill
    quiet, shared = results.table(tmp_path, {}).splitlines()[-2:]
    assert quiet.endswith("| 12 | 0.07 | Linux x86_64, avx2 |")
    assert shared.endswith("| 12 | 1.52, loaded | Linux x86_64, avx2 |")
    assert results.table(tmp_path, {}, "\n".join([quiet, shared])).splitlines()[-2:] == [quiet, shared]


def test_seconds_are_those_of_the_page() -> None:
    took = results.seconds()
    assert len(took) > 70 and took["digits"] < took["fashion-mnist"]


def test_what_is_published_is_of_recipes_that_exist() -> None:
    published = results.published()
    here = Path(__file__).parents[2]
    known = {path.stem for path in here.glob("python/powertrain/builtin/recipes/*.toml")}
    known |= {path.stem for path in here.glob("plugins/*/src/*/recipes/*.toml")}
    assert set(published) <= known
    assert all({"metric", "beside", "what"} == set(one) for one in published.values())
