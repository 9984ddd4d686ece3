"""The workloads in MLX, as one compiled function over its state; optimizers and losses of mlx.

Weights lie as MLX's users have them: linear (out, in), convolution (out, kh, kw, in), images channels last.
"""

from __future__ import annotations

import importlib.metadata
import itertools
from collections.abc import Callable
from functools import partial
from typing import Any

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers
import numpy as np

from powertrain.cli.bench.arrays import RESNET_WIDTHS, Array, find

Parameters = dict[str, Any]
VARIANTS = ("",)
VERSION = f"mlx {importlib.metadata.version('mlx')}"


def relaid(name: str, value: Array, workload: str) -> Array:
    """A weight from PyTorch's layout in MLX's."""
    if workload == "lenet" and name == "fc1.weight":  # its inputs come as (row, column, channel) here
        return np.ascontiguousarray(value.reshape(512, 64, 7, 7).transpose(0, 2, 3, 1).reshape(512, 3136))
    return np.ascontiguousarray(value.transpose(0, 2, 3, 1)) if value.ndim == 4 else value


def linear(p: Parameters, name: str, x: mx.array) -> mx.array:
    return mx.addmm(p[f"{name}.bias"], x, p[f"{name}.weight"].T)


def layer_norm(p: Parameters, name: str, x: mx.array) -> mx.array:
    return mx.fast.layer_norm(x, p[f"{name}.weight"], p[f"{name}.bias"], 1e-5)


def transformer(
    p: Parameters, x: mx.array, *, heads: int, causal: bool, gelu: Callable[[mx.array], mx.array]
) -> mx.array:
    batch, time, width = x.shape
    layers = sum(name.endswith("qkv.bias") for name in p)
    scale = (width // heads) ** -0.5
    for i in range(layers):
        block = f"blocks.{i}"
        qkv = linear(p, f"{block}.qkv", layer_norm(p, f"{block}.ln1", x))
        q, k, v = (t.reshape(batch, time, heads, -1).transpose(0, 2, 1, 3) for t in mx.split(qkv, 3, -1))
        mixed = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask="causal" if causal else None)
        x = x + linear(p, f"{block}.proj", mixed.transpose(0, 2, 1, 3).reshape(batch, time, width))
        x = x + linear(p, f"{block}.out", gelu(linear(p, f"{block}.fc", layer_norm(p, f"{block}.ln2", x))))
    return layer_norm(p, "ln_f", x)


def mlp(p: Parameters, x: mx.array, activation: Callable[[mx.array], mx.array]) -> mx.array:
    layers = len(p) // 2
    for i in range(layers):
        x = linear(p, f"layers.{i}", x)
        x = activation(x) if i < layers - 1 else x
    return x


def lenet(p: Parameters, x: mx.array) -> mx.array:
    pool = nn.MaxPool2d(2, 2)
    for name in ("conv1", "conv2"):
        x = pool(nn.relu(mx.conv2d(x, p[f"{name}.weight"], padding=2) + p[f"{name}.bias"]))
    return linear(p, "fc2", nn.relu(linear(p, "fc1", x.reshape(x.shape[0], -1))))


def gpt(p: Parameters, x: mx.array, heads: int) -> mx.array:
    hidden = p["wte.weight"][x] + p["wpe.weight"][: x.shape[1]]
    return transformer(p, hidden, heads=heads, causal=True, gelu=nn.gelu_approx) @ p["wte.weight"].T


def lstm(p: Parameters, x: mx.array) -> mx.array:
    inputs = p["embedding.weight"][x] @ p["lstm.weight_ih_l0"].T + (p["lstm.bias_ih_l0"] + p["lstm.bias_hh_l0"])
    h = c = mx.zeros((x.shape[0], 256))
    out = []
    for t in range(x.shape[1]):
        i, f, g, o = mx.split(inputs[:, t] + h @ p["lstm.weight_hh_l0"].T, 4, -1)
        c = mx.sigmoid(f) * c + mx.sigmoid(i) * mx.tanh(g)
        h = mx.sigmoid(o) * mx.tanh(c)
        out.append(h)
    return linear(p, "head", mx.stack(out, 1))


def resnet18(p: Parameters, x: mx.array, running: Parameters) -> mx.array:
    def norm(x: mx.array, name: str) -> mx.array:
        mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
        count = x.size // x.shape[-1]
        running[f"{name}.mean"] = 0.9 * running[f"{name}.mean"] + 0.1 * mx.stop_gradient(mean)
        unbiased = mx.stop_gradient(variance) * (count / (count - 1))
        running[f"{name}.var"] = 0.9 * running[f"{name}.var"] + 0.1 * unbiased
        return (x - mean) * mx.rsqrt(variance + 1e-5) * p[f"{name}.weight"] + p[f"{name}.bias"]

    def conv(x: mx.array, name: str, stride: int, padding: int) -> mx.array:
        return mx.conv2d(x, p[f"{name}.weight"], stride, padding)

    x = nn.relu(norm(conv(x, "stem", 1, 1), "stem_norm"))
    for i in range(len(RESNET_WIDTHS)):
        block = f"blocks.{i}"
        strided = f"{block}.shortcut.weight" in p
        shortcut = norm(conv(x, f"{block}.shortcut", 2, 0), f"{block}.shortcut_norm") if strided else x
        y = nn.relu(norm(conv(x, f"{block}.conv1", 2 if strided else 1, 1), f"{block}.bn1"))
        x = nn.relu(norm(conv(y, f"{block}.conv2", 1, 1), f"{block}.bn2") + shortcut)
    return linear(p, "fc", x.mean((1, 2)))


