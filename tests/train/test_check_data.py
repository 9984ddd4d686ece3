"""`powertrain check`: what was planted in the data is found, as lines, as JSON and on the page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from planted_noise import planted
from powertrain.cli import main
from powertrain.train.checking.check import check
from powertrain.train.folder.run_folder import RunError

RECIPE = """\
data      = { use = "arrays", path = "rows.npz", split = { valid = 0.1, test = 0.2 } }
features  = ["standardize", "flatten"]
model     = { use = "mlp", hidden = [32] }
optimizer = { use = "adamw", lr = 3e-3 }
run       = { until = "15 epochs", batch_size = 64, stop = { watch = "valid.accuracy", patience = 3 } }
"""


def written(folder: Path, x: Any, y: Any, text: str = RECIPE) -> str:
    np.savez(folder / "rows.npz", x=x, y=y)
    (folder / "mine.toml").write_text(text)
    return str(folder / "mine.toml")


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Digits with wrong labels, copies, an outlier; and what the parts of the recipe have of each."""
    folder = tmp_path_factory.mktemp("check")
    x, y, bad = planted(0.05)
    x, y = x.astype(np.float32).reshape(-1, 8, 8), y.copy()
    x[1600:1620], y[1600:1620] = x[100:120], y[100:120]  # the same
    y[1600:1603] = (y[100:103] + 1) % 10  # with another label
    x[1620:1640], y[1620:1640] = x[200:220] + 0.01, y[200:220]  # nearly
    x[1700] = np.tile([0.0, 1.0], (8, 4))
    recipe = written(folder, x, y)
    bad = bad[(bad < 1600) | (bad >= 1640)]
    return {"recipe": recipe, "x": x, "y": y, "bad": bad, "folder": folder}


