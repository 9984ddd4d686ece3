"""Runs beside each other: values, settings, and the difference on the examples that both were judged on."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

import powertrain as pt
from powertrain.cli import main
from powertrain.train.folder.run_folder import RunError

CLASSES = 3


def rows(count: int = 400) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[type-arg]
    generator = np.random.default_rng(0)
    x = generator.normal(size=(count, 4)).astype("float32")
    return x, (x @ generator.normal(size=(4, CLASSES))).argmax(axis=1)


def fitted(folder: Path, text: str = "", split: str = "test = 0.3, seed = 1", **settings: object) -> pt.TrainedRun:
    """A run of a table, whose recipe has `text` more."""
    x, y = rows()
    folder.parent.mkdir(exist_ok=True, parents=True)
    np.savez(folder.parent / "rows.npz", x=x, y=y)
    recipe = folder.parent / f"{folder.name}.toml"
    recipe.write_text(
        f"""data = {{ use = "arrays", path = "rows.npz", split = {{ {split} }} }}
model = "linear"
optimizer = {{ use = "adam", lr = 0.05 }}
run = {{ until = "3 epochs", batch_size = 32 }}
{text}"""
    )
    return pt.fit(str(recipe), folder=folder, verbose=False, **settings)  # type: ignore[arg-type]


def test_the_same_examples_are_compared_one_by_one(tmp_path: Path) -> None:
    short, long = fitted(tmp_path / "short", **{"run.until": "1 epoch"}), fitted(tmp_path / "long")
    found = short.compare(long)
    assert found.part == "test" and found.runs == ("short", "long")
    assert found.settings["run.until"] == ('"1 epoch"', '"3 epochs"')
    one = found.differences[0]
    assert one.found is not None and one.measure == "accuracy" and one.found.examples == 120
    apart = long.results["test"]["accuracy"] - short.results["test"]["accuracy"]
    assert one.found.difference == pytest.approx(apart) and one.found.low <= apart <= one.found.high
    turned = long.compare(short).differences[0].found
    assert turned is not None and turned.difference == pytest.approx(-apart)
    same = long.compare(fitted(tmp_path / "again")).differences[0]
    assert same.found is not None and same.found.difference == 0 and same.found.p == 1
    assert "may be as good as long" in same.line("long")
    text = str(found)
    assert "long is better than short: accuracy +" in text and "run.until" in text and "parameters" in text


def test_of_other_parts_those_examples_count_that_are_in_both(tmp_path: Path) -> None:
    first, second = fitted(tmp_path / "first"), fitted(tmp_path / "second", split="test = 0.3, seed = 2")
    found = first.compare(second).differences[0].found
    assert found is not None and 10 < found.examples < 60
    known = [one.run.dataset.splits["test"] for one in (first, second)]
    both = {tuple(row) for row in known[0].fetch(np.arange(120))["x"]} & {
        tuple(row) for row in known[1].fetch(np.arange(120))["x"]
    }
    assert found.examples == len(both)


def test_numbers_are_compared_by_their_squared_error(tmp_path: Path) -> None:
    x, _ = rows()
    y = x[:, 0] * 2 + 1

    def run(name: str, epochs: int) -> pt.TrainedRun:
        pt.random.seed(0)
        return pt.fit(
            model=pt.nn.Linear(4, 1), data={"train": (x[:300], y[:300]), "test": (x[300:], y[300:])}, epochs=epochs,
            optimizer="adam", folder=tmp_path / name, verbose=False,
        )  # fmt: skip

    first, second = run("first", 1), run("second", 40)
    one = first.compare(second).differences[0]
    assert one.found is not None and one.measure == "mean squared error" and one.found.low > 0
    apart = first.results["test"]["mse"] - second.results["test"]["mse"]
    assert one.found.difference == pytest.approx(apart, rel=1e-4)
    assert f"second is better than first: mean squared error {-apart:+.4g}"[:58] in one.line("first")


def test_what_cannot_be_compared_is_said(tmp_path: Path) -> None:
    first = fitted(tmp_path / "first")
    with pytest.raises(RunError, match=r"\[compare\] received 1 run; expected two or more"):
        first.compare()
    with pytest.raises(RunError, match=r"\[compare\] received confidence=2"):
        first.compare(first, confidence=2)
    x, y = rows()
    other = pt.fit(model=pt.nn.Linear(4, CLASSES), data=(x, y), epochs=1, folder=tmp_path / "other", verbose=False)
    with pytest.raises(
        RunError, match=r"\[compare\] the runs were evaluated on different parts: test, train; expected one part"
    ):
        first.compare(other)
    numbers = pt.fit(
        model=pt.nn.Linear(4, 1), data={"train": (x, x[:, 0]), "test": (x, x[:, 0])}, epochs=1,
        folder=tmp_path / "numbers", verbose=False,
    )  # fmt: skip
    assert "one predicts classes and the other numbers" in str(first.compare(numbers))


def test_the_verb_prints_a_table_or_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("a", "b"):
        fitted(tmp_path / name, **{"run.until": "1 epoch"})
    folders = [str(tmp_path / name) for name in ("a", "b")]
    assert main(["compare", *folders]) == 0
    assert "b may be as good as a: accuracy +0, 95% interval" in capsys.readouterr().out
    assert main(["compare", *folders, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["runs"] == ["a", "b"] and found["differences"][0]["found"]["p"] == 1
    assert main(["compare", folders[0]]) == 2
