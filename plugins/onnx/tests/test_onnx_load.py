"""Files of ONNX as modules: the same numbers, weights that train, modes, and files of strangers."""

from __future__ import annotations

import resource
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="ONNX is not installed")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

import onnx
from onnx import TensorProto, helper, numpy_helper
from test_onnx_export import MODELS, images

import powertrain as pt
from powertrain_onnx import OnnxError, export, load
from powertrain_onnx.checking import K, apart


def written(path: Path, nodes: list[Any], arrays: dict[str, Any] | None = None, opset: int = 18, **more: Any) -> Path:
    """A model of float32[2, 3] -> y."""
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, more.get("shape", ["batch", 3]))]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    tensors = [numpy_helper.from_array(np.asarray(array), name) for name, array in (arrays or {}).items()]
    graph = helper.make_graph(nodes, "graph", inputs, outputs, tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)])
    path.write_bytes(model.SerializeToString())
    return path


@pytest.mark.parametrize("name", MODELS)
def test_what_was_exported_is_read_back(name: str, tmp_path: Path) -> None:
    make, x = MODELS[name]
    pt.random.seed(4)
    model = make()
    export(model, x, tmp_path / "model.onnx")
    again = load(tmp_path / "model.onnx")
    model.eval()
    for rows in (1, 3):
        batch = np.resize(x, (rows, *x.shape[1:]))
        assert apart(again(batch).numpy(), model(batch).numpy()) <= K


def test_weights_train(tmp_path: Path) -> None:
    model = pt.nn.Sequential(pt.nn.Linear(3, 8), pt.nn.Tanh(), pt.nn.Linear(8, 1))
    export(model, images(1, 3), tmp_path / "model.onnx")
    again = load(tmp_path / "model.onnx")
    assert [name for name, _ in again.named_parameters()] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    x = images(32, 3)
    y = x[:, :1] * 2 - 1
    again.train()
    opt = pt.optim.AdamW(again, lr=3e-2)
    loss_and_gradients = pt.nn.value_and_grad(again, lambda x, y: pt.mean(pt.square(again(x) - y)))

    @pt.compile
    def step(x: Any, y: Any) -> Any:
        loss, gradients = loss_and_gradients(x, y)
        opt.update(gradients)
        return loss

    losses = [step(x, y).item() for _ in range(60)]
    assert losses[-1] < losses[0] / 20
    export(again, images(1, 3), tmp_path / "again.onnx")
    assert apart(load(tmp_path / "again.onnx")(x).numpy(), again(x).numpy()) <= K