def test_what_was_planted_is_found(
    digits: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(digits["folder"])
    assert main(["check", digits["recipe"], "--json", "--near", "0.999"]) == 1  # copies in two parts
    found = json.loads(capsys.readouterr().out)
    kinds = {one["kind"]: one for one in found["findings"]}
    assert found["examples"] == 1797 and found["page"] == "check-mine.html"
    repeated = kinds["duplicates"]["count"] + kinds["duplicates across parts"]["count"]
    assert repeated == 20 and kinds["duplicates across parts"]["serious"] and kinds["contradictions"]["count"] == 3
    assert kinds["near duplicates"]["count"] >= 20 and kinds["outliers"]["count"] >= 1
    assert 60 <= kinds["wrong labels"]["count"] <= 160 and found["accuracy"] > 0.8
    assert all(one["count"] == len(one["rows"]) for one in found["findings"] if one["rows"])


def test_it_says_how_far_it_is(digits: dict[str, Any], tmp_path: Path) -> None:
    said: list[str] = []
    check(digits["recipe"], folds=3, out=tmp_path / "page.html", tell=said.append)
    assert said == [
        "reading the data",
        *(f"{what} in 1,797 examples" for what in ("looking for duplicates", "comparing the parts")),
        *(f"looking for {what} in 1,797 examples" for what in ("near duplicates", "outliers")),
        *(f"judging the labels: model {number} of 3" for number in (1, 2, 3)),
    ]


def test_the_page_shows_it(digits: dict[str, Any], tmp_path: Path) -> None:
    made = check(digits["recipe"], out=tmp_path / "page.html")
    page = made.page.read_text()
    for title in ("What was found", "Labels that look wrong", "Duplicates across parts", "Outliers", "Classes"):
        assert f"<h2>{title}</h2>" in page
    assert "Scores on held-out parts are too good: duplicates across parts" in page
    assert made.serious and made.lines()[0].startswith("rows: 1,797 examples (train 1,258, valid 180, test 359)")


def test_the_examples_are_those_that_were_planted(digits: dict[str, Any], tmp_path: Path) -> None:
    data = check(digits["recipe"], out=tmp_path / "page.html").data
    place = {row.tobytes(): at for at, row in reversed(list(enumerate(digits["x"])))}
    outliers = next(one for one in data.findings if one.kind == "outliers").rows
    assert 1700 in [place[data.x[row].tobytes()] for row in outliers[:10]]
    assert data.issues is not None
    bad = {digits["x"][at].tobytes() for at in digits["bad"]}
    listed = [data.x[row].tobytes() in bad for row in data.issues.rows[:40]]
    assert np.mean(listed) > 0.8


@pytest.mark.slow
def test_the_recipe_s_own_model_judges_the_labels(digits: dict[str, Any], tmp_path: Path) -> None:
    made = check(digits["recipe"], folds=3, train=True, out=tmp_path / "page.html")
    assert made.data.accuracy is not None and made.data.accuracy > 0.85
    bad = {digits["x"][at].tobytes() for at in digits["bad"]}
    assert made.data.issues is not None
    assert np.mean([made.data.x[row].tobytes() in bad for row in made.data.issues.rows[:40]]) > 0.75


def test_columns_of_a_table(tmp_path: Path) -> None:
    rng = np.random.Generator(np.random.Philox(key=2))
    y = (np.arange(400) % 20 == 0).astype(np.int64)
    x = np.c_[rng.normal(size=(400, 2)), np.ones(400), y + 0.001 * rng.normal(size=400)].astype(np.float32)
    found = check(written(tmp_path, x, y), out=tmp_path / "page.html")
    kinds = {one.kind: one for one in found.data.findings}
    assert kinds["constant columns"].text == "1 column without any variation: column 2"
    assert (
        kinds["columns that tell the target"].serious
        and "column 3 (1.0000)" in kinds["columns that tell the target"].text
    )
    assert kinds["rare classes"].text.endswith("1 20 of 400")


def test_numbers_to_predict_have_no_wrong_labels(tmp_path: Path) -> None:
    x = np.random.Generator(np.random.Philox(key=3)).uniform(size=(200, 3)).astype(np.float32)
    text = RECIPE.replace(', stop = { watch = "valid.accuracy", patience = 3 }', "")
    found = check(written(tmp_path, x, x[:, 0] * 2, text), out=tmp_path / "page.html")
    assert [one.kind for one in found.data.findings] == ["columns that tell the target"]
    assert found.data.issues is None and "regression" in found.lines()[0]


def test_clean_data_have_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rng = np.random.Generator(np.random.Philox(key=5))
    x = rng.uniform(-1, 1, size=(900, 4)).astype(np.float32)
    x = x[np.abs(x[:, 0] + x[:, 1]) > 0.3]  # two classes, apart from each other, that no column tells alone
    y = (x[:, 0] + x[:, 1] > 0).astype(np.int64)
    assert main(["check", written(tmp_path, x, y), "--out", str(tmp_path / "page.html")]) == 0
    said = capsys.readouterr().out.splitlines()
    assert said[1] == "nothing was found" and said[-1] == f"page: {tmp_path / 'page.html'}"
    assert "Nothing was found." in (tmp_path / "page.html").read_text()


def test_what_is_refused(tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text("to be or not to be, " * 99)
    tables = 'data = { use = "text", path = "book.txt", context = 8 }\nmodel = "gpt"\noptimizer = "adamw"\n'
    (tmp_path / "book.toml").write_text(tables + 'run = { until = "9 steps", batch_size = 4 }\n')
    for given, text in (
        ({"name": str(tmp_path / "book.toml")}, "a language task; expected examples with targets"),
        ({"name": "digits", "folds": 1}, r"\[check\] received folds=1; expected a number from 2 to"),
        ({"name": "digits", "near": 1.5}, r"\[near_duplicates\] threshold = 1.5"),
        ({"name": "digits", "out": tmp_path / "no" / "page.html"}, "there is no folder"),
    ):
        with pytest.raises((RunError, ValueError), match=text):
            check(**given)  # type: ignore[arg-type]
    assert not list(Path().glob("check-*.html"))
