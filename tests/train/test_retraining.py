"""`powertrain retrain`: a challenger by either policy, the comparison, the rule, and the registry's names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.train.folder.run_folder import RunError
from powertrain.train.retraining import retrain as retraining
from powertrain.train.retraining.retrain import Settings, retrain
from running import run

RECIPE = """\
data      = { use = "arrays", path = "old.npz", split = { valid = 0.2, test = 0.2 } }
features  = ["standardize"]
model     = { use = "mlp", hidden = [16] }
optimizer = { use = "adamw", lr = 1e-2 }
run       = { until = "20 epochs", batch_size = 32, seed = 1 }
report    = { baseline = false }
"""


def save(path: Path, seed: int, turn: float, count: int = 600) -> None:
    """Points left and right of a line, which `turn` turns."""
    x = np.random.default_rng(seed).normal(3.0, 2.0, size=(count, 2)).astype(np.float32)
    apart = x - 3.0
    np.savez(path, x=x, y=(apart[:, 0] * np.cos(turn) + apart[:, 1] * np.sin(turn) > 0).astype(np.int64))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("retrained")
    (folder / "line.toml").write_text(RECIPE)
    save(folder / "old.npz", 0, 0.0)
    save(folder / "same.npz", 1, 0.0)
    save(folder / "turned.npz", 2, 2.0)
    run(["train", "line.toml", "--run", "runs/line-1"], folder)
    return folder


def test_a_run_of_settings_alone_is_retrained_as_one_of_a_file(trained: Path, tmp_path: Path) -> None:
    """Its recipe was looked for in a file."""
    run = pt.fit(
        model="mlp", data={"use": "arrays", "path": str(trained / "old.npz"), "split": {"valid": 0.2, "test": 0.2}},
        epochs=20, lr=1e-2, folder=tmp_path / "run", verbose=False,
    )  # fmt: skip
    made = run.retrain(trained / "turned.npz", folder=tmp_path / "again")
    assert made.promoted and pt.load(tmp_path / "again").evaluate()["test"]["accuracy"] > 0.9


@pytest.mark.parametrize("policy", ["continue", "restart"])
def test_a_challenger_that_is_better_becomes_champion(trained: Path, tmp_path: Path, policy: str) -> None:
    given = {"POWERTRAIN_MODELS": str(tmp_path / "models")}
    words = ["retrain", str(trained / "runs/line-1"), "--with", str(trained / "turned.npz"), "--policy", policy,
             "--name", "line", "--json"]  # fmt: skip
    found = json.loads(run(words, tmp_path, **given).stdout.splitlines()[-1])
    assert found["promoted"] and found["champion"] < 0.6 and found["challenger"] > 0.9
    assert 0 < found["low"] <= found["difference"] <= found["high"] and found["p"] < 1e-6
    assert found["examples"] == 180 and found["method"] == "bootstrap of 4,000 resamples; McNemar, exact"
    assert found["run"] == "runs/line-1" and found["version"] == 2  # of its own folder
    listed = json.loads(run(["models", "list", "--json"], tmp_path, **given).stdout)
    assert [one["aliases"] for one in listed] == [[], ["challenger", "champion"]]
    # The run of the challenger stands by itself.
    challenger = pt.load(tmp_path / "runs/line-1")
    with np.load(tmp_path / "runs/line-1/data/test.npz") as arrays:
        assert (np.asarray(challenger.predict(arrays["x"])).argmax(axis=1) == arrays["y"]).mean() == found["challenger"]
    old, new = pt.load(trained / "runs/line-1").run.table, challenger.run.table
    same = all(np.array_equal(new.constants[name], value) for name, value in old.constants.items())
    assert same == (policy == "continue")  # what was fitted is the champion's, or its own
    assert challenger.evaluate("test")["accuracy"] > 0.9  # its data are read again as it read them


def test_one_that_is_no_better_stays_a_challenger(trained: Path, tmp_path: Path) -> None:
    given = {"POWERTRAIN_MODELS": str(tmp_path / "models")}
    words = ["retrain", str(trained / "runs/line-1"), "--with", str(trained / "same.npz"), "--name", "line"]
    done = run(words, tmp_path, expect=1, **given)
    assert "not promoted as models:/line/2: rule better: the interval begins at" in done.stdout
    listed = json.loads(run(["models", "list", "--json"], tmp_path, **given).stdout)
    assert [one["aliases"] for one in listed] == [["champion"], ["challenger"]]
    # From the registry, by another rule.
    words = ["retrain", "models:/line@champion", "--with", str(trained / "same.npz"), "--rule", "not-worse", "--margin",
             "0.2", "--json"]  # fmt: skip
    found = json.loads(run(words, tmp_path, **given).stdout.splitlines()[-1])
    assert found["promoted"] and found["version"] == 3 and "rule not-worse" in found["why"]


def test_the_test_file_and_the_settings(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = Settings(
        test=trained / "same.npz", rule="never", overrides=("run.until=1 epoch",), folder=tmp_path / "b"
    )
    found = retrain(trained / "runs/line-1", trained / "turned.npz", settings)
    assert found.difference.examples == 600 and not found.promoted and found.why == "rule never: nothing is promoted"
    assert found.champion > 0.9 and found.version is None and found.folder == tmp_path / "b"
    assert not (tmp_path / "b" / "data").exists() and pt.load(tmp_path / "b").history[-1]["epoch"] == 1


def test_the_last_examples_are_tested_on(trained: Path, tmp_path: Path) -> None:
    from powertrain.train.retraining.parts import cut

    learned, tested = cut(trained / "old.npz", tmp_path, 0.25, 0, ordered=True)
    with np.load(learned) as a, np.load(tested) as b, np.load(trained / "old.npz") as whole:
        assert np.array_equal(np.concatenate([a["x"], b["x"]]), whole["x"]) and len(b["y"]) == 150
    (tmp_path / "t.csv").write_text('a;b\n"x;1";2\n3;4\n5;6\n7;8\n')
    learned, tested = cut(tmp_path / "t.csv", tmp_path, 0.25, 0, ordered=True)
    assert (learned.read_text(), tested.read_text()) == ('a;b\n"x;1";2\n3;4\n5;6\n', "a;b\n7;8\n")


def test_a_table_that_is_no_csv_is_said(tmp_path: Path) -> None:
    from powertrain.train.retraining.parts import cut

    (tmp_path / "t.csv").write_text("a,b\n" + "1" * 200_000 + ",2\n")
    with pytest.raises(pt.data.DataError, match="field larger than field limit"):
        cut(tmp_path / "t.csv", tmp_path, 0.25, 0, ordered=True)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda folder: Settings(policy="again"),
         "[retrain] received policy='again'; expected one of continue, restart; choose one"),
        (lambda folder: Settings(share=1.5),
         "[retrain] received share=1.5 and margin=0.01; expected a share between 0 and 1 and a margin of at least 0; "
         "0.3 and 0.01 are usual"),
        (lambda folder: retrain(folder / "runs/line-1", folder / "none.npz", Settings()),
         "[retrain] there is no file {0}/none.npz; expected a file of new examples, in the form that the run was "
         "trained on; check the path"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(trained: Path, call: object, text: str) -> None:
    with pytest.raises(RunError) as caught:
        call(trained)  # type: ignore[operator]
    assert str(caught.value) == text.format(trained)


def test_only_the_registered_champion_is_replaced(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A challenger that beats some other run may be worse than the champion."""
    monkeypatch.setenv("POWERTRAIN_MODELS", str(tmp_path / "models"))
    overrides = [f"data.path={trained / 'turned.npz'}", "run.until=1 epoch"]
    run(["train", "line.toml", "--run", str(tmp_path / "a"), *(f"--set={one}" for one in overrides)], trained)
    pt.models.Registry().register("line", tmp_path / "a", alias="champion")
    with pytest.raises(RunError) as caught:
        retrain(trained / "runs/line-1", trained / "turned.npz", Settings(name="line", folder=tmp_path / "b"))
    assert str(caught.value) == (
        f"[retrain] {trained / 'runs/line-1'} is not the champion of line, which is version 1; expected the model that "
        "the challenger may replace; give models:/line@champion, or --rule never"
    )
    assert not (tmp_path / "b").exists()  # before anything was trained


