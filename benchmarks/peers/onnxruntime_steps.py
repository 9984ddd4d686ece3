"""SmolLM2 in ONNX Runtime: its operators for attention with a cache, norms with a residual, and packed weights. Its
CPU kernels have no bf16."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper
from onnx.external_data_helper import convert_model_to_external_data

from peers import smollm2

VARIANTS = ("",)
VERSION = f"onnxruntime {onnxruntime.__version__}"
EXTENSIONS = "com.microsoft"


class Maker:
    """The nodes and weights of a graph."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def weight(self, name: str, value: Any) -> str:
        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, op: str, inputs: list[str], outputs: list[str], domain: str = "", **attributes: Any) -> str:
        self.nodes.append(helper.make_node(op, inputs, outputs, domain=domain, **attributes))
        return outputs[0]


def layer_of(make: Maker, found: Any, layer: int, x: str, residual: str) -> tuple[str, str]:
    """Adds x to the residual and goes through a layer; gives what is to be added to the residual, and that."""
    p, name = found.params, f"layers.{layer}"

    def normed(x: str, residual: str, norm: str) -> tuple[str, str]:
        weight = make.weight(f"{name}.{norm}.weight", found.read(f"{name}.{norm}.weight"))
        out, total = f"{name}.{norm}", f"{name}.{norm}.total"
        make.node("SkipSimplifiedLayerNormalization", [x, residual, weight], [out, "", "", total], EXTENSIONS,
                  epsilon=p.eps)  # fmt: skip
        return out, total

    def product(x: str, part: str) -> str:
        weight = make.weight(f"{name}.{part}.weight", found.read(f"{name}.{part}.weight").T)
        return make.node("MatMul", [x, weight], [f"{name}.{part}"])

    y, residual = normed(x, residual, "input_layernorm")
    q, k, v = (product(y, f"self_attn.{part}_proj") for part in "qkv")
    attended = f"{name}.attention"
    make.node(
        "GroupQueryAttention",
        [q, k, v, f"past.{layer}.k", f"past.{layer}.v", "last", "total", "cosine", "sine"],
        [attended, f"present.{layer}.k", f"present.{layer}.v"],
        EXTENSIONS, num_heads=p.heads, kv_num_heads=p.shared_heads, do_rotary=1,
    )  # fmt: skip
    y, residual = normed(product(attended, "self_attn.o_proj"), residual, "post_attention_layernorm")
    gate = product(y, "mlp.gate_proj")
    sigmoid = make.node("Sigmoid", [gate], [f"{gate}.sigmoid"])
    silu = make.node("Mul", [gate, sigmoid], [f"{gate}.silu"])
    both = make.node("Mul", [silu, product(y, "mlp.up_proj")], [f"{name}.gated"])
    return product(both, "mlp.down_proj"), residual


def graph(found: Any) -> Any:
    make, p = Maker(), found.params
    size = p.width // p.heads
    angles = np.outer(np.arange(smollm2.CONTEXT), p.base ** (-np.arange(0, size, 2, dtype=np.float64) / size))
    make.weight("cosine", np.cos(angles).astype(np.float32))
    make.weight("sine", np.sin(angles).astype(np.float32))
    words = found.read("embed_tokens.weight")
    x = make.node("Gather", [make.weight("embed_tokens", words), "tokens"], ["embedded"])
    residual = make.node("Mul", [x, make.weight("zero", np.zeros((), np.float32))], ["nothing"])
    for layer in range(p.layers):
        x, residual = layer_of(make, found, layer, x, residual)
    norm = make.weight("norm.weight", found.read("norm.weight"))
    x = make.node("SkipSimplifiedLayerNormalization", [x, residual, norm], ["normed"], EXTENSIONS, epsilon=p.eps)
    last = make.node("Gather", [x, make.weight("minus_one", np.array(-1))], ["of_last"], axis=1)
    make.node("MatMul", [last, make.weight("lm_head", words.T)], ["scores"])

    def cache(name: str, time: str) -> list[Any]:
        shape = ["batch", p.shared_heads, time, size]
        return [helper.make_tensor_value_info(f"{name}.{layer}.{part}", TensorProto.FLOAT, shape)
                for layer in range(p.layers) for part in "kv"]  # fmt: skip

    inputs = [
        helper.make_tensor_value_info("tokens", TensorProto.INT64, ["batch", "time"]),
        helper.make_tensor_value_info("last", TensorProto.INT32, ["batch"]),
        helper.make_tensor_value_info("total", TensorProto.INT32, [1]),
        *cache("past", "past"),
    ]
    scores = helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 1, found.vocabulary])
    made = helper.make_graph(make.nodes, "smollm2", inputs, [scores, *cache("present", "all")], make.weights)
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(EXTENSIONS, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8)


class Decoder:
    def __init__(self, batch: int) -> None:
        found = smollm2.checkpoint()
        self.batch, self.params = batch, found.params
        model = graph(found)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads = len(os.sched_getaffinity(0))
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.onnx"
            convert_model_to_external_data(model, location="weights")
            onnx.save(model, path)
            del model
            self.session = onnxruntime.InferenceSession(path, settings, ["CPUExecutionProvider"])
        self.names = [output.name for output in self.session.get_outputs()]
        self.begin()

    def begin(self) -> None:
        p = self.params
        empty = np.zeros((self.batch, p.shared_heads, 0, p.width // p.heads), np.float32)
        self.cache = {f"past.{layer}.{part}": onnxruntime.OrtValue.ortvalue_from_numpy(empty)
                      for layer in range(p.layers) for part in "kv"}  # fmt: skip
        self.held = 0

    def read(self, tokens: smollm2.Tokens) -> Any:
        self.held += tokens.shape[1]
        given = {
            "tokens": tokens,
            "last": np.full(self.batch, self.held - 1, np.int32),
            "total": np.array([self.held], np.int32),
        }
        values = {name: onnxruntime.OrtValue.ortvalue_from_numpy(value) for name, value in given.items()}
        scores, *presents = self.session.run_with_ort_values(self.names, {**values, **self.cache})
        self.cache = {
            name.replace("present", "past"): value for name, value in zip(self.names[1:], presents, strict=True)
        }
        return scores.numpy()[:, 0]


def generating(kind: str, batch: int, precision: str) -> Callable[[], Any]:
    if precision != "f32":
        raise ValueError("ONNX Runtime has no bf16 on a CPU")
    return smollm2.timed(kind, batch, Decoder(batch))


def wait(result: Any) -> None:
    """The scores are in NumPy."""
