"""`powertrain suggest` on tables: what is seen, what is refused, which rows are seen, and the recipe that it writes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from table_files import draw, write

from powertrain.cli import main
from powertrain.data import DataError
from powertrain.plugin import Inputs, ModelError
from powertrain.recipe import load_recipe
from powertrain_tabular.constant import Constant
from powertrain_tabular.suggesting import Question, Wishes
from powertrain_tabular.suggesting.candidates import PLAIN, Candidate, Facts, candidates
from powertrain_tabular.table import Table

pytest.importorskip("pyarrow", reason="pyarrow is an extra")
PEOPLE = Path(Table.examples_folder) / "people.csv"
RAW = Candidate("raw", "", 0, {}, encode=PLAIN)


def table(folder: Path, name: str = "t.csv", **columns: Any) -> Path:
    """Columns as a file."""
    rows = zip(*columns.values(), strict=True)
    return write(folder, "\n".join([",".join(columns), *(",".join(map(str, row)) for row in rows)]) + "\n", name)


def asked(path: Path, target: str = "y", wishes: Wishes | None = None, **more: Any) -> Question:
    return Question(Table.Params(path=path, target=target, **more), Path(), wishes or Wishes())


def classes(folder: Path, count: int = 200, **more: Any) -> Path:
    x = draw().normal(size=count)
    noise = draw(1).normal(size=count)
    return table(folder, x=x, noise=noise, y=np.where(x + noise / 2 > 0, "yes", "no"), **more)


# ---------------------------------------------------------------- what is seen


def test_a_table_in_words(tmp_path: Path) -> None:
    said = dict(asked(PEOPLE, "bought").lines())
    assert said["data"].startswith("people: 240 rows, ") and "of numbers" in said["data"]
    assert said["target"].startswith("bought: 2 classes: ") and said["test"].startswith("48 rows are put aside")


def test_the_metric_suits_the_target(tmp_path: Path) -> None:
    x = draw().normal(size=200)
    even = asked(table(tmp_path, x=x, y=np.arange(200) % 2))
    assert even.metric == "accuracy"
    rare = asked(table(tmp_path, x=x, y=np.where(np.arange(200) % 10 == 0, "ill", "well")))
    assert rare.metric == "auc" and "only 10.0% are ill" in dict(rare.lines())["metric"]
    three = asked(table(tmp_path, x=x, y=np.where(np.arange(200) % 20 == 0, 2, np.arange(200) % 2)))
    assert three.metric == "balanced-accuracy"
    plain = asked(table(tmp_path, x=x, y=x + draw(1).normal(size=200)))
    assert (plain.metric, plain.task, plain.target.skewed) == ("rmse", "regression", False)
    prices = asked(table(tmp_path, x=x, y=np.exp(2 * draw(2).normal(size=200))))
    assert prices.metric == "mae" and prices.target.skewed
    assert next(one for one in prices.candidates if one.name == "linear").tables["target"] == {"scale": "log1p"}
    wished = asked(table(tmp_path, x=x, y=np.arange(200) % 2), wishes=Wishes(metric="f1"))
    assert wished.metric == "f1" and dict(wished.lines())["metric"] == "f1: asked for"


def test_a_copy_of_the_target_is_named_and_left_out(tmp_path: Path) -> None:
    y = np.where(draw().normal(size=100) > 0, "yes", "no")
    path = table(tmp_path, x=draw(1).normal(size=100), outcome=np.where(y == "yes", 1, 0), y=y)
    found = asked(path)
    assert list(found.left_out) == ["outcome"] and "outcome: it says the same as y in every row" in str(found.lines())
    data = found.tables(found.candidates[0], tmp_path, {})["data"]
    assert data["drop"] == ("outcome",)
    kept = asked(path, wishes=Wishes(keep=("outcome",)))
    assert kept.left_out == {} and "alone it ranks the target to 100.0%" in dict(kept.lines())["leak?"]


def test_a_line_through_the_target_and_row_numbers_are_left_out(tmp_path: Path) -> None:
    y = draw().normal(size=100)
    found = asked(table(tmp_path, id=np.arange(1, 101), euros=3 * y + 1, x=draw(1).normal(size=100), y=y))
    assert list(found.left_out) == ["id", "euros"] and found.left_out["id"] == "it numbers the rows"


def test_a_column_that_separates_one_class_is_kept(tmp_path: Path) -> None:
    """It tells more than any other, which is no leak: of flowers, the petals."""
    y = np.arange(150) % 3
    petals = y + draw().uniform(0, 0.9, size=150)
    assert asked(table(tmp_path, petals=petals, x=draw(1).normal(size=150), y=y)).left_out == {}


# ---------------------------------------------------------------- what is refused


def refused(path: Path, **more: Any) -> str:
    with pytest.raises(DataError) as caught:
        asked(path, **more)
    return str(caught.value).removeprefix(f"[table {path}] ")


def test_hostile_files(tmp_path: Path) -> None:
    assert "has no rows; expected a table" in refused(write(tmp_path, ""))
    assert "has no rows; expected a table" in refused(write(tmp_path, "x,y\n"))
    assert refused(write(tmp_path, "x,y\n1,2\n"), target="z").startswith(
        "no column z; expected it among the columns, which are x, y"
    )
    assert refused(write(tmp_path, "x,y\n1,2\n")).startswith("1 rows with a value of y; expected 20 or more")
    x = draw().normal(size=100)
    assert refused(table(tmp_path, x=x, y=["a"] * 100)) == (
        "y is always a; expected two classes or more, or numbers; name another target"
    )
    assert refused(table(tmp_path, a=[1] * 100, b=["x"] * 100, y=np.arange(100) % 2)) == (
        "no column that varies; expected something to learn from; check the file"
    )
    assert refused(table(tmp_path, x=x, y=["", *["NA"] * 99])).startswith("no row with a value of y")
    assert refused(table(tmp_path, y=np.arange(100) % 2)) == (
        "no column but those left out; expected something to learn from; shorten drop"
    )
    rare = ["a"] * 50 + ["b"] * 47 + ["c"] * 3
    assert refused(table(tmp_path, x=x, y=rare)).startswith("3 rows of the class c; expected 5 or more of each")
    copy = refused(table(tmp_path, other=np.arange(100) % 2, y=np.arange(100) % 2))
    assert copy.startswith("no column to learn from: other is left out, since it says the same as y")
    assert copy.endswith("--keep other keeps it")
    assert refused(write(tmp_path, "x,y\n1\n")).startswith(f"{tmp_path / 't.csv'}, line 2: 1 values for 2 columns")


def test_ten_thousand_classes_are_refused(tmp_path: Path) -> None:
    names = [f"name {at % 10_000}" for at in range(60_000)]
    assert refused(table(tmp_path, x=np.arange(60_000) % 7, y=names)) == (
        "y has 10,000 classes in 60,000 rows; expected 1,000 or fewer; is it a text or an identifier; name another "
        "target"
    )


def test_many_columns_and_few_rows(tmp_path: Path) -> None:
    x = draw().normal(size=(40, 2_500))
    wide = {f"c{at}": x[:, at] for at in range(x.shape[1])}
    found = asked(table(tmp_path, **wide, y=x[:, 0] + x[:, 1]))
    linear = next(one for one in found.candidates if one.name == "linear")
    assert found.features == 2_500 and linear.tables["strategy"]["use"] == "full-batch"


def test_groups_and_times(tmp_path: Path) -> None:
    path = classes(tmp_path, patient=np.arange(200) // 4, day=draw(4).permutation(200))
    found = asked(path, wishes=Wishes(group="patient", keep=("day",)))
    for fold in range(found.folds):
        data = found.dataset(RAW, fold)
        assert "patient" not in data.columns
        days = {part: set(source.fetch(np.arange(len(source)))["x"][:, data.columns.index("day")])
                for part, source in data.splits.items()}  # fmt: skip
        assert not days["train"] & days["test"]
    later = asked(path, wishes=Wishes(time="day"))
    for fold in range(later.folds):
        data = later.dataset(RAW, fold)
        days = {part: source.fetch(np.arange(len(source)))["x"][:, data.columns.index("day")]
                for part, source in data.splits.items()}  # fmt: skip
        assert days["train"].max() < days["test"].min() and days["test"].max() < 160
    assert "2 groups of half; expected 5 or more" in refused(
        classes(tmp_path, half=np.arange(200) // 100), wishes=Wishes(group="half")
    )


# ---------------------------------------------------------------- which rows are seen


@pytest.mark.parametrize("by", ["", "time", "group"])
def test_no_trial_sees_the_test_part_of_the_recipe(tmp_path: Path, by: str) -> None:
    more = {"when": draw(7).permutation(200), "who": np.arange(200) // 5}
    path = classes(tmp_path, **more)
    wishes = Wishes(keep=("when",), time="when" if by == "time" else "", group="who" if by == "group" else "")
    found = asked(path, wishes=wishes)
    parts = []
    for candidate in (RAW, Candidate("early", "", 0, {"model": "constant", "run": {"until": "1 round"}}, valid=0.1)):
        recipe = write(tmp_path, _text(found, candidate, tmp_path), f"{candidate.name}.toml")
        use = load_recipe(str(recipe)).data["train"]
        made = use.plugin.build(use.params, tmp_path)
        assert ("valid" in made.splits) == (candidate.valid > 0)
        parts.append(set(_first(made, "test")))
    # Scaled numbers of one candidate, plain ones of the other: as many, and those of the same rows.
    assert len(parts[0]) == len(parts[1]) == found.test_rows
    seen: set[float] = set()
    for fold in range(found.folds):
        for share in (1.0, 0.25):
            data = found.dataset(RAW, fold, share)
            assert set(_first(data, "train")).isdisjoint(_first(data, "test"))
            seen |= {value for part in data.splits for value in _first(data, part)}
    assert seen.isdisjoint(parts[0])
    if by != "time":  # whose first rows are in no fold's test part, but in their training parts
        assert len(seen) == found.rows


def _first(data: Any, part: str) -> list[float]:
    source = data.splits[part]
    return [float(value) for value in source.fetch(np.arange(len(source)))["x"][:, data.columns.index("x")]]


def _text(found: Question, candidate: Candidate, folder: Path) -> str:
    from powertrain.recipe.toml import document

    tables = found.tables(candidate, folder, {})
    return document({"model": "constant", "run": {"until": "1 round"}, **tables})


def test_a_share_has_every_class_that_it_can(tmp_path: Path) -> None:
    found = asked(classes(tmp_path, 400))
    whole, part = found.dataset(RAW, 0), found.dataset(RAW, 0, 0.25)
    assert len(part.train) == round(0.25 * len(whole.train)) and len(part.splits["test"]) == len(whole.splits["test"])
    counts = [np.bincount(one.train.fetch(np.arange(len(one.train)))["y"]) / len(one.train) for one in (whole, part)]
    assert np.abs(counts[0] - counts[1]).max() < 0.02


def test_every_candidate_is_a_recipe(tmp_path: Path) -> None:
    for facts in (Facts(500, 5, 3, False, 0), Facts(5_000, 5, None, True, 3), Facts(100, 5_000, None, False, 0)):
        for one in candidates(facts):
            load_recipe({"data": "digits", **one.tables})
    ranks = [one.rank for one in candidates(Facts(500, 5, 3, False, 0))]
    assert ranks == sorted(ranks) and ranks[0] == 0
    left = {one.name: one.left_out for one in candidates(Facts(50_000, 5, 300, False, 0))}
    assert left["kernel-svm"].startswith("50,000 training rows") and left["forest"].startswith("300 classes")


# ---------------------------------------------------------------- the constant answer


def test_the_constant_answers_with_shares_and_means() -> None:
    model = Constant.build(None, Inputs("classification", (2,), 3, "float32"))
    state = model.fit({"x": np.zeros((4, 2)), "y": np.array([0, 0, 0, 2])}, None)
    said = model.answer(model.load(model.dump(state)), np.ones((5, 2)))
    assert said.shape == (5, 3) and np.exp(said[0]) == pytest.approx([0.75, 1e-7, 0.25], rel=1e-4)
    for bad in (b"[1.0, 2.0]", b"[1.0, 2.0, Infinity]"):
        with pytest.raises(ModelError, match=r"\[constant\] a state of . numbers; expected 3 finite ones"):
            model.load(bad)
    weighted = model.fit({"x": np.zeros((2, 1)), "y": np.array([0, 2]), "weight": np.array([1.0, 3.0])}, None)
    assert np.exp(weighted) == pytest.approx([0.25, 1e-7, 0.75])
    numbers = Constant.build(None, Inputs("regression", (2,), 1, "float32"))
    assert numbers.fit({"x": np.zeros((2, 1)), "y": np.array([1.0, 4.0], np.float32)}, None) == [2.5]
    with pytest.raises(ModelError, match=r"\[constant\] a language task"):
        Constant.build(None, Inputs("language", (2,), 3, "float32"))


# ---------------------------------------------------------------- the command


Ran = Callable[..., SimpleNamespace]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ran:
    """The command, in a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def called(*words: object) -> SimpleNamespace:
        capsys.readouterr()
        code = main(list(map(str, words)))
        printed = capsys.readouterr()
        return SimpleNamespace(code=code, out=printed.out, err=printed.err)

    return called