def test_a_champion_that_was_promoted_meanwhile_stays(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The challenger was compared with the one before: it may be worse than the new champion."""
    monkeypatch.setenv("POWERTRAIN_MODELS", str(tmp_path / "models"))
    registry = pt.models.Registry()
    first = registry.register("line", trained / "runs/line-1", alias="champion")
    judged = retraining._judged

    def meanwhile(*given: Any) -> Any:
        other = registry.register("line", trained / "runs/line-1")
        registry.promote("line", other.number, why="somebody's")
        return judged(*given)

    monkeypatch.setattr(retraining, "_judged", meanwhile)
    found = retrain(registry.path("line"), trained / "turned.npz", Settings(name="line", folder=tmp_path / "run"))
    assert found.difference.low > 0 and not found.promoted and found.version is not None
    assert found.why.endswith(
        f"; but [models line] champion is version 2 by now; expected version {first.number}, which this one is to "
        "replace; compare it with the new one first"
    )
    assert [one.aliases for one in registry.versions("line")] == [(), ("champion",), ("challenger",)]


def test_a_first_champion_that_was_promoted_meanwhile_stays(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTRAIN_MODELS", str(tmp_path / "models"))
    registry, judged = pt.models.Registry(), retraining._judged

    def meanwhile(*given: Any) -> Any:
        registry.register("line", trained / "runs/line-1", alias="champion")
        return judged(*given)

    monkeypatch.setattr(retraining, "_judged", meanwhile)
    found = retrain(trained / "runs/line-1", trained / "turned.npz", Settings(name="line", folder=tmp_path / "run"))
    assert found.difference.low > 0 and not found.promoted
    assert [one.aliases for one in registry.versions("line")] == [("champion",), (), ("challenger",)]


@pytest.mark.parametrize("settings", [{"name": "a/b"}, {"confidence": 1.0}])
def test_settings_are_checked_before_the_training(settings: dict[str, Any]) -> None:
    with pytest.raises(pt.Error):
        Settings(**settings)


def test_answers_in_the_data_are_of_neither_model(trained: Path, tmp_path: Path) -> None:
    """Traffic that was logged with the old model's outputs is no test of the new one by these."""
    from powertrain.train.evaluate.review import open_run
    from powertrain.train.retraining.retrain import _scores

    opened = open_run(trained / "runs/line-1")
    with np.load(trained / "same.npz") as arrays:
        lines = [
            {"x": x.tolist(), "y": int(y), "output": [9.0, -9.0] if y else [-9.0, 9.0]}
            for x, y in zip(arrays["x"][:50], arrays["y"][:50], strict=True)
        ]
    (tmp_path / "logged.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert _scores(opened, str(tmp_path / "logged.jsonl")).mean() > 0.8  # by the logged ones: 0


def test_data_that_are_no_file_are_refused(trained: Path, tmp_path: Path) -> None:
    from running import SMALL

    (tmp_path / "small.toml").write_text(SMALL)
    run(["train", "small.toml", "--run", "a", "--set", "run.until=1 epoch"], tmp_path)
    done = run(["retrain", "a", "--with", str(trained / "same.npz")], tmp_path, expect=2)
    assert done.stderr.strip() == (
        "[retrain] the data of a are digits, which are not in a file; expected data with a path, such as table or "
        "arrays; train a new run on your file instead"
    )


def test_weights_that_cannot_read_the_new_data_are_said(trained: Path, tmp_path: Path) -> None:
    with np.load(trained / "same.npz") as arrays:
        np.savez(tmp_path / "three.npz", x=arrays["x"], y=np.arange(len(arrays["x"])) % 3)
    with pytest.raises(RunError) as caught:
        retrain(trained / "runs/line-1", tmp_path / "three.npz", Settings(folder=tmp_path / "b"))
    assert str(caught.value) == (
        f"[retrain] the weights of {trained / 'runs/line-1'} cannot read the new data: outputs was 2, is 3; labels was "
        "0, 1, is 0, 1, 2; expected examples of the same form and classes; start again: --policy restart"
    )