def test_batch_norm_and_dropout_follow_the_mode(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("BatchNormalization", ["x", "scale", "bias", "mean", "var"], ["n"], momentum=0.5),
        helper.make_node("Dropout", ["n", "ratio"], ["y"]),
    ]
    ones, zeros = np.ones(3, np.float32), np.zeros(3, np.float32)
    arrays = {"scale": ones, "bias": zeros, "mean": zeros, "var": ones, "ratio": np.float32(0.5)}
    model = load(written(tmp_path / "norm.onnx", nodes, arrays))
    assert [name for name, _ in model.named_parameters()] == ["scale", "bias"]
    assert {name for name, _ in model.named_slots()} == {"scale", "bias", "mean", "var"}
    x = images(64, 3) * 3 + 1
    np.testing.assert_allclose(model(x).numpy(), x / np.sqrt(1 + 1e-5), rtol=1e-6)
    model.train()
    y = model(x).numpy()
    assert 0.3 < (y == 0).mean() < 0.7
    kept = y != 0
    normal = (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-5)
    np.testing.assert_allclose(y[kept], 2 * normal[kept], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(model.mean.numpy(), x.mean(0) / 2, rtol=1e-5)
    np.testing.assert_allclose(model.var.numpy(), x.var(0) / 2 + 0.5, rtol=1e-5)


def test_sizes_that_shapes_tell_work_in_a_compiled_step(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Shape", ["x"], ["s"]), helper.make_node("Gather", ["s", "first"], ["rows"]),
        helper.make_node("Concat", ["rows", "rest"], ["wanted"], axis=0),
        helper.make_node("Reshape", ["x", "wanted"], ["y"]),
    ]  # fmt: skip
    arrays = {"first": np.array([0]), "rest": np.array([3, 1])}
    model = load(written(tmp_path / "shape.onnx", nodes, arrays))
    x = images(5, 3)
    np.testing.assert_array_equal(pt.compile(lambda x: model(x))(x).numpy(), x[..., None])


def test_inputs_by_name_and_wrong_ones(tmp_path: Path) -> None:
    model = load(written(tmp_path / "relu.onnx", [helper.make_node("Relu", ["x"], ["y"])]))
    x = images(2, 3)
    np.testing.assert_array_equal(model(x=x).numpy(), np.maximum(x, 0))
    for given, words in (
        ((), "received 0 inputs; expected x; pass them in this order"),
        ((x, x), "received 2 inputs; expected x"),
        ((images(2, 4),), r"x is float32\[2, 4\]; expected float32\[any, 3\]"),
        ((x.astype(np.float64),), r"x is float64\[2, 3\]; expected float32"),
    ):
        with pytest.raises(OnnxError, match=words):
            model(*given)


def refused(path: Path) -> str:
    with pytest.raises(pt.Error) as error:
        load(path)
    return str(error.value)


def test_the_first_node_that_is_unknown_is_named(tmp_path: Path) -> None:
    nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("Unheard", ["r"], ["y"], name="layer7/odd")]
    text = refused(written(tmp_path / "odd.onnx", nodes))
    assert "Unheard (layer7/odd) is an operator that is not supported; expected one of" in text
    nodes = [helper.make_node("GRU", ["x", "w", "r"], ["y"], name="old", hidden_size=1)]
    text = refused(written(tmp_path / "gru.onnx", nodes, {"w": np.zeros((1, 3, 3)), "r": np.zeros((1, 3, 1))}))
    assert "GRU (old) has linear_before_reset = 0, which is not supported" in text
    nodes = [helper.make_node("FusedThing", ["x"], ["y"], domain="com.microsoft")]
    assert "is an operator of com.microsoft" in refused(written(tmp_path / "domain.onnx", nodes))
    assert "opset 6; expected 7 to" in refused(written(tmp_path / "old.onnx", nodes, opset=6))
    nodes = [helper.make_node("Softmax", ["x"], ["y"], axis=1)]
    assert "in which it joined axes; expected 13 or later" in refused(written(tmp_path / "s.onnx", nodes, opset=11))


def test_damaged_files_are_an_error(tmp_path: Path) -> None:
    """Each byte range of a good file overwritten or cut: an error of ours, or a module."""
    path = tmp_path / "model.onnx"
    export(pt.nn.Sequential(pt.nn.Linear(3, 4), pt.nn.ReLU(), pt.nn.Linear(4, 2)), images(1, 3), path)
    good = path.read_bytes()
    draw = np.random.default_rng(0)
    opened = 0
    for _ in range(300):
        raw = bytearray(good)
        at = int(draw.integers(len(raw)))
        if draw.random() < 0.3:
            raw = raw[:at]
        else:
            raw[at : at + int(draw.integers(1, 5))] = draw.bytes(int(draw.integers(1, 5)))
        path.write_bytes(bytes(raw))
        try:
            load(path)(images(1, 3))
            opened += 1
        except pt.Error:
            pass
    assert opened < 300