def vit(p: Parameters, x: mx.array) -> mx.array:
    patches = (mx.conv2d(x, p["patch.weight"], 4) + p["patch.bias"]).reshape(x.shape[0], -1, 192)
    hidden = (
        mx.concatenate([mx.broadcast_to(p["cls.weight"], (x.shape[0], 1, 192)), patches], 1) + p["positions.weight"]
    )
    return linear(p, "head", transformer(p, hidden, heads=3, causal=False, gelu=nn.gelu)[:, 0])


FORWARD: dict[str, Callable[[Parameters, mx.array], mx.array]] = {
    "mlp": lambda p, x: mlp(p, x, nn.relu),
    "mlp_tiny": lambda p, x: mlp(p, x, mx.tanh),
    "mlp_mnist": lambda p, x: mlp(p, x, nn.relu),
    "mlp_big": lambda p, x: mlp(p, x, nn.relu),
    "lenet": lenet,
    "gpt_char": lambda p, x: gpt(p, x, 4),
    "lstm": lstm,
    "gpt2_124m": lambda p, x: gpt(p, x, 12),
    "vit_tiny": vit,
}


def training(name: str, variant: str, precision: str) -> Callable[[], mx.array]:
    """A function that trains one step and returns its loss."""
    workload = find(name)
    parameters = {key: mx.array(relaid(key, value, name)) for key, value in workload.weights().items()}
    running: Parameters = {}
    if workload.sgd:
        optimizer = mlx.optimizers.SGD(0.1, momentum=0.9, weight_decay=5e-4)
        for key in [key[:-7] for key in parameters if "norm" in key or "bn" in key if key.endswith(".weight")]:
            running[f"{key}.mean"] = mx.zeros(parameters[f"{key}.weight"].shape)
            running[f"{key}.var"] = mx.ones(parameters[f"{key}.weight"].shape)
    else:
        optimizer = mlx.optimizers.AdamW(1e-3, weight_decay=0.01, bias_correction=True)
    dtype = mx.bfloat16 if precision == "bf16" else mx.float32

    def loss_of(p: Parameters, x: mx.array, y: mx.array) -> mx.array:
        p = {key: value.astype(dtype) for key, value in p.items()}
        x = x.astype(dtype) if x.dtype == mx.float32 else x
        logits = resnet18(p, x, running) if workload.sgd else FORWARD[name.partition(":")[0]](p, x)
        return nn.losses.cross_entropy(logits.astype(mx.float32), y, reduction="mean")

    optimizer.init(parameters)
    state = [parameters, running, optimizer.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def step(x: mx.array, y: mx.array) -> mx.array:
        loss, gradients = mx.value_and_grad(loss_of)(parameters, x, y)
        parameters.update(optimizer.apply_gradients(gradients, parameters))
        return loss

    last = [(np.moveaxis(x, 1, -1) if x.ndim == 4 else x, y) for x, y in workload.batches()]
    batches = itertools.cycle([(mx.array(np.ascontiguousarray(x)), mx.array(np.ascontiguousarray(y))) for x, y in last])

    def train() -> mx.array:
        loss = step(*next(batches))
        mx.eval(loss, state)
        return loss

    return train


def adamw(variant: str, weights: list[Any], gradients: list[Any]) -> Callable[[], Any]:
    optimizer = mlx.optimizers.AdamW(1e-3, weight_decay=0.01, bias_correction=True)
    parameters = {str(at): mx.array(value) for at, value in enumerate(weights)}
    given = {str(at): mx.array(value) for at, value in enumerate(gradients)}
    optimizer.init(parameters)
    state = [parameters, optimizer.state]

    @partial(mx.compile, inputs=state, outputs=state)
    def update() -> None:
        parameters.update(optimizer.apply_gradients(given, parameters))

    def step() -> Any:
        update()
        mx.eval(state)
        return parameters["0"]

    return step


def product(variant: str, a: Any, b: Any, turn_a: bool, turn_b: bool, precision: str) -> Callable[[], Any]:
    dtype = mx.bfloat16 if precision == "bf16" else mx.float32
    x, y = mx.array(a).astype(dtype), mx.array(b).astype(dtype)
    mx.eval(x, y)

    def multiply() -> Any:
        out = (x.T if turn_a else x) @ (y.T if turn_b else y)
        mx.eval(out)
        return out

    return multiply


def wait(result: Any) -> None:
    mx.eval(result)
