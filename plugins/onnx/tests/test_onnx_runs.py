"""Trained runs as files of ONNX: the transforms of their data in front, labels, parity."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="ONNX is not installed")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

import onnx

import powertrain as pt
from powertrain.conformance import check_distribution
from powertrain.data.transforms import Transformed
from powertrain.plugin.registry import registry
from powertrain_onnx import OnnxError
from powertrain_onnx.checking import K, Runtime, apart
from running import SECONDS, command, environment


def digits(folder: Path, **more: Any) -> Any:
    tables = {
        "data": {"use": "digits", "split": {"test": 0.2}}, "features": [{"use": "scale", "by": 0.0625}],
        "model": {"use": "mlp", "hidden": [16]}, "optimizer": "adamw", "run": {"until": "3 steps", "batch_size": 32},
        "report": {"baseline": False}, **more,
    }  # fmt: skip
    return pt.fit(tables, folder=folder / "run", verbose=False)


def raw(run: Any, part: str) -> Any:
    source = run.run.dataset.splits[part]
    while isinstance(source, Transformed):
        source = source.source
    return source.fetch(np.arange(len(source)))["x"]


@pytest.mark.parametrize("features", [
    [], [{"use": "scale", "by": 0.0625, "shift": -0.5}], [{"use": "standardize"}], ["flatten"],
    ["channel", {"use": "standardize", "per_feature": False}],
], ids=str)  # fmt: skip
def test_transforms_are_inside(features: Any, tmp_path: Path) -> None:
    run = digits(tmp_path, features=features)
    made = run.export("onnx", tmp_path / "model.onnx")
    assert made.examples == 359 and made.checked == "359 examples of test" and made.difference <= made.allowed
    proto = onnx.load(made.path)
    x = raw(run, "test")
    assert [one.name for one in (*proto.graph.input, *proto.graph.output)] == ["x", "logits"]
    runtime = Runtime(proto)
    for rows in (1, 5, 359):
        assert apart(runtime([x[:rows]])[0], run.predict(x[:rows]).outputs) <= K
    found = {one.key: json.loads(one.value) if one.value[0] in "[{" else one.value for one in proto.metadata_props}
    assert found["powertrain.labels"] == [str(digit) for digit in range(10)]
    assert found["powertrain.task"] == "classification"


def test_bytes_become_numbers_inside(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    x, y = draw.integers(0, 256, (90, 8, 8), dtype=np.uint8), np.arange(90) % 3
    run = pt.fit(
        model="mlp", data=(x, y), features=[{"use": "scale", "by": 1 / 255}], steps=2, verbose=False,
        folder=tmp_path / "run",
    )  # fmt: skip
    made = run.export("onnx", tmp_path / "model.onnx")
    proto = onnx.load(made.path)
    assert proto.graph.input[0].type.tensor_type.elem_type == onnx.TensorProto.UINT8
    assert apart(Runtime(proto)([x])[0], run.predict(x).outputs) <= K


def test_without_transforms(tmp_path: Path) -> None:
    run = digits(tmp_path)
    made = run.export("onnx", tmp_path / "model.onnx", transforms=False)
    proto = onnx.load(made.path)
    x = raw(run, "test")[:9]
    assert apart(Runtime(proto)([run.run.dataset.transforms[0](x)])[0], run.predict(x).outputs) <= K
    assert '["Scale"]' in [one.value for one in proto.metadata_props]


def test_a_run_that_was_loaded_from_the_command(tmp_path: Path) -> None:
    run = digits(tmp_path)
    done = subprocess.run(
        command(["export", "run", "--to", "onnx", "--json"]), cwd=tmp_path, env=environment(), capture_output=True,
        text=True, timeout=SECONDS, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["examples"] == 359
    x = raw(run, "test")
    proto = onnx.load(tmp_path / found["path"])
    assert apart(Runtime(proto)([x])[0], run.predict(x).outputs) <= K


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    run = digits(tmp_path)
    one = run.export("onnx", tmp_path / "one.onnx").path.read_bytes()
    assert pt.load(tmp_path / "run").export("onnx", tmp_path / "two.onnx").path.read_bytes() == one


@pytest.mark.slow
def test_check_finds_nothing() -> None:
    found = check_distribution(registry(), "powertrain-onnx")
    assert [finding.line() for one in found for finding in one.findings] == []
    assert all(one.examined for one in found)


# ---------------------------------------------------------------- tables


def table(folder: Path, target: str, **encode: Any) -> Any:
    tabular = pytest.importorskip("powertrain_tabular", reason="powertrain-tabular is not installed")
    pytest.importorskip("pyarrow", reason="powertrain-tabular reads CSV files by it")
    people = Path(tabular.__file__).parent / "examples" / "people.csv"
    data = {"use": "table", "path": str(people), "target": target, "split": {"by": "random", "test": 0.3}}
    return digits(folder, data={**data, "encode": {"rare": 1, **encode}}, features=[], model="linear")


@pytest.mark.parametrize("encode", [
    {}, {"categories": "ordinal", "scale": False}, {"categories": "frequency", "clip": True},
    {"combine": ("income*visits", "income/visits")},
], ids=str)  # fmt: skip
def test_columns_are_encoded_inside(encode: Any, tmp_path: Path) -> None:
    """Gaps, every level, a text that is none and days are drawn, and compared with what the run's encoder makes."""
    run = table(tmp_path, "bought", **encode)
    made = run.export("onnx", tmp_path / "model.onnx", columns=True)
    assert made.examples > 50 and made.difference <= made.allowed
    kinds = {one.name: one.type.tensor_type.elem_type for one in onnx.load(made.path).graph.input}
    text, number = onnx.TensorProto.STRING, onnx.TensorProto.DOUBLE
    assert kinds == {"joined": number, "city": text, "age": number, "income": number, "visits": number}


