"""The model card: what the run knows, by class and by group, and nothing of the data that is markup."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.cli import main
from powertrain.train.folder.run_folder import RunError


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return pt.fit("digits", epochs=1, folder=tmp_path_factory.mktemp("card") / "digits-1", verbose=False)


@pytest.fixture(scope="module")
def customers(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A table with a column of numbers, one of texts with markup in them, and classes."""
    pytest.importorskip("pyarrow", reason="pyarrow reads tables")
    pytest.importorskip("powertrain_tabular", reason="the table is powertrain-tabular's")
    base = tmp_path_factory.mktemp("card")
    noise = np.random.default_rng(0)
    lines = ["age,city,bought"]
    for row in range(400):
        city = ("Bonn", "<b>Ulm|*</b>", "")[row % 3]
        lines.append(f"{20 + noise.random() * 50:.3f},{city},{'yes' if noise.random() < 0.5 else 'no'}")
    (base / "customers.csv").write_text("\n".join(lines) + "\n")
    recipe: dict[str, Any] = {
        "data": {"use": "table", "path": str(base / "customers.csv"), "target": "bought",
                 "split": {"by": "stratify", "valid": 0.2, "test": 0.3}},
        "model": {"use": "mlp", "hidden": [8]}, "optimizer": {"use": "adamw", "lr": 3e-3},
        "run": {"until": "2 epochs", "batch_size": 16},
    }  # fmt: skip
    return pt.fit(recipe, folder=base / "customers-1", verbose=False)


def rows(text: str, head: str) -> list[list[str]]:
    """The cells of the table with such a head, without its head."""
    lines = text.split("\n")
    at = next(place for place, line in enumerate(lines) if line.startswith(f"| {head} |"))
    found = []
    for line in lines[at + 2 :]:
        if not line.startswith("|"):
            break
        found.append([cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


def test_a_card_says_what_the_run_knows(digits: Any) -> None:
    path = digits.card(licence="CC BY 4.0")
    text = path.read_text()
    assert path == digits.folder / "card.md" and text.startswith("# Model card: digits-1\n")
    for title in ("Data", "Results", "Limits", "Energy", "Recipe"):
        assert f"\n## {title}\n" in text
    assert "Licence of the data: CC BY 4.0." in text and f"powertrain serve {digits.folder}" in text
    measured = {row[0]: row[1] for row in rows(text, "metric")}
    assert measured["accuracy"] == f"{digits.results['test']['accuracy']:.4g}"
    by_class = rows(text, "class")
    assert [row[0] for row in by_class] == [str(digit) for digit in range(10)]
    assert sum(int(row[4]) for row in by_class) == 359
    assert [row[0].startswith("dummy") for row in rows(text, "predictor")].count(True) >= 1
    assert re.search(r"Training took .* Wh, between .* and .* Wh", text)
    assert "not recorded in the run" in digits.card().read_text()


def test_results_by_group_add_up(customers: Any) -> None:
    text = customers.card(groups=["city", "age"]).read_text()
    by_city, by_age = rows(text, "city"), rows(text, "age")
    assert {row[0] for row in by_city} == {"Bonn", "\\<b\\>Ulm\\|\\*\\</b\\>", "a gap"}
    assert len(by_age) == 4 and by_age[0][0].startswith("at most") and by_age[-1][0].startswith("above")
    accuracy = customers.results["test"]["accuracy"]
    for table in (by_city, by_age):
        counts = [int(row[1]) for row in table]
        shares = [float(row[2].split(" ")[0]) for row in table]
        assert sum(counts) == 120
        assert sum(share * count for share, count in zip(shares, counts, strict=True)) == pytest.approx(
            120 * accuracy, abs=0.05
        )


def test_groups_of_two_classes_have_their_rates(customers: Any) -> None:
    """Those of `pt.fairness`, from the answers of the run."""
    text = customers.card(groups=["age"]).read_text()
    found = rows(text, "age")
    head = next(line for line in text.split("\n") if line.startswith("| age |"))
    assert head.endswith("| are yes | said yes | true positives | false positives |")
    part = customers.run.dataset.splits["test"].fetch(np.arange(120))
    said = customers.run.predict(part["x"]).argmax(axis=1)
    age = customers.run.dataset.raw.columns("test")["age"]
    ends = np.quantile(age, [0.25, 0.5, 0.75])
    rates = pt.fairness.group_rates(part["y"], said, sensitive_features=np.searchsorted(ends, age))
    for row, one in zip(found, rates.values(), strict=True):
        wanted = (one.base_rate, one.selection_rate, one.true_positive_rate, one.false_positive_rate)
        assert row[3:] == [f"{value:.3f}" for value in wanted]
    apart = pt.fairness.demographic_parity_difference(part["y"], said, sensitive_features=np.searchsorted(ends, age))
    assert f"a difference of {apart:.3f} (demographic parity)." in text


def test_the_report_shows_the_groups_that_a_recipe_names(customers: Any, tmp_path: Path) -> None:
    table = dict(customers.run.recipe.tables)
    run = pt.fit({**table, "report": {"groups": ["city", "age"]}}, folder=tmp_path / "grouped", verbose=False)
    page = run.report().read_text()
    assert "<h2>By city</h2>" in page and "<h2>By age</h2>" in page and "&lt;b&gt;Ulm|*&lt;/b&gt;" in page
    assert "(equal opportunity)" in page
    hidden = {**table, "data": {**table["data"], "drop": ["age"]}, "report": {"groups": ["age"]}}
    run = pt.fit(hidden, folder=tmp_path / "hidden", verbose=False)
    assert "age" not in run.run.dataset.columns and "<h2>By age</h2>" in run.report().read_text()
    with pytest.raises(
        RunError, match=r"\[report.groups\] received the group cty; expected one of .*did you mean city"
    ):
        pt.fit({**table, "report": {"groups": ["cty"]}}, folder=tmp_path / "wrong", verbose=False)
    assert not (tmp_path / "wrong").exists()
    with pytest.raises(RunError, match=r"\[report.groups\] received the group city; expected none of such data"):
        pt.fit("digits", epochs=1, verbose=False, report={"groups": ["city"]})


def test_a_card_of_numbers_has_errors_of_groups(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(64, 3)).astype("float32")
    run = pt.fit(model=pt.nn.Linear(3, 1), data=(x, 2 * x[:, 0]), epochs=5, folder=tmp_path / "line", verbose=False)
    text = run.card().read_text()
    assert "## Results" in text and "No example was held out" in text
    with pytest.raises(RunError, match=r"\[card\] received the group city; expected none of such data"):
        run.card(groups=["city"])


def test_groups_that_there_are_not_are_named(customers: Any) -> None:
    with pytest.raises(RunError, match=r"\[card\] received the group cty; expected one of .*did you mean city"):
        customers.card(groups=["cty"])


def test_the_command_writes_the_card(customers: Any, capsys: pytest.CaptureFixture[str]) -> None:
    folder = str(customers.folder)
    assert main(["report", folder, "--card", "--group", "city", "--licence", "ours"]) == 0
    assert capsys.readouterr().out.strip().endswith("card.md")
    assert "Licence of the data: ours." in (customers.folder / "card.md").read_text()
    assert main(["report", folder, "--group", "city"]) == 2
    assert "expected --card with them" in capsys.readouterr().err


def test_a_card_is_no_part_of_a_registered_model(digits: Any, tmp_path: Path) -> None:
    registry = pt.models.Registry(tmp_path / "models")
    registry.register("digits", digits.folder, alias="champion")
    (registry.path("digits", 1) / "card.md").write_text("another one")
    registry.promote("digits", 1)  # compares the files with their hash