@pytest.mark.slow
def test_the_recipe_trains_at_once(tmp_path: Path, run: Ran) -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is an extra")
    classes(tmp_path, 300)
    words = ("suggest", "t.csv", "--target", "y", "--out", "made.toml", "--cost-per-label", "2", "--json")
    done = run(*words)
    assert done.code == 0, done.err
    said = json.loads(done.out)
    values = {one["name"]: one["mean"] for one in said["candidates"] if one["values"]}
    assert values["linear"] > 0.8 > 0.6 > values["constant"] and said["cut"] == [] and said["folds"] == 10
    # The classes are cut by a line: nothing more complex is worth it.
    assert said["chosen"] in ("nearest-mean", "linear")
    assert said["sizes"]["ahead"][0]["rows"] == 2 * said["rows"] == 480
    text = (tmp_path / "made.toml").read_text()
    assert text.startswith("# ") and 'path = "t.csv"' in text
    page = (tmp_path / "made-suggestion.html").read_text()
    for title in ("What is suggested", "What was compared", "How much data is enough", "The table", "Recipe"):
        assert f"<h2>{title}</h2>" in page
    again = run(*words[:4], "--out", "again.toml", "--json")
    assert [one["values"] for one in json.loads(again.out)["candidates"]] == [
        one["values"] for one in said["candidates"]
    ]
    trained = run("train", "made.toml", "--json")
    assert trained.code == 0, trained.err
    results = json.loads(trained.out)
    assert results["test"]["accuracy"] > 0.75
    assert run(*words).err.startswith("[suggest] made.toml exists already")


