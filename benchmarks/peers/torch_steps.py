"""The workloads in PyTorch.

Variants: eager (the default optimizer), fused (the fused one), compile (torch.compile and the fused one). With bf16,
the forward runs under autocast, as PyTorch's users write it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F

from powertrain.cli.bench.arrays import RESNET_WIDTHS, find

Parameters = dict[str, torch.Tensor]
VARIANTS = ("eager", "fused", "compile")
VERSION = f"torch {torch.__version__}"


def linear(p: Parameters, name: str, x: torch.Tensor) -> torch.Tensor:
    return F.linear(x, p[f"{name}.weight"], p[f"{name}.bias"])


def layer_norm(p: Parameters, name: str, x: torch.Tensor) -> torch.Tensor:
    return F.layer_norm(x, x.shape[-1:], p[f"{name}.weight"], p[f"{name}.bias"], 1e-5)


def transformer(p: Parameters, x: torch.Tensor, *, heads: int, causal: bool, gelu: str) -> torch.Tensor:
    batch, time, width = x.shape
    layers = sum(name.endswith("qkv.bias") for name in p)
    for i in range(layers):
        block = f"blocks.{i}"
        qkv = linear(p, f"{block}.qkv", layer_norm(p, f"{block}.ln1", x))
        q, k, v = (t.view(batch, time, heads, width // heads).transpose(1, 2) for t in qkv.split(width, -1))
        mixed = F.scaled_dot_product_attention(q, k, v, is_causal=causal)
        x = x + linear(p, f"{block}.proj", mixed.transpose(1, 2).reshape(batch, time, width))
        hidden = F.gelu(linear(p, f"{block}.fc", layer_norm(p, f"{block}.ln2", x)), approximate=gelu)
        x = x + linear(p, f"{block}.out", hidden)
    return layer_norm(p, "ln_f", x)


def mlp(p: Parameters, x: torch.Tensor, activation: Callable[[torch.Tensor], torch.Tensor]) -> torch.Tensor:
    layers = len(p) // 2
    for i in range(layers):
        x = linear(p, f"layers.{i}", x)
        x = activation(x) if i < layers - 1 else x
    return x


def lenet(p: Parameters, x: torch.Tensor) -> torch.Tensor:
    for name in ("conv1", "conv2"):
        x = F.max_pool2d(F.relu(F.conv2d(x, p[f"{name}.weight"], p[f"{name}.bias"], padding=2)), 2)
    return linear(p, "fc2", F.relu(linear(p, "fc1", x.flatten(1))))


def gpt(p: Parameters, x: torch.Tensor, heads: int) -> torch.Tensor:
    hidden = F.embedding(x, p["wte.weight"]) + p["wpe.weight"][: x.shape[1]]
    return transformer(p, hidden, heads=heads, causal=True, gelu="tanh") @ p["wte.weight"].T


def lstm(p: Parameters, x: torch.Tensor) -> torch.Tensor:
    inputs = F.embedding(x, p["embedding.weight"])
    zeros = inputs.new_zeros(1, x.shape[0], 256)
    flat = [p[f"lstm.{name}"] for name in ("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0")]
    out, _, _ = torch.lstm(inputs, (zeros, zeros), flat, True, 1, 0.0, True, False, True)
    return linear(p, "head", out)


def resnet18(p: Parameters, x: torch.Tensor) -> torch.Tensor:
    def norm(x: torch.Tensor, name: str) -> torch.Tensor:
        mean, var = p[f"{name}.mean"], p[f"{name}.var"]
        return F.batch_norm(x, mean, var, p[f"{name}.weight"], p[f"{name}.bias"], True, 0.1, 1e-5)

    def conv(x: torch.Tensor, name: str, stride: int, padding: int) -> torch.Tensor:
        return F.conv2d(x, p[f"{name}.weight"], None, stride, padding)

    x = F.relu(norm(conv(x, "stem", 1, 1), "stem_norm"))
    for i in range(len(RESNET_WIDTHS)):
        block = f"blocks.{i}"
        strided = f"{block}.shortcut.weight" in p
        shortcut = norm(conv(x, f"{block}.shortcut", 2, 0), f"{block}.shortcut_norm") if strided else x
        y = F.relu(norm(conv(x, f"{block}.conv1", 2 if strided else 1, 1), f"{block}.bn1"))
        x = F.relu(norm(conv(y, f"{block}.conv2", 1, 1), f"{block}.bn2") + shortcut)
    return linear(p, "fc", x.mean((2, 3)))


def vit(p: Parameters, x: torch.Tensor) -> torch.Tensor:
    patches = F.conv2d(x, p["patch.weight"], p["patch.bias"], stride=4).flatten(2).transpose(1, 2)
    hidden = torch.cat([p["cls.weight"].expand(x.shape[0], -1, -1), patches], 1) + p["positions.weight"]
    return linear(p, "head", transformer(p, hidden, heads=3, causal=False, gelu="none")[:, 0])


FORWARD: dict[str, Callable[[Parameters, torch.Tensor], torch.Tensor]] = {
    "mlp": lambda p, x: mlp(p, x, torch.relu),
    "mlp_tiny": lambda p, x: mlp(p, x, torch.tanh),
    "mlp_mnist": lambda p, x: mlp(p, x, torch.relu),
    "mlp_big": lambda p, x: mlp(p, x, torch.relu),
    "lenet": lenet,
    "gpt_char": lambda p, x: gpt(p, x, 4),
    "lstm": lstm,
    "gpt2_124m": lambda p, x: gpt(p, x, 12),
    "resnet18": resnet18,
    "vit_tiny": vit,
}


def training(name: str, variant: str, precision: str) -> Callable[[], torch.Tensor]:
    """A function that trains one step and returns its loss."""
    workload = find(name)
    parameters = {key: torch.from_numpy(value).requires_grad_() for key, value in workload.weights().items()}
    everything = dict(parameters)
    if workload.sgd:  # the running statistics of the norms
        for key in [key[:-7] for key in parameters if "norm" in key or "bn" in key if key.endswith(".weight")]:
            everything[f"{key}.mean"] = torch.zeros(parameters[f"{key}.weight"].shape)
            everything[f"{key}.var"] = torch.ones(parameters[f"{key}.weight"].shape)
    fused = True if variant != "eager" else None
    optimizer: torch.optim.Optimizer
    if workload.sgd:
        optimizer = torch.optim.SGD(parameters.values(), lr=0.1, momentum=0.9, weight_decay=5e-4, fused=fused)
    else:
        optimizer = torch.optim.AdamW(parameters.values(), lr=1e-3, weight_decay=0.01, fused=fused)
    batches = itertools.cycle([(torch.from_numpy(x.copy()), torch.from_numpy(y.copy())) for x, y in workload.batches()])
    forward = FORWARD[name.partition(":")[0]]

    def loss_of(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
            logits = forward(everything, x)
        return F.cross_entropy(logits.float().flatten(0, -2), y.flatten())

    loss_function = torch.compile(loss_of) if variant == "compile" else loss_of

    def train() -> torch.Tensor:
        x, y = next(batches)
        optimizer.zero_grad(set_to_none=True)
        loss = loss_function(x, y)
        loss.backward()
        optimizer.step()
        return loss.detach()

    return train


def adamw(variant: str, weights: list[Any], gradients: list[Any]) -> Callable[[], Any]:
    parameters = [torch.from_numpy(value).requires_grad_() for value in weights]
    for parameter, gradient in zip(parameters, gradients, strict=True):
        parameter.grad = torch.from_numpy(gradient)
    optimizer = torch.optim.AdamW(parameters, lr=1e-3, weight_decay=0.01, fused=True if variant != "eager" else None)
    update = torch.compile(optimizer.step) if variant == "compile" else optimizer.step

    def step() -> Any:
        update()
        return parameters[0]

    return step


def product(variant: str, a: Any, b: Any, turn_a: bool, turn_b: bool, precision: str) -> Callable[[], Any]:
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    x, y = torch.from_numpy(a).to(dtype), torch.from_numpy(b).to(dtype)
    x, y = x.T if turn_a else x, y.T if turn_b else y
    out = torch.empty(x.shape[0], y.shape[1], dtype=dtype)
    return lambda: torch.mm(x, y, out=out)


def wait(result: Any) -> None:
    """PyTorch's work is done when a call returns."""
