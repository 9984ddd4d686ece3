"""Tables in use: the profile of their columns as the file has them, traffic by CSV and JSON, retraining."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from running import run

pytest.importorskip("pyarrow", reason="pyarrow reads tables")
RECIPE = """\
data      = { use = "table", path = "old.csv", target = "bought", split = { by = "stratify", valid = 0.2, test = 0.1 } }
model     = { use = "mlp", hidden = [16] }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "15 epochs", batch_size = 64 }
report    = { baseline = false }
"""


def write(
    path: Path, seed: int, *, dear: float = 0.0, gaps: float = 0.05, mauve: float = 0.0, count: int = 1500
) -> None:
    """Who buys: the rich, and those who like red; `dear` is by how much prices rise."""
    generator = np.random.default_rng(seed)
    price = generator.gamma(4, 5, count) + dear
    colour = generator.choice(["red", "green", "blue"], count)
    colour = np.where(generator.random(count) < mauve, "mauve", colour)
    day = np.datetime64("2024-01-01") + generator.integers(0, 300, count)
    buys = np.where(price - dear + 6 * (colour == "red") + generator.normal(0, 3, count) > 20, "yes", "no")
    shown = [f"{one:.3f}" if there else "" for one, there in zip(price, generator.random(count) >= gaps, strict=True)]
    rows = (f"{a},{b},{c},{d}" for a, b, c, d in zip(shown, colour, day, buys, strict=True))
    path.write_text("price,colour,day,bought\n" + "\n".join(rows) + "\n")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("table")
    (folder / "shop.toml").write_text(RECIPE)
    write(folder / "old.csv", 0)
    write(folder / "same.csv", 1)
    write(folder / "other.csv", 2, dear=15, gaps=0.2, mauve=0.1)
    run(["train", "shop.toml", "--run", "a"], folder)
    return folder


def test_the_profile_of_a_run_that_holds_examples_out_has_the_columns_too(tmp_path: Path) -> None:
    write(tmp_path / "old.csv", 0)
    data = pt.data.read_csv(tmp_path / "old.csv", "bought")
    kept = {"folder": tmp_path / "a", "verbose": False, "report": {"baseline": False}}
    made = pt.fit(model="mlp", data=data, epochs=1, validation=0.2, **kept)
    assert [one.name for one in made.profile.columns] == ["price", "colour", "day"]


def test_the_profile_has_the_columns_as_they_were(trained: Path) -> None:
    profile = pt.load(trained / "a").profile
    columns = {one.name: one for one in profile.columns}
    assert list(columns) == ["price", "colour", "day"]
    assert columns["colour"].levels == ("red", "green", "blue") or set(columns["colour"].levels) == {
        "red",
        "green",
        "blue",
    }  # type: ignore[union-attr]
    assert 20 < columns["price"].reference.missing < 150 and columns["price"].mean == pytest.approx(20, abs=2)  # type: ignore[union-attr]
    assert columns["day"].edges[0] == pytest.approx(
        (np.datetime64("2024-01-01") - np.datetime64(0, "D")).astype(int), abs=3
    )  # type: ignore[union-attr]
    assert profile.labels == ("no", "yes")


def test_a_csv_file_is_watched_by_its_columns(trained: Path) -> None:
    quiet = json.loads(run(["monitor", "a", "same.csv", "--json"], trained).stdout)
    assert quiet["events"] == [] and {"price", "colour", "day", "class"} <= set(quiet["features"])
    assert quiet["labelled"] == 1500 and quiet["features"]["accuracy"]["now"] > 0.7
    loud = json.loads(run(["monitor", "a", "other.csv", "--json"], trained, expect=1).stdout)
    problems = {name: row["problems"] for name, row in loud["features"].items() if row["problems"]}
    assert "missing" in problems["price"] and "drift" in problems["price"] and "unseen" in problems["colour"]
    assert "day" not in problems and "performance" in {event["rule"] for event in loud["events"]}


def test_json_is_what_csv_is(trained: Path, tmp_path: Path) -> None:
    head, *rows = (trained / "same.csv").read_text().splitlines()
    names = head.split(",")
    records = [dict(zip(names, row.split(","), strict=True)) for row in rows]
    typed = [{**one, "price": float(one["price"]) if one["price"] else None} for one in records]
    (tmp_path / "same.jsonl").write_text("".join(json.dumps(one) + "\n" for one in typed))
    more = ["--json", "--out", str(tmp_path / "page.html")]
    found = [
        json.loads(run(["monitor", str(trained / "a"), str(file), *more], tmp_path).stdout)
        for file in (tmp_path / "same.jsonl", trained / "same.csv")
    ]
    assert found[0]["features"] == found[1]["features"]


def test_columns_that_are_called_as_keys_of_traffic_are(tmp_path: Path) -> None:
    """A column x, and a target that is called output: neither are they encoded inputs, nor answers of the model."""
    draw = np.random.default_rng(0)
    x, z = draw.normal(size=(2, 1200))
    rows = "".join(
        f"{a:.4f},{b:.4f},{2 * a - b + c:.4f}\n" for a, b, c in zip(x, z, draw.normal(size=1200), strict=True)
    )
    (tmp_path / "old.csv").write_text("x,z,output\n" + rows)
    (tmp_path / "sum.toml").write_text(RECIPE.replace("bought", "output").replace("stratify", "random"))
    run(["train", "sum.toml", "--run", "a"], tmp_path)
    found = json.loads(run(["monitor", "a", "old.csv", "--json"], tmp_path).stdout)
    assert {"x", "z"} <= set(found["features"]) and found["labelled"] == 1200
    assert found["features"]["squared error"]["now"] > 0.5  # of the model; of the target itself it is 0


@pytest.mark.parametrize("policy", ["continue", "restart"])
def test_a_table_is_retrained(trained: Path, tmp_path: Path, policy: str) -> None:
    words = ["retrain", str(trained / "a"), "--with", str(trained / "other.csv"), "--policy", policy, "--json"]
    found = json.loads(run(words, tmp_path).stdout.splitlines()[-1])
    assert found["promoted"] and found["challenger"] > found["champion"] + 0.1 and found["examples"] == 450
    challenger, champion = pt.load(tmp_path / found["run"]), pt.load(trained / "a")
    levels = [one for one in challenger.run.dataset.columns if one.startswith("colour=")]
    assert ("colour=mauve" in levels) == (policy == "restart")
    same = challenger.run.dataset.columns == champion.run.dataset.columns
    assert same == (policy == "continue")
    assert challenger.evaluate("test")["accuracy"] > found["champion"]


def test_a_column_that_is_gone_is_named(trained: Path, tmp_path: Path) -> None:
    (tmp_path / "less.csv").write_text("price,day\n1,2024-01-01\n")
    done = run(["monitor", str(trained / "a"), "less.csv"], tmp_path, expect=2)
    assert done.stderr.strip() == "[table] no column colour; expected price, colour, day; add the column"
