"""Parts of a data set that are distributed otherwise than the training part, and such that are not."""

from __future__ import annotations

import dataclasses
from collections import Counter
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, DataModule
from powertrain.train import session
from powertrain.train.checking.findings import Checked, Finding, examined, gathered
from powertrain.train.evaluate.apart import apart


def data(x: Any, y: Any, task: str = "classification", outputs: int = 3) -> Checked:
    """A fifth of the rows is for validation, and as many for the test."""
    size = len(x) // 5
    ends = {"train": slice(2 * size, None), "valid": slice(size, 2 * size), "test": slice(size)}
    parts = {name: ArrayDataset(x=np.asarray(x, np.float32)[rows], y=y[rows]) for name, rows in ends.items()}
    return gathered(DataModule("rows", task, parts, outputs))


def draw(seed: int, size: int = 1000) -> tuple[np.random.Generator, Any, Any]:
    rng = np.random.Generator(np.random.Philox(key=seed))
    x = np.c_[rng.normal(size=size), rng.lognormal(size=size), rng.integers(0, 8, size)]
    return rng, x, rng.choice(3, size, p=[0.6, 0.3, 0.1])


def names_apart(checked: Checked) -> dict[str, list[str]]:
    rows = {str(part): checked.parts == part for part in np.unique(checked.parts)}
    examples = {part: {"x": checked.x[at], "y": checked.y[at]} for part, at in rows.items()}
    return {part: [row.name for row in found] for part, found in apart(checked.dataset, examples).items()}


def drifted(checked: Checked) -> list[Finding]:
    found = examined(checked, 0.99, 2, None, lambda told: None).findings
    return [one for one in found if one.kind == "drift between parts"]


@pytest.mark.parametrize("size", [100, 400, 2000])
def test_parts_that_were_drawn_alike_are_not_told_apart(size: int) -> None:
    for seed in range(60):
        rng, x, y = draw(seed, size)
        assert names_apart(data(x, y)) == {}
        assert names_apart(data(x, rng.normal(size=(size, 2)), "regression", 2)) == {}


def test_a_column_that_moved_is_named() -> None:
    _, x, y = draw(1)
    x[:200, 1] *= 3
    (found,) = drifted(data(x, y))
    assert found.count == 1 and not found.serious
    assert found.text.startswith("1 column of test distributed otherwise than in train: x1 (PSI ")
    assert found.text.endswith("; a split by time or group does that, a random one does not")


def test_values_that_are_missing_are_told() -> None:
    whole = data(*draw(2)[1:])
    x = whole.x.copy()
    x[np.flatnonzero(whole.parts == "valid")[:60], 0] = np.nan
    (found,) = drifted(dataclasses.replace(whole, x=x))
    assert "1 column of valid" in found.text and "x0 (30.0% missing)" in found.text


def test_shares_of_classes_are_compared_also_of_one_that_train_lacks() -> None:
    _, x, y = draw(3)
    y[:200] = 2
    (found,) = drifted(data(x, y))
    assert "target (PSI" in found.text
    y = np.arange(1000) % 3
    y[400:] = np.arange(600) % 2  # train has two of the classes
    assert names_apart(data(x, y)) == {"valid": ["target"], "test": ["target"]}


def test_targets_that_are_numbers_are_compared() -> None:
    rng, x, _ = draw(4)
    y = rng.normal(size=(1000, 2))
    y[:200, 1] += 2
    assert names_apart(data(x, y, "regression", 2))["test"] == ["target 1"]


def test_pictures_are_compared_by_brightness_and_contrast() -> None:
    rng, _, y = draw(5)
    pictures = rng.uniform(size=(1000, 20, 20))
    pictures[:200] *= 0.5
    names = names_apart(data(pictures, y))["test"]
    assert {"x mean", "x deviation"} <= set(names) and len(names) <= 4


def test_without_a_training_part_nothing_is_compared() -> None:
    _, x, y = draw(6)
    assert names_apart(dataclasses.replace(data(x, y), parts=np.full(len(y), "test"))) == {}


@pytest.mark.parametrize("moved", [True, False])
def test_a_report_says_which_columns_moved(tmp_path: Path, moved: bool) -> None:
    _, x, y = draw(7)
    x[:200, 1] *= 3 if moved else 1
    run = pt.fit(
        model=pt.nn.Linear(3, 3), data=data(x, y).dataset, epochs=1, folder=tmp_path / "run", verbose=False,
        report={"baseline": False},
    )  # fmt: skip
    page = (tmp_path / "run" / "report.html").read_text()
    said = run.results.get("apart", {})
    assert ("Distributed otherwise in test than in train: x1 (PSI " in page) == moved
    assert [column.split()[0] for column in said.get("test", [])] == ["x1"] * moved and "valid" not in said


class Counted(ArrayDataset):
    """Notes which rows are read, once it is told to."""

    read: ClassVar[list[int]] = []
    noting: ClassVar[bool] = False

    def fetch(self, indices: Any) -> Any:
        if Counted.noting:
            Counted.read.extend((id(self) * len(self) + indices).tolist())
        return super().fetch(indices)


def test_what_looks_at_examples_at_the_end_of_a_run_reads_them_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison of the parts, the profile and the examples that the run keeps."""
    _, x, y = draw(3, 600)
    rows = {"train": slice(200, 600), "valid": slice(100, 200), "test": slice(100)}
    parts = {name: Counted(x=np.asarray(x[at], np.float32), y=y[at]) for name, at in rows.items()}
    measure = session.measure

    def measured(*given: Any) -> Any:
        found = measure(*given)
        Counted.noting = True
        return found

    monkeypatch.setattr(session, "measure", measured)
    monkeypatch.setattr("powertrain.train.report.html_page.told", lambda run: [])
    module = DataModule("rows", "classification", parts, 3)
    run = pt.fit(model=pt.nn.Linear(3, 3), data=module, epochs=1, report={"baseline": False, "worst": 0}, verbose=False)
    assert run.profile.inputs[0].reference.examples == 500 and run.examples is not None
    Counted.noting = False
    counts = Counter(Counted.read)
    # The first example of each says what the others look like; training examples are those of the report.
    assert len(counts) == 600 and sum(counts.values()) <= 600 + 16 + 3
