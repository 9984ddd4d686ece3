"""Going on though the data has changed: known examples keep their part, and what changed is said and written down."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.data import ArrayDataset, identities, kept_parts
from powertrain.data.identity import moved
from powertrain.train.folder.ledger import read_lines
from powertrain.train.folder.run_folder import RunError
from running import run

RECIPE = """
data      = { use = "arrays", path = "rows.npz", split = { valid = 0.2, test = 0.2 } }
features  = ["standardize"]
model     = { use = "mlp", hidden = [8] }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "2 epochs", batch_size = 16 }
"""


def rows(count: int = 60, seed: int = 0) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 4)).astype(np.float32)
    return x, (x[:, 0] > 0).astype(np.int64)


def begun(folder: Path, text: str = RECIPE) -> Path:
    """A run `run` of a recipe on rows, in a folder."""
    x, y = rows()
    np.savez(folder / "rows.npz", x=x, y=y)
    (folder / "rows.toml").write_text(text, encoding="utf-8")
    pt.fit(folder / "rows.toml", folder=folder / "run", verbose=False)
    return folder / "rows.toml"


def grown(folder: Path, at: int = 17) -> None:
    """One row more, in the middle, so that all that follow have other numbers."""
    x, y = rows()
    more_x, more_y = rows(1, 9)
    np.savez(folder / "rows.npz", x=np.insert(x, at, more_x, axis=0), y=np.insert(y, at, more_y))


def parts_of(trained: pt.TrainedRun) -> dict[str, set[bytes]]:
    splits = trained.run.dataset.splits
    found = {}
    for name, part in splits.items():
        source: Any = part.source  # below the transforms
        found[name] = {row.tobytes() for row in source.fetch(np.arange(len(part)))["x"]}
    return found


def test_after_one_added_row_the_old_ones_keep_their_part(tmp_path: Path) -> None:
    recipe = begun(tmp_path)
    before = parts_of(
        pt.fit(recipe, folder=tmp_path / "run", resume=True, verbose=False)
    )  # fmt: skip
    grown(tmp_path)
    with pytest.raises(RunError, match=r"go on with --changed-data \(in Python changed_data=True\)$"):
        pt.fit(recipe, folder=tmp_path / "run", resume=True, verbose=False)
    longer = RECIPE.replace("2 epochs", "4 epochs")
    recipe.write_text(longer, encoding="utf-8")
    went_on = pt.fit(recipe, folder=tmp_path / "run", resume=True, changed_data=True, verbose=False)
    now = parts_of(went_on)
    assert sum(map(len, now.values())) == 61
    for name, old in before.items():
        assert old <= now[name]
    # It is written down, in the ledger and with the results.
    said = next(line["changes"] for line in read_lines(tmp_path / "run") if line["event"] == "changed_data")
    assert said[-1] == "every known example is in the part that it was in"
    assert any("examples, has" in change for change in said[:-1])
    assert json.loads((tmp_path / "run" / "results.json").read_text())["changed_data"] == said
    # What was fitted at the beginning holds: the model reads the same numbers as before.
    mean = went_on.run.dataset.transforms[0].state()["mean"]
    x = np.frombuffer(b"".join(sorted(before["train"])), np.float32).reshape(-1, 4)
    np.testing.assert_allclose(mean, x.mean(axis=0), atol=1e-6)
    # And from here on these are the run's data: nothing has to be told again.
    recipe.write_text(RECIPE.replace("2 epochs", "6 epochs"), encoding="utf-8")
    again = pt.fit(recipe, folder=tmp_path / "run", resume=True, verbose=False)
    assert parts_of(again) == now and again.results["changed_data"] == said
    assert pt.load(tmp_path / "run").evaluate() == again.evaluate()


def test_evaluate_measures_changed_data_when_told(tmp_path: Path) -> None:
    begun(tmp_path)
    first = pt.load(tmp_path / "run").evaluate()
    grown(tmp_path)
    opened = pt.load(tmp_path / "run")
    with pytest.raises(RunError, match="the data has changed since this run began"):
        opened.evaluate()
    told = opened.evaluate(changed_data=True)
    # All parts but one are what they were.
    assert sum(told[part] == first[part] for part in first) == 2
    assert opened.evaluate("test", changed_data=True) == told["test"]
    refused = run(["evaluate", "run"], tmp_path, expect=2)
    assert "--changed-data" in refused.stderr
    done = run(["evaluate", "run", "--changed-data", "--json"], tmp_path)
    assert "the data has changed since this run began: " in done.stderr
    found = json.loads(done.stdout)
    assert found["test"] == pytest.approx(told["test"])
    assert found["changed_data"][-1] == "every known example is in the part that it was in"
    line = next(line for line in read_lines(tmp_path / "run") if line["event"] == "evaluated_changed_data")
    assert line["changes"] == found["changed_data"] and line["values"]["test"] == pytest.approx(told["test"])
    # Evaluating takes nothing over: it has to be told again.
    assert run(["evaluate", "run"], tmp_path, expect=2).stdout == ""


def test_the_command_resumes_on_changed_data_when_told(tmp_path: Path) -> None:
    begun(tmp_path)
    grown(tmp_path)
    arguments = ["train", "rows.toml", "--run", "run", "--resume", "--set", "run.until=3 epochs"]
    assert "--changed-data" in run(arguments, tmp_path, expect=2).stderr
    done = run([*arguments, "--changed-data"], tmp_path)
    assert "every known example is in the part that it was in" in done.stderr


def test_where_examples_are_not_known_it_says_that_parts_may_be_others(tmp_path: Path) -> None:
    recipe = begun(tmp_path)
    (tmp_path / "run" / "examples.safetensors").unlink()
    grown(tmp_path)
    recipe.write_text(RECIPE.replace("2 epochs", "3 epochs"), encoding="utf-8")
    trained = pt.fit(recipe, folder=tmp_path / "run", resume=True, changed_data=True, verbose=False)
    assert trained.results["changed_data"][-1] == (
        "the parts may have been drawn again: training examples may now be in the test part"
    )


def test_other_examples_have_no_place_to_keep(tmp_path: Path) -> None:
    begun(tmp_path)
    x, y = rows(60, 3)
    np.savez(tmp_path / "rows.npz", x=x, y=y)
    scores = pt.load(tmp_path / "run").evaluate(changed_data=True)
    assert set(scores) == {"train", "valid", "test"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda x, y: (x[:, :3], y), "the examples of train were x float32[4], y int64[], are x float32[3], y int64[]"),
        (lambda x, y: (x, y + 1), "outputs was 2, is 3"),
    ],
)
def test_what_the_model_cannot_read_is_refused_even_so(change: Any, words: str, tmp_path: Path) -> None:
    begun(tmp_path)
    x, y = change(*rows())
    np.savez(tmp_path / "rows.npz", x=x, y=y)
    with pytest.raises(pt.Error) as caught:
        pt.load(tmp_path / "run").evaluate(changed_data=True)
    assert words in str(caught.value) or "shape" in str(caught.value)


def test_a_table_keeps_its_encoders_and_its_rows_their_parts(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="pyarrow is an extra")
    draw = np.random.default_rng(0)
    lines = [f"{draw.normal():.4f},{draw.choice(['a', 'b'])},{draw.choice(['yes', 'no'])}" for _ in range(200)]
    (tmp_path / "people.csv").write_text("\n".join(["size,kind,left", *lines]), encoding="utf-8")
    (tmp_path / "people.toml").write_text(
        'data = { use = "table", path = "people.csv", target = "left", split = { test = 0.3 } }\nmodel = "linear"\n'
        'optimizer = "adamw"\nrun = { until = "2 epochs" }\n',
        encoding="utf-8",
    )
    first = pt.fit(tmp_path / "people.toml", folder=tmp_path / "run", verbose=False)
    kept = {part: identities(source) for part, source in first.run.dataset.splits.items()}
    (tmp_path / "people.csv").write_text("\n".join(["size,kind,left", "90,a,yes", *lines]), encoding="utf-8")
    opened = pt.load(tmp_path / "run")
    scores = opened.evaluate(changed_data=True)
    now = {part: identities(source) for part, source in opened._measured(True).dataset.splits.items()}
    for part, ids in kept.items():
        assert set(ids.tolist()) <= set(now[part].tolist())
    assert sum(len(ids) for ids in now.values()) == 201
    assert sum(scores[part] == first.evaluate(part) for part in scores) == 1


def test_copies_stay_together() -> None:
    x = np.arange(6, dtype=np.float32)[:, None]
    found = identities(ArrayDataset(x=x, y=np.zeros(6)))
    assert found is not None and len(set(found.tolist())) == 6
    known = {"train": found[:4], "test": found[4:]}
    doubled = np.concatenate([found, found[4:], found[:1]])
    parts = kept_parts(doubled, known, {"test": 0.3})
    assert parts["test"].tolist() == [4, 5, 6, 7] and parts["train"].tolist() == [0, 1, 2, 3, 8]
    assert moved(known, {"train": found[:3], "test": found[3:]}) == 1
    # Two equal examples in two parts stay in both.
    both = {"train": found[:2], "test": found[1:3]}
    kept = kept_parts(np.concatenate([found[:2], found[1:3]]), both, {"test": 0.3})
    assert [len(kept["train"]), len(kept["test"])] == [2, 2]


def test_new_examples_are_drawn_by_themselves() -> None:
    ids = identities(ArrayDataset(x=np.arange(4000.0)[:, None], y=np.zeros(4000)))
    assert ids is not None
    parts = kept_parts(ids, {"train": ids[:0]}, {"valid": 0.1, "test": 0.2})
    shares = [len(parts[part]) / 4000 for part in ("train", "valid", "test")]
    assert shares == pytest.approx([0.7, 0.1, 0.2], abs=0.03)
    # Alone or among others, in any order, an example has the same part.
    order = np.random.default_rng(0).permutation(4000)[:100]
    again = kept_parts(ids[order], {"train": ids[:0]}, {"valid": 0.1, "test": 0.2})
    for part, taken in again.items():
        assert set(order[taken].tolist()) <= set(parts[part].tolist())


@pytest.mark.parametrize("content", [b"", b"\xff" * 100, b"\x02\0\0\0\0\0\0\0{}"])
def test_a_damaged_list_of_examples_is_an_error(content: bytes, tmp_path: Path) -> None:
    begun(tmp_path)
    grown(tmp_path)
    (tmp_path / "run" / "examples.safetensors").write_bytes(content)
    with pytest.raises(
        RunError, match=r"examples.safetensors\] it holds .*; expected what powertrain train wrote; restore it"
    ):
        pt.load(tmp_path / "run").evaluate(changed_data=True)
