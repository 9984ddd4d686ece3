"""The workloads in Powertrain: models of the library with the published weights, and one compiled step each."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.bench.arrays import WORKLOADS, Array, Weights, Workload
from powertrain.models import GPT, MLP, LeNet, LSTMLanguageModel, ResNet18
from powertrain.nn import Conv2d, LayerNorm, Linear, Module, Parameter, Sequential, TransformerBlock
from powertrain.optim import SGD, AdamW


class ViT(Module):
    """A vision transformer: patches, a class token in front, blocks that see all, a head on the class token."""

    def __init__(self, image: int, patch: int, width: int, heads: int, layers: int, classes: int) -> None:
        super().__init__()
        self.patch = Conv2d(3, width, patch, stride=patch)
        self.cls = Parameter(pt.zeros((1, 1, width)))
        self.positions = Parameter(pt.zeros((1, (image // patch) ** 2 + 1, width)))
        blocks = [TransformerBlock(width, heads, causal=False, depth=layers, gelu="none") for _ in range(layers)]
        self.blocks = Sequential(*blocks)
        self.ln_f = LayerNorm(width)
        self.head = Linear(width, classes, std=0.02)

    def forward(self, x: Any) -> pt.Tensor:
        batch = x.shape[0]
        patches = self.patch(x)
        width = patches.shape[-1]
        tokens = pt.concat(
            [pt.broadcast_to(self.cls, (batch, 1, width)), pt.reshape(patches, (batch, -1, width))], axis=1
        )
        return self.head(self.ln_f(self.blocks(tokens + self.positions))[:, 0])


def _mlp(weights: Weights, activation: str) -> Module:
    widths = [value.shape[0] for name, value in weights.items() if name.endswith("bias")]
    inputs = weights["layers.0.weight"].shape[1]
    return MLP(inputs, widths[-1], MLP.Params(hidden=tuple(widths[:-1]), activation=activation))


def _gpt(weights: Weights, heads: int) -> Module:
    vocabulary, width = weights["wte"].shape
    layers = sum(name.endswith("qkv.bias") for name in weights)
    return GPT(vocabulary, weights["wpe"].shape[0], GPT.Params(layers=layers, heads=heads, width=width))


MODELS: dict[str, Callable[[Weights], Module]] = {
    "mlp_tiny": lambda weights: _mlp(weights, "tanh"),
    "mlp_mnist": lambda weights: _mlp(weights, "relu"),
    "mlp_big": lambda weights: _mlp(weights, "relu"),
    "lenet": lambda weights: LeNet(),
    "gpt_char": lambda weights: _gpt(weights, 4),
    "lstm": lambda weights: LSTMLanguageModel(65),
    "gpt2_124m": lambda weights: _gpt(weights, 12),
    "resnet18": lambda weights: ResNet18(),
    "vit_tiny": lambda weights: ViT(32, 4, 192, 3, 6, 10),
}

# From the published names to the paths in our modules, tried in this order.
RENAMED = (
    (re.compile(r"^layers\.(\d+)"), lambda match: f"layers.{2 * int(match[1])}"),  # an activation stands between
    (re.compile(r"^(wte|wpe)$"), lambda match: f"{match[1]}.weight"),
    (re.compile(r"^embedding$"), lambda match: "embed.weight"),
    (re.compile(r"^stem_norm"), lambda match: "bn"),
    (re.compile(r"^stem"), lambda match: "conv"),
    (re.compile(r"shortcut_norm"), lambda match: "shortcut.1"),
    (re.compile(r"shortcut(?=\.weight)"), lambda match: "shortcut.0"),
)


def renamed(name: str) -> str:
    for pattern, replacement in RENAMED:
        if pattern.search(name):
            return pattern.sub(replacement, name)
    return name


def relaid(name: str, value: Array, workload: str) -> Array:
    """A weight from PyTorch's layout in ours: linear (in, out), convolution (kh, kw, in, out)."""
    if workload == "lenet" and name == "fc1.weight":  # its inputs come as (row, column, channel) here
        return value.reshape(512, 64, 7, 7).transpose(2, 3, 1, 0).reshape(3136, 512)
    if value.ndim == 4:
        return value.transpose(2, 3, 1, 0)
    if value.ndim == 2 and "weight" in name:
        return value.T
    return value


def build(name: str) -> Module:
    """The model of a workload, with its published weights."""
    weights = WORKLOADS[name].weights()
    model = MODELS[name](weights)
    state = {slot: np.asarray(value) for slot, value in model.state_dict().items() if "running_" in slot}
    state |= {renamed(key): np.ascontiguousarray(relaid(key, value, name)) for key, value in weights.items()}
    model.load_state_dict(state)
    return model


def batches(workload: Workload) -> list[tuple[pt.Tensor, pt.Tensor]]:
    """Its data as tensors; images channels last."""
    last = [(np.moveaxis(x, 1, -1) if x.ndim == 4 else x, y) for x, y in workload.batches()]
    return [(pt.tensor(np.ascontiguousarray(x)), pt.tensor(np.ascontiguousarray(y))) for x, y in last]


def training_step(name: str) -> Callable[[], pt.Tensor]:
    """A function that trains one step, on the next batch, and returns its loss."""
    workload = WORKLOADS[name]
    model = build(name)
    optimizer: SGD | AdamW
    if workload.sgd:
        optimizer = SGD(model, lr=0.1, momentum=0.9, weight_decay=5e-4)
    else:
        optimizer = AdamW(model, lr=1e-3, weight_decay=0.01)

    @pt.compile
    def step(x: pt.Tensor, y: pt.Tensor) -> pt.Tensor:
        loss, gradients = pt.value_and_grad(model, lambda: pt.cross_entropy(model(x), y).mean())
        optimizer.update(gradients)
        return loss

    data = batches(workload)
    count = 0

    def train() -> pt.Tensor:
        nonlocal count
        x, y = data[count % len(data)]
        count += 1
        return step(x, y)

    return train