@pytest.mark.slow
def test_numbers_in_words(tmp_path: Path, run: Ran) -> None:
    x = draw().normal(size=(150, 2))
    table(tmp_path, "houses.csv", a=x[:, 0], b=x[:, 1], y=np.exp(2 + x[:, 0] + 0.1 * x[:, 1]))
    done = run("suggest", "houses.csv", "--target", "y", "--sizes")
    assert done.code == 0, done.err
    for word in ("data ", "target ", "metric ", "test ", "chosen ", "why ", "sizes ", "wrote ", "next "):
        assert f"\n{word}" in f"\n{done.out}", done.out
    assert 'scale = "log1p"' in (tmp_path / "houses.toml").read_text()


def test_what_the_command_refuses(tmp_path: Path, run: Ran) -> None:
    classes(tmp_path)
    words = ("suggest", "t.csv", "--target", "y")
    for more, want in {
        ("--metric", "rmse"): "[suggest --metric] received rmse, which measures regression",
        ("--metric", "nowhere"): "nowhere",
        ("--set", "split.by=time"): "[suggest --set split] received it; expected a setting of how the file is read",
        ("--set", "sepp=1"): "[suggest sepp] no such parameter of table",
        ("--set", "sep=ab"): "[table t.csv] sep = 'ab'; expected one character",
        ("--out", "made.txt"): "[suggest --out] received made.txt; expected a file whose name ends in .toml",
        ("--out", "nowhere/a.toml"): "[suggest --out] there is no folder nowhere",
        ("--keep", "z"): "[table t.csv] no column z",
    }.items():
        done = run(*words, *more)
        assert done.code == 2 and want in done.err, (more, done.err)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["t.csv"]