def test_gaps_of_dates_are_encoded_inside(tmp_path: Path) -> None:
    tabular = pytest.importorskip("powertrain_tabular", reason="powertrain-tabular is not installed")
    pytest.importorskip("pyarrow", reason="powertrain-tabular reads CSV files by it")
    lines = (Path(tabular.__file__).parent / "examples" / "people.csv").read_text().splitlines()
    text = "\n".join(f",{line.partition(',')[2]}" if row % 9 == 4 else line for row, line in enumerate(lines))
    (tmp_path / "gaps.csv").write_text(text, encoding="utf-8")
    data = {"use": "table", "path": str(tmp_path / "gaps.csv"), "target": "bought", "split": {"test": 0.3}}
    run = digits(tmp_path, data=data, features=[], model="linear")
    made = run.export("onnx", tmp_path / "model.onnx", columns=True)
    assert "joined missing" in run.run.dataset.columns and made.difference <= made.allowed


def test_columns_that_are_encoded_otherwise_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from powertrain_onnx import columns

    monkeypatch.setattr(columns, "WEEK", 6.0)
    with pytest.raises(OnnxError, match=r"with columns as inputs the answers are .* eps of the largest from the run's"):
        table(tmp_path, "bought").export("onnx", tmp_path / "model.onnx", columns=True)


def test_columns_of_what_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(OnnxError, match="columns = true for digits, which is not a table of powertrain-tabular"):
        digits(tmp_path).export("onnx", tmp_path / "model.onnx", columns=True)


def test_targets_of_float64_are_compared_as_the_model_computes(tmp_path: Path) -> None:
    """Sums of 300 numbers in float32 in two orders, behind an exponential in float64."""
    draw = np.random.default_rng(0)
    x = draw.normal(size=(200, 300)).astype("float32")
    y = np.exp(0.1 * x @ draw.normal(size=300) + 12).astype("float32")
    run = pt.fit(
        model="linear", data=(x, y[:, None]), target={"scale": "log"}, epochs=3, lr=1e-2, verbose=False,
        report={"baseline": False},
    )  # fmt: skip
    made = run.export("onnx", tmp_path / "model.onnx")
    (got,) = Runtime(onnx.load(made.path))([x])
    want = run.predict(x).outputs
    assert got.dtype == np.float64 and apart(got, want) > K and apart(got, want, float(np.finfo(np.float32).eps)) <= K


def test_a_model_outside_of_any_trace_is_refused(tmp_path: Path) -> None:
    run = digits(tmp_path, model="nearest-mean", strategy="fitted", run={"until": "1 rounds"})
    with pytest.raises(pt.Error) as caught:
        run.export("onnx", tmp_path / "model.onnx")
    assert str(caught.value) == (
        "[export] the model nearest-mean computes its answers with NumPy, which a trace does not see, so there are "
        "no ops to export; expected a model of the engine's ops, such as linear or mlp; export it to a wheel, which "
        "holds the run itself"
    )
    assert not (tmp_path / "model.onnx").exists()
    assert run.export("wheel", tmp_path).path.suffix == ".whl"
