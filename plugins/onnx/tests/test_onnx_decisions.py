"""Calibration and threshold of a classifier inside of its file of ONNX."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

import powertrain as pt

runtime = pytest.importorskip("onnxruntime", reason="onnxruntime is not installed")


def examples(count: int, classes: int, seed: int) -> tuple[Any, Any]:
    draw = np.random.default_rng(seed)
    x = draw.normal(size=(count, 4)).astype(np.float32)
    return x, (x[:, :classes] + draw.gumbel(size=(count, classes))).argmax(axis=1)


def trained(folder: Path, classes: int, **asked: Any) -> Any:
    model = pt.nn.Sequential(pt.nn.Linear(4, 16), pt.nn.ReLU(), pt.nn.Linear(16, classes))
    return pt.fit(
        model=model, data=examples(600, classes, 0), validation=0.4, epochs=10, lr=0.02, folder=folder, verbose=False,
        evaluate=asked,
    )  # fmt: skip


@pytest.mark.parametrize("method", ["temperature", "platt", "isotonic"])
@pytest.mark.parametrize("classes", [2, 3])
def test_the_file_gives_calibrated_logits(method: str, classes: int, tmp_path: Path) -> None:
    run = trained(tmp_path / "run", classes, calibrate=method)
    made = run.export("onnx", tmp_path / "model.onnx")
    assert made.difference <= made.allowed
    onnx.checker.check_model(made.path, full_check=True)
    session = runtime.InferenceSession(made.path, providers=["CPUExecutionProvider"])
    x, _ = examples(77, classes, 1)
    assert [one.name for one in session.get_outputs()] == ["logits"]
    np.testing.assert_allclose(session.run(None, {"x": x})[0], run.predict(x).outputs, atol=2e-3)
    (said,) = [one.value for one in onnx.load(made.path).metadata_props if one.key == "powertrain.calibration"]
    assert said == method


def test_a_threshold_is_a_second_output(tmp_path: Path) -> None:
    run = trained(tmp_path / "run", 2, calibrate="platt", threshold={"value": 0.3})
    path = run.export("onnx", tmp_path / "model.onnx").path
    onnx.checker.check_model(path, full_check=True)
    session = runtime.InferenceSession(path, providers=["CPUExecutionProvider"])
    x, _ = examples(200, 2, 2)
    logits, classes = session.run(None, {"x": x})
    said = run.predict(x)
    assert classes.dtype == np.int64 and classes.shape == (200,)
    sure = np.abs(said.probabilities[:, 1] - 0.3) > 1e-4
    assert (classes == said.labels)[sure].all()
    assert (classes != logits.argmax(axis=1)).any()
    (told,) = [one.value for one in onnx.load(path).metadata_props if one.key == "powertrain.threshold"]
    assert json.loads(told) == 0.3
    found = session.run(None, {"x": x[:1]})
    assert found[1].tolist() == classes[:1].tolist()


def test_a_column_of_the_name_of_the_output_is_refused() -> None:
    from powertrain_onnx.deciding import add_class
    from powertrain_onnx.errors import OnnxError

    port = onnx.helper.make_tensor_value_info("class", onnx.TensorProto.STRING, ["batch"])
    logits = onnx.helper.make_tensor_value_info("logits", onnx.TensorProto.FLOAT, ["batch", 2])
    model = onnx.helper.make_model(onnx.helper.make_graph([], "one", [port], [logits]))
    with pytest.raises(OnnxError, match="has the name of the file's second output"):
        add_class(model, 0.0)
