"""Modules and functions as files of ONNX: batches of every size, names, and what is refused with which words."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="ONNX is not installed")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

import onnx
import onnxruntime

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.builtin.models import CNN, GPT, MLP, LeNet, LSTMLanguageModel, ResNet18, ViT
from powertrain_onnx import OnnxError, export
from powertrain_onnx.checking import K, apart
from powertrain_onnx.writer import OPSET

DRAW = np.random.default_rng(3)


def images(*shape: int) -> Any:
    return DRAW.normal(size=shape).astype(np.float32)


def tokens(rows: int, time: int, words: int) -> Any:
    return DRAW.integers(0, words, (rows, time))


def in_turn(*layers: Any) -> Any:
    return pt.nn.Sequential(*layers)


MODELS: dict[str, tuple[Callable[[], Any], Any]] = {
    "mlp": (lambda: MLP(12, 3, MLP.Params(hidden=(16, 8), activation="gelu")), images(2, 12)),
    "cnn": (lambda: CNN((13, 11, 3), 5, CNN.Params(channels=(4, 6), hidden=8)), images(2, 13, 11, 3)),
    "lenet": (lambda: LeNet((12, 12, 1), 4), images(2, 12, 12, 1)),
    "resnet18": (lambda: ResNet18(3, 4), images(2, 9, 9, 3)),
    "vit": (lambda: ViT((8, 8, 3), 4, ViT.Params(layers=2, heads=2, width=16)), images(2, 8, 8, 3)),
    "gpt": (lambda: GPT(17, 9, GPT.Params(layers=2, heads=2, width=16)), tokens(2, 9, 17)),
    "lstm": (lambda: LSTMLanguageModel(17, LSTMLanguageModel.Params(embedding=6, width=10)), tokens(2, 7, 17)),
    "gru": (lambda: First(pt.nn.GRU(5, 6, num_layers=2, bidirectional=True)), images(2, 7, 5)),
    "rnn": (lambda: First(pt.nn.RNN(5, 6, nonlinearity="relu")), images(2, 7, 5)),
    "conv1d": (lambda: in_turn(pt.nn.Conv1d(3, 4, 3), pt.nn.BatchNorm1d(4), pt.nn.MaxPool1d(2)), images(2, 9, 3)),
    "transposed": (lambda: pt.nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1), images(2, 5, 4, 3)),
    "volumes": (lambda: in_turn(pt.nn.Conv3d(2, 3, 3), pt.nn.AvgPool3d(2)), images(2, 5, 6, 7, 2)),
    "norms": (lambda: in_turn(pt.nn.GroupNorm(2, 6), pt.nn.InstanceNorm2d(6), pt.nn.LayerNorm(6)), images(2, 4, 5, 6)),
    "encoder": (lambda: pt.nn.TransformerEncoderLayer(8, 2, dim_feedforward=16), images(2, 5, 8)),
}  # fmt: skip


class First(pt.nn.Module):
    """The first of several results."""

    def __init__(self, inner: Any) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Any) -> Any:
        return self.inner(x)[0]


def run(model: Any, *arrays: Any) -> list[Any]:
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    return session.run(None, dict(zip([one.name for one in session.get_inputs()], arrays, strict=True)))


@pytest.mark.parametrize("name", MODELS)
def test_a_model_answers_batches_of_every_size(name: str, tmp_path: Path) -> None:
    make, x = MODELS[name]
    pt.random.seed(4)
    model = make()
    path = tmp_path / "model.onnx"
    made = export(model, x, path)
    assert onnx.load(path) == made
    onnx.checker.check_model(made, full_check=True)
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "batch"
    assert {one.version for one in made.opset_import} == {OPSET}
    model.eval()
    for rows in (1, 2, 7):
        batch = np.resize(x, (rows, *x.shape[1:]))
        assert apart(run(made, batch)[0], model(batch).numpy()) <= K


def test_weights_have_the_names_of_parameters() -> None:
    model = MLP(4, 2, MLP.Params(hidden=(3,)))
    made = export(model, np.zeros((1, 4), np.float32))
    assert sorted(one.name for one in made.graph.initializer) == [
        "layers.0.bias", "layers.0.weight", "layers.1.bias", "layers.1.weight",
    ]  # fmt: skip


def test_weights_of_a_model_that_was_optimized_are_as_small_and_have_names() -> None:
    """The optimizer keeps all parameters in one long vector."""
    model = pt.nn.Sequential(pt.nn.Linear(4, 3), pt.nn.ReLU(), pt.nn.Linear(3, 2))
    pt.optim.AdamW(model)
    made = export(model, np.zeros((1, 4), np.float32))
    assert sum(int(np.prod(one.dims)) for one in made.graph.initializer) == 4 * 3 + 3 + 3 * 2 + 2
    assert {one.name for one in made.graph.initializer} == {"0.weight", "0.bias", "2.weight", "2.bias"}


def test_convolutions_meet_without_transposes_between() -> None:
    model = pt.nn.Sequential(pt.nn.Conv2d(3, 4, 3), pt.nn.MaxPool2d(2), pt.nn.Conv2d(4, 4, 3))
    ops = [node.op_type for node in export(model, images(1, 12, 12, 3)).graph.node]
    assert ops == ["Transpose", "Conv", "MaxPool", "Conv", "Transpose"]


def test_several_inputs_and_outputs_have_names() -> None:
    def both(left: Any, right: Any) -> dict[str, Any]:
        return {"sum": left + right, "larger": left > right}

    a, b = images(3, 4), images(3, 4)
    made = export(both, (a, b))
    assert [one.name for one in made.graph.input] == ["left", "right"]
    assert [one.name for one in made.graph.output] == ["sum", "larger"]
    np.testing.assert_array_equal(run(made, a, b)[1], a > b)
    renamed = export(both, (a, b), input_names=("x", "y"), output_names=("s", "l"))
    assert [one.name for one in (*renamed.graph.input, *renamed.graph.output)] == ["x", "y", "s", "l"]


def test_metadata_is_kept() -> None:
    made = export(pt.nn.Linear(2, 2), images(1, 2), metadata={"labels": ["cat", "dog"], "by": "me"})
    found = {one.key: one.value for one in made.metadata_props}
    assert json.loads(found["labels"]) == ["cat", "dog"] and found["by"] == "me"
    assert made.producer_name == "powertrain" and made.producer_version == pt.__version__


def test_the_line_of_the_model_stands_at_its_nodes() -> None:
    made = export(lambda x: pt.tanh(x), images(2, 3))
    assert [Path(node.doc_string.rpartition(":")[0]).name for node in made.graph.node[:1]] == ["test_onnx_export.py"]


def test_a_batch_of_one_size() -> None:
    made = export(lambda x: x - pt.mean(x, axis=0), images(3, 4), dynamic_batch=False)
    assert [one.dim_value for one in made.graph.input[0].type.tensor_type.shape.dim] == [3, 4]
    x = images(3, 4)
    np.testing.assert_allclose(run(made, x)[0], x - x.mean(axis=0), rtol=1e-5, atol=1e-6)


def test_modes_stay_as_they_were() -> None:
    model = pt.nn.Sequential(pt.nn.Linear(3, 3), pt.nn.Dropout(0.5), pt.nn.BatchNorm1d(3))
    model[2].eval()
    export(model, images(2, 3))
    assert [part.training for part in model] == [True, True, False] and model.training


@pytest.mark.parametrize("dtype", ["float16", "float64", "int32", "uint8"])
def test_other_dtypes(dtype: str) -> None:
    x = (np.arange(12).reshape(3, 4) * 20).astype(dtype)

    def function(x: Any) -> Any:
        return pt.maximum(x * 2 + x, x), pt.sum(x, axis=1)

    for one, other in zip(run(export(function, x), x), function(pt.asarray(x)), strict=True):
        assert one.dtype == other.numpy().dtype
        np.testing.assert_array_equal(one, other.numpy())


def test_an_index_out_of_range_is_refused_by_the_runtime() -> None:
    made = export(pt.nn.Embedding(5, 2), np.zeros((1, 3), np.int64))
    assert [node.op_type for node in made.graph.node] == ["Gather"]
    with pytest.raises(Exception, match="out of data bounds"):
        run(made, np.full((1, 3), 5))


def refused(function: Any, *examples: Any, **settings: Any) -> str:
    with pytest.raises(OnnxError) as error:
        export(function, examples, **settings)
    return str(error.value)


def test_what_mixes_rows_is_named_with_its_line() -> None:
    text = refused(lambda x: pt.softmax(x, axis=0), images(4, 3))
    assert "output of a row depends on the other rows of its batch: softmax at " in text
    assert "test_onnx_export.py:" in text
    text = refused(lambda x: pt.mean(x, axis=0), images(4, 3))
    assert "expected a first axis of the batch" in text or "expected a function of each row" in text
    text = refused(lambda x: x / x.shape[0], images(4, 3))
    assert "expected a function of each row of the batch alone" in text
    text = refused(lambda x: x + pt.reshape(pt.arange(x.shape[0], dtype="float32"), (-1, 1)), images(4, 3))
    assert "a constant differs from row to row of the batch" in text


def test_what_has_no_rule_is_named_with_its_line() -> None:
    text = refused(lambda x: pt.lgamma(x), images(2, 3))
    assert text.startswith("[onnx] lgamma at ") and "test_onnx_export.py:" in text
    assert "cannot be exported, of (float32[batch, 3]); expected ops that have a rule" in text
    text = refused(lambda x: F.dropout(x, 0.5), images(2, 3))
    assert "random_uniform at " in text


def test_what_assigns_slots_is_refused() -> None:
    seen = pt.Slot(pt.tensor(0.0), name="seen")

    def function(x: Any) -> Any:
        seen.value = seen.value + 1.0
        return x * 2

    assert "the function assigns slots, as training does" in refused(function, images(2, 3))
    assert seen.value.item() == 0.0


def test_what_is_given_wrongly() -> None:
    assert "no example inputs" in refused(pt.nn.Linear(2, 2))
    assert "output_names = ['a', 'b']; expected 1" in refused(pt.nn.Linear(2, 2), images(1, 2), output_names=("a", "b"))
    assert "input_names = ['a', 'b']; expected 1" in refused(pt.nn.Linear(2, 2), images(1, 2), input_names=("a", "b"))
    assert "expected a first axis of one row or more" in refused(lambda x: x, np.float32(1.0))
    assert "is of type int; expected a tensor" in refused(lambda x: 3, images(1, 2))
    with pytest.raises(OnnxError, match=r"is not a folder; expected one for it\.onnx"):
        export(pt.nn.Linear(2, 2), images(1, 2), "nowhere/it.onnx")


def test_a_runtime_that_gives_other_numbers_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rule that is wrong is found by the comparison, with the op and its line."""
    from powertrain_onnx import graph

    wrong = {**graph.RULES, "tanh": lambda w, call, x: w.node("Sigmoid", x)}
    monkeypatch.setattr(graph, "RULES", wrong)
    text = refused(lambda x: pt.exp(pt.tanh(x) * 2), images(2, 3))
    assert "eps of its largest number from the engine's; expected at most" in text
    assert "; tanh at " in text and "is the first that differs" in text