def test_files_of_strangers(tmp_path: Path) -> None:
    relu = helper.make_node("Relu", ["x"], ["y"])
    assert "has the shape" in refused(_external(tmp_path, [1 << 40], location="weights.bin"))
    secret = tmp_path / "secret.bin"
    secret.write_bytes(bytes(12))
    inside = tmp_path / "models"
    inside.mkdir()
    for location in ("../secret.bin", str(secret), "a/../../secret.bin", "", "..", "c:\\secret.bin"):
        assert "expected a file in the folder of the model" in refused(_external(inside, [3], location=location))
    (inside / "link.bin").symlink_to(secret)
    assert "link.bin is a link; expected a file of this folder" in refused(_external(inside, [3], location="link.bin"))
    (inside / "weights.bin").write_bytes(np.array([1, 2, 3], np.float32).tobytes())
    assert "expected 12, as its shape says" in refused(_external(inside, [3], location="weights.bin", length="4096"))
    assert "ends within" in refused(_external(inside, [3], location="weights.bin", offset="8"))
    model = load(_external(inside, [3], location="weights.bin"))
    np.testing.assert_array_equal(model(np.zeros((1, 3), np.float32)).numpy(), [[1, 2, 3]])
    assert "reads 'z', which nothing before it makes" in refused(
        written(tmp_path / "cut.onnx", [helper.make_node("Relu", ["z"], ["y"])])
    )
    assert "makes 'x', which is there already" in refused(
        written(tmp_path / "twice.onnx", [helper.make_node("Relu", ["x"], ["x"]), relu])
    )
    huge = [helper.make_node("Expand", ["x", "shape"], ["y"])]
    big = load(written(tmp_path / "big.onnx", huge, {"shape": np.array([1 << 20, 1 << 20, 1, 3])}))
    with pytest.raises(OnnxError, match=r"a tensor of .* is asked for; expected at most"):
        big(images(1, 3))
    assert "nothing.onnx cannot be read: No such file or directory; expected" in refused(tmp_path / "nothing.onnx")
    assert "cannot be read: it is a folder, not a regular file; expected an ordinary file" in refused(tmp_path)


