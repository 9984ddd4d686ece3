"""The workloads in Powertrain: models of the library with the published weights, and one compiled step each."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.builtin.models import GPT, MLP, LeNet, LSTMLanguageModel, ResNet18, ViT
from powertrain.builtin.models.mlp import Activation
from powertrain.cli.bench.arrays import Array, Weights, Workload, find
from powertrain.nn import Module
from powertrain.nn.init.later import drawn_later
from powertrain.optim import SGD, AdamW, LossScale


def _mlp(weights: Weights, activation: Activation) -> Module:
    widths = [value.shape[0] for name, value in weights.items() if name.endswith("bias")]
    inputs = weights["layers.0.weight"].shape[1]
    return MLP(inputs, widths[-1], MLP.Params(hidden=tuple(widths[:-1]), activation=activation))


def _gpt(weights: Weights, heads: int) -> Module:
    vocabulary, width = weights["wte.weight"].shape
    layers = sum(name.endswith("qkv.bias") for name in weights)
    return GPT(vocabulary, weights["wpe.weight"].shape[0], GPT.Params(layers=layers, heads=heads, width=width))


MODELS: dict[str, Callable[[Weights], Module]] = {
    "mlp": lambda weights: _mlp(weights, "relu"),
    "mlp_tiny": lambda weights: _mlp(weights, "tanh"),
    "mlp_mnist": lambda weights: _mlp(weights, "relu"),
    "mlp_big": lambda weights: _mlp(weights, "relu"),
    "lenet": lambda weights: LeNet(),
    "gpt_char": lambda weights: _gpt(weights, 4),
    "lstm": lambda weights: LSTMLanguageModel(65),
    "gpt2_124m": lambda weights: _gpt(weights, 12),
    "resnet18": lambda weights: ResNet18(),
    "vit_tiny": lambda weights: ViT(),
}

EMBEDDINGS = ("wte.weight", "wpe.weight", "embedding.weight", "positions.weight")


def relaid(name: str, value: Array, workload: str) -> Array:
    """A weight from PyTorch's layout in ours: linear (in, out), convolution (kh, kw, in, out)."""
    if workload == "lenet" and name == "fc1.weight":  # its inputs come as (row, column, channel) here
        return value.reshape(512, 64, 7, 7).transpose(2, 3, 1, 0).reshape(3136, 512)
    if value.ndim == 4:
        return value.transpose(2, 3, 1, 0)
    if value.ndim == 2 and "weight" in name and name not in EMBEDDINGS:
        return value.T
    return value


def build(name: str) -> Module:
    """The model of a workload, with its published weights."""
    weights = find(name).weights()
    with drawn_later():  # never, since all are replaced
        model = MODELS[name.partition(":")[0]](weights)
    state = {path: slot.numpy() for path, slot in model.named_slots() if "running_" in path}
    state |= {key: np.ascontiguousarray(relaid(key, value, name)) for key, value in weights.items()}
    model.load_state_dict(state)
    return model


def batches(workload: Workload) -> list[tuple[pt.Tensor, pt.Tensor]]:
    """Its data as tensors; images channels last."""
    last = [(np.moveaxis(x, 1, -1) if x.ndim == 4 else x, y) for x, y in workload.batches()]
    return [(pt.tensor(np.ascontiguousarray(x)), pt.tensor(np.ascontiguousarray(y))) for x, y in last]


Step = Callable[[pt.Tensor, pt.Tensor], pt.Tensor]


def eager_step(name: str, precision: str = "f32", device: str = "cpu") -> Step:
    """A function that trains a workload's model on one batch, call by call, and returns the loss."""
    model = build(name).to(device)
    optimizer: SGD | AdamW
    loss_scale = LossScale() if precision == "f16" else None
    if find(name).sgd:
        optimizer = SGD(model, lr=0.1, momentum=0.9, weight_decay=5e-4, loss_scale=loss_scale)
    else:
        optimizer = AdamW(model, lr=1e-3, weight_decay=0.01, loss_scale=loss_scale)

    def step(x: pt.Tensor, y: pt.Tensor) -> pt.Tensor:
        def losses() -> tuple[pt.Tensor, pt.Tensor]:
            loss = F.cross_entropy(model(x), y, ignore_index=None)  # every label counts
            return optimizer.scaled(loss), loss

        with pt.autocast(precision):
            (_, loss), gradients = pt.nn.value_and_grad(model, losses, has_aux=True)()
        optimizer.update(gradients)
        return loss

    return step


def compiled_step(
    name: str, precision: str = "f32", device: str = "cpu"
) -> tuple[Any, list[tuple[pt.Tensor, pt.Tensor]]]:
    """The same, compiled, with the batches to train on."""
    return pt.compile(eager_step(name, precision, device)), batches(find(name))


def training_step(name: str, *, eager: bool = False, precision: str = "f32") -> Callable[[], pt.Tensor]:
    """A function that trains one step, on the next batch, and returns its loss."""
    step = eager_step(name, precision)
    step = step if eager else pt.compile(step)
    data = itertools.cycle(batches(find(name)))
    return lambda: step(*next(data))
