"""Quantized copies of runs: measured, opened again, refused where they cost too much or are not what they say."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.cli import main
from powertrain.nn.weight_codes import Codes, coded


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("quantized") / "digits-1"
    return pt.fit("digits", epochs=4, folder=folder, verbose=False)


@pytest.fixture(scope="module")
def small(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a quantized run, which tests copy."""
    folder: Path = tmp_path_factory.mktemp("quantized") / "small"
    assert trained.quantize(folder=folder).kept
    return folder


@pytest.mark.parametrize(
    "settings", [{"bits": 4, "group_size": 32}, {"activations": "dynamic"}, {"activations": "static"}]
)
def test_a_quantized_run_answers_and_is_measured(trained: Any, tmp_path: Path, settings: dict[str, Any]) -> None:
    made = trained.quantize(**settings, folder=tmp_path / "small")
    assert made.kept and made.part == "test" and made.metric == "accuracy"
    assert made.before["test"] == trained.evaluate()["test"]
    assert made.cost == made.before["test"]["accuracy"] - made.after["test"]["accuracy"] and abs(made.cost) < 0.02
    assert made.bytes[1] < 0.5 * made.bytes[0]
    again = pt.load(tmp_path / "small")
    assert again.evaluate() == made.after
    assert again.results["quantized"]["bits"] == settings.get("bits", 8)
    x = np.random.default_rng(0).integers(0, 17, (5, 8, 8)).astype("float32")
    np.testing.assert_array_equal(made.run.predict(x).outputs, again.predict(x).outputs)
    assert trained.folder.joinpath("results.json").is_file(), "the run itself stays"


def test_a_run_that_costs_too_much_leaves_nothing(
    trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def nothing(weight: Any, bits: int, group_size: int | None = None) -> Codes:
        return Codes(np.zeros(weight.shape, np.int8), coded(weight, bits, group_size).scale)

    monkeypatch.setattr("powertrain.nn.quantized.coded", nothing)  # a model that knows nothing any more
    target = tmp_path / "small"
    assert main(["quantize", str(trained.folder), "--tolerance", "0.5", "--out", str(target)]) == 1
    assert "nothing written: it costs more than 0.5" in capsys.readouterr().out
    assert not target.exists()
    made = trained.quantize(folder=target, tolerance=0.5)
    assert not made.kept and made.cost > 0.5
    with pytest.raises(pt.Error, match="was not quantized, since that would cost"):
        _ = made.run


def test_the_command_writes_a_run(trained: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["quantize", str(trained.folder), "--out", str(tmp_path / "small"), "--json"]) == 0
    table = json.loads(capsys.readouterr().out)
    assert table["run"] == str(tmp_path / "small") and table["layers"] and table["bytes"][0] > table["bytes"][1]
    assert main(["evaluate", str(tmp_path / "small"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["test"] == table["after"]["test"]


def test_what_is_quantized_is_not_trained_on_or_quantized_again(trained: Any, small: Path, tmp_path: Path) -> None:
    with pytest.raises(pt.Error, match="its weights are quantized, and are not trained on"):
        pt.fit("digits", epochs=5, folder=small, resume=True, verbose=False)
    with pytest.raises(pt.Error, match="is quantized already"):
        pt.load(small).quantize(folder=tmp_path / "smaller")
    with pytest.raises(pt.Error, match="exists already; expected a new folder"):
        trained.quantize(folder=small)


@pytest.mark.parametrize(
    "change",
    [
        {"layers": ["no.such"]}, {"role": "teacher"}, {"bits": 5}, {"bits": "8"}, {"group_size": 3},
        {"activations": "eval"}, {"layers": [3]}, {"layers": None},
    ],
)  # fmt: skip
def test_a_folder_that_says_something_else_is_refused(small: Path, tmp_path: Path, change: dict[str, Any]) -> None:
    shutil.copytree(small, tmp_path / "small")
    path = tmp_path / "small" / "quantized.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(pt.Error, match="expected what powertrain quantize wrote"):
        pt.load(tmp_path / "small")
    path.unlink()
    with pytest.raises(pt.Error, match=r"expected what the recipe describes"):
        pt.load(tmp_path / "small")


def test_a_run_of_python_objects_is_refused(tmp_path: Path) -> None:
    x = np.random.default_rng(0).standard_normal((40, 6)).astype("float32")
    run = pt.fit(model=pt.nn.Linear(6, 2), data=(x, (x[:, 0] > 0).astype("int64")), epochs=1, folder=tmp_path / "run",
                 verbose=False)  # fmt: skip
    with pytest.raises(pt.Error, match="was made from Python objects"):
        run.quantize()