LONG = 1 << 17  # two of such axes are more than any file asks for
ROW, COLUMN, IDS = np.zeros((1, LONG), np.float32), np.zeros((LONG, 1), np.float32), np.zeros(LONG, np.int64)
PIXEL, WEIGHT = np.zeros((1, 1, 1, 1), np.float32), np.zeros((1, 1, 1, 1), np.float32)
FAR = 1 << 20
HUGE: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "Add": ("a b", {"a": ROW, "b": COLUMN}, {}),
    "Where": ("c a b", {"c": np.ones((LONG, 1), bool), "a": ROW, "b": ROW}, {}),
    "Pow": ("a b", {"a": ROW, "b": COLUMN}, {}),
    "Max": ("a b", {"a": ROW, "b": COLUMN}, {}),
    "MatMul": ("b a", {"a": ROW, "b": COLUMN}, {}),
    "Gemm": ("a b", {"a": ROW, "b": COLUMN}, {"transA": 1, "transB": 1}),
    "Einsum": ("a b", {"a": ROW, "b": COLUMN}, {"equation": "ij,kl->jk"}),
    "Einsum of three": ("a b c", {"a": ROW, "b": COLUMN, "c": IDS.astype(np.float32)}, {"equation": "ij,kl,m->jkm"}),
    "Einsum with an ellipsis": ("a b", {"a": ROW, "b": ROW}, {"equation": "i...,...j"}),
    "Gather": ("a i", {"a": ROW, "i": IDS}, {}),
    "GatherND": ("a i", {"a": ROW, "i": np.zeros((LONG, 1), np.int64)}, {}),
    "OneHot": ("i d v", {"i": IDS, "d": np.array(LONG), "v": np.zeros(2, np.float32)}, {}),
    "Conv": ("p w", {"p": PIXEL, "w": WEIGHT}, {"pads": [FAR] * 4}),
    "MaxPool": ("p", {"p": PIXEL}, {"kernel_shape": [1, 1], "pads": [FAR] * 4}),
    "ConvTranspose": (
        "p w", {"p": np.zeros((1, 1, 2, 2), np.float32), "w": WEIGHT}, {"strides": [FAR, FAR]},
    ),
    "AffineGrid": ("t s", {"t": np.zeros((1, 2, 3), np.float32), "s": np.array([1, 1, FAR, FAR])}, {}),
    "GridSample": ("q g", {"q": np.zeros((1, LONG, 1, 1), np.float32), "g": np.zeros((1, 1, LONG, 2), np.float32)}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", HUGE)
def test_a_few_numbers_of_a_file_do_not_ask_for_more_than_memory_has(name: str, tmp_path: Path) -> None:
    """Each of these would be 2^34 elements or more; nothing of them is allocated."""
    inputs, arrays, attributes = HUGE[name]
    node = helper.make_node(name.split()[0], inputs.split(), ["y"], **attributes)
    model = load(written(tmp_path / "huge.onnx", [node], arrays, opset=20))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(
        OnnxError, match=r"^\[onnx .*\] a tensor of \[.*\] is asked for; expected at most 2,147,483,648"
    ):
        model(images(1, 3))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 1 << 16  # kibibytes


def _external(folder: Path, dims: list[int], **said: str) -> Path:
    """x + w, w lying in another file."""
    path = written(
        folder / "external.onnx", [helper.make_node("Add", ["x", "w"], ["y"])], {"w": np.zeros(1, np.float32)}
    )
    model = onnx.ModelProto.FromString(path.read_bytes())
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    del tensor.dims[:]
    tensor.dims.extend(dims)
    tensor.data_location = TensorProto.EXTERNAL
    for key, value in said.items():
        tensor.external_data.add(key=key, value=value)
    path.write_bytes(model.SerializeToString())
    return path


def test_names_of_weights_become_attributes(tmp_path: Path) -> None:
    """Those that a module has methods or parts of are told apart."""
    names = ["a.weight", "a", "forward", "train.bias", "/odd name/w", "a.weight.b"]
    nodes, before = [], "x"
    for at, name in enumerate(names):
        after = "y" if at + 1 == len(names) else f"h{at}"
        nodes.append(helper.make_node("Add", [before, name], [after]))
        before = after
    model = load(written(tmp_path / "names.onnx", nodes, {name: np.full(3, 0.5, np.float32) for name in names}))
    assert len(list(model.named_parameters())) == len(names)
    np.testing.assert_array_equal(model(np.zeros((1, 3), np.float32)).numpy(), np.full((1, 3), 3.0))
    assert model.clone()(np.zeros((1, 3), np.float32)).numpy().tolist() == [[3.0] * 3]


def test_numbers_of_strangers_are_held_to_their_axes(tmp_path: Path) -> None:
    """An index beyond its axis is no element of another row, and nothing ends in an error of Python's."""
    x = np.arange(6, dtype=np.float32).reshape(2, 3)
    index, update = np.array([[0, 5]]), np.array([9], np.float32)
    inside = written(tmp_path / "inside.onnx", [helper.make_node("GatherND", ["x", "i"], ["y"])], {"i": [[1, -1]]})
    assert load(inside)(x).numpy().tolist() == [5]
    strided = {"kernel_shape": [2], "strides": [0], "auto_pad": "SAME_UPPER"}
    for node, arrays, words in (
        (helper.make_node("GatherND", ["x", "i"], ["y"]), {"i": index}, "received an index out of range"),
        (
            helper.make_node("ScatterND", ["x", "i", "u"], ["y"]), {"i": index, "u": update},
            "received an index out of range",
        ),
        (
            helper.make_node("Split", ["x", "s"], ["y", "z"]), {"s": np.array([1, 0])},
            r"split = \[1, 0\] of 2 is not supported",
        ),
        (helper.make_node("Cast", ["x"], ["y"], to=99), {}, r"^\[onnx Cast\] of float32\[2, 3\] cannot be run \(99\)"),
    ):  # fmt: skip
        model = load(written(tmp_path / "model.onnx", [node], arrays))
        with pytest.raises(pt.Error, match=words):
            model(x)
    pool = load(
        written(tmp_path / "pool.onnx", [helper.make_node("MaxPool", ["x"], ["y"], **strided)], shape=[1, 2, 3])
    )
    with pytest.raises(OnnxError, match=r"^\[onnx MaxPool\] of float32\[1, 2, 3\] cannot be run"):
        pool(x[None])