@pytest.mark.slow
def test_ctrl_c_writes_what_is_known(tmp_path: Path) -> None:
    x = draw().normal(size=(3_000, 30))
    table(tmp_path, **{f"c{at}": x[:, at] for at in range(30)}, y=(x[:, 0] * x[:, 1] + x[:, 2] > 0).astype(int))
    command = [sys.executable, "-m", "powertrain", "suggest", "t.csv", "--target", "y", "--json", "--minutes", "20"]
    code = (
        "import signal, sys, powertrain.train.choosing.comparing as c\n"
        "from powertrain.cli import main\n"
        "told = c.compare\n"
        "class T:\n"
        "    def __init__(self, other): self.other = other\n"
        "    def line(self, text): self.other.line(text)\n"
        "    def moving(self, text):\n"
        "        if text.startswith('fold 3'): signal.raise_signal(signal.SIGINT)\n"
        "import powertrain.train.choosing.suggestion as s\n"
        "s.compare = lambda q, d, t, l: told(q, d, T(t), l)\n"
        f"sys.exit(main({command[3:]!r}))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 128 + signal.SIGINT, done.stderr
    said = json.loads(done.stdout)
    assert said["folds"] == 2 and said["cut"] == ["3 of 5 folds (it was stopped)"]
    assert (tmp_path / "t.toml").is_file() and said["recipe"] == "t.toml"
