"""The weights and data of the benchmark workloads, as NumPy arrays that any framework can start from.

Weights are drawn from default_rng(0) in float64 in the order listed and rounded to float32, in PyTorch's layout:
linear (out, in), convolution (out, in, kh, kw). Data are eight batches from default_rng(1); step i uses batch i mod 8.
Two frameworks do the same work when their first losses agree.
"""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Weights = dict[str, Array]
BATCHES = 8


class WorkloadError(ValueError):
    """A workload that there is not: `[bench] what was received; what was expected; the fix`."""


class Drawer:
    """Draws named weights one after the other from one generator."""

    def __init__(self) -> None:
        self.rng = np.random.default_rng(0)
        self.weights: Weights = {}

    def uniform(self, name: str, shape: tuple[int, ...], fan: int) -> None:
        bound = 1 / math.sqrt(fan)
        self.weights[name] = self.rng.uniform(-bound, bound, shape).astype(np.float32)

    def normal(self, name: str, shape: tuple[int, ...], deviation: float) -> None:
        self.weights[name] = self.rng.normal(0, deviation, shape).astype(np.float32)

    def fill(self, name: str, shape: tuple[int, ...], value: float) -> None:
        self.weights[name] = np.full(shape, value, np.float32)

    def linear(self, name: str, inputs: int, outputs: int) -> None:
        self.uniform(f"{name}.weight", (outputs, inputs), inputs)
        self.uniform(f"{name}.bias", (outputs,), inputs)

    def normal_linear(self, name: str, inputs: int, outputs: int, deviation: float) -> None:
        self.normal(f"{name}.weight", (outputs, inputs), deviation)
        self.fill(f"{name}.bias", (outputs,), 0)

    def conv(self, name: str, inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> None:
        fan = inputs * kernel * kernel
        self.uniform(f"{name}.weight", (outputs, inputs, kernel, kernel), fan)
        if bias:
            self.uniform(f"{name}.bias", (outputs,), fan)

    def norm(self, name: str, width: int) -> None:
        self.fill(f"{name}.weight", (width,), 1)
        self.fill(f"{name}.bias", (width,), 0)

    def blocks(self, layers: int, width: int) -> None:
        deep = 0.02 / math.sqrt(2 * layers)
        for i in range(layers):
            self.norm(f"blocks.{i}.ln1", width)
            self.normal_linear(f"blocks.{i}.qkv", width, 3 * width, 0.02)
            self.normal_linear(f"blocks.{i}.proj", width, width, deep)
            self.norm(f"blocks.{i}.ln2", width)
            self.normal_linear(f"blocks.{i}.fc", width, 4 * width, 0.02)
            self.normal_linear(f"blocks.{i}.out", 4 * width, width, deep)
        self.norm("ln_f", width)


def mlp(*widths: int) -> Callable[[Drawer], None]:
    def draw(d: Drawer) -> None:
        for i, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
            d.linear(f"layers.{i}", inputs, outputs)

    return draw


def lenet(d: Drawer) -> None:
    d.conv("conv1", 1, 32, 5)
    d.conv("conv2", 32, 64, 5)
    d.linear("fc1", 3136, 512)
    d.linear("fc2", 512, 10)


def gpt(layers: int, width: int, vocabulary: int, positions: int) -> Callable[[Drawer], None]:
    def draw(d: Drawer) -> None:
        d.normal("wte.weight", (vocabulary, width), 0.02)
        d.normal("wpe.weight", (positions, width), 0.02)
        d.blocks(layers, width)

    return draw


def lstm(d: Drawer) -> None:
    d.normal("embedding.weight", (65, 64), 1)
    for name, shape in (
        ("weight_ih_l0", (1024, 64)),
        ("weight_hh_l0", (1024, 256)),
        ("bias_ih_l0", (1024,)),
        ("bias_hh_l0", (1024,)),
    ):
        d.uniform(f"lstm.{name}", shape, 256)
    d.linear("head", 256, 65)


RESNET_WIDTHS = (64, 64, 128, 128, 256, 256, 512, 512)


def resnet18(d: Drawer) -> None:
    d.conv("stem", 3, 64, 3, bias=False)
    d.norm("stem_norm", 64)
    inputs = 64
    for i, width in enumerate(RESNET_WIDTHS):
        d.conv(f"blocks.{i}.conv1", inputs, width, 3, bias=False)
        d.norm(f"blocks.{i}.bn1", width)
        d.conv(f"blocks.{i}.conv2", width, width, 3, bias=False)
        d.norm(f"blocks.{i}.bn2", width)
        if inputs != width:
            d.conv(f"blocks.{i}.shortcut", inputs, width, 1, bias=False)
            d.norm(f"blocks.{i}.shortcut_norm", width)
        inputs = width
    d.linear("fc", 512, 10)


def vit(d: Drawer) -> None:
    d.conv("patch", 3, 192, 4)
    d.normal("cls.weight", (1, 1, 192), 0.02)
    d.normal("positions.weight", (65, 192), 0.02)
    d.blocks(6, 192)
    d.normal_linear("head", 192, 10, 0.02)


@dataclass(frozen=True)
class Workload:
    """What a name stands for, and the losses by which an implementation knows that it does the same work."""

    draw: Callable[[Drawer], None]
    batch: int
    inputs: tuple[int, ...]  # of one example, channels first; for text the one number T
    classes: int
    gflop: float  # of a step: products and convolutions
    losses: tuple[float, ...]  # of steps 1, 2, 3, 4 and 10, by eager PyTorch in float32; none if not published
    text: bool = False
    sgd: bool = False

    def weights(self) -> Weights:
        drawer = Drawer()
        self.draw(drawer)
        return drawer.weights

    def batches(self) -> list[tuple[Array, Array]]:
        rng = np.random.default_rng(1)
        return [self._batch(rng) for _ in range(BATCHES)]

    def _batch(self, rng: np.random.Generator) -> tuple[Array, Array]:
        if self.text:
            tokens = rng.integers(0, self.classes, (self.batch, self.inputs[0] + 1))
            return tokens[:, :-1], tokens[:, 1:]
        x = rng.normal(0, 1, (self.batch, *self.inputs)).astype(np.float32)
        return x, rng.integers(0, self.classes, self.batch)


WORKLOADS = {
    "mlp_tiny": Workload(mlp(4, 64, 64, 2), 64, (4,), 2, 0.001688, (0.70903, 0.70542, 0.69563, 0.72750, 0.68138)),
    "mlp_mnist": Workload(mlp(784, 256, 10), 64, (784,), 10, 0.05236, (2.33344, 2.33948, 2.30097, 2.28585, 1.49177)),
    "mlp_big": Workload(
        mlp(784, 1024, 1024, 10), 256, (784,), 10, 2.448, (2.31239, 2.34382, 2.33557, 2.32921, 1.89713)
    ),
    "lenet": Workload(lenet, 64, (1, 28, 28), 10, 4.633, (2.31174, 2.72585, 2.36069, 2.30362, 2.30513)),
    "gpt_char": Workload(
        gpt(4, 128, 65, 64), 12, (64,), 65, 3.964, (4.20170, 4.21908, 4.21678, 4.23297, 4.15644), text=True
    ),
    "lstm": Workload(lstm, 32, (64,), 65, 4.231, (4.17625, 4.17479, 4.17581, 4.17492, 4.15740), text=True),
    "gpt2_124m": Workload(
        gpt(12, 768, 50257, 1024), 4, (64,), 50257, 191.6, (10.98073, 10.97221, 11.01985, 11.01557, 14.27470), text=True
    ),
    "resnet18": Workload(
        resnet18, 32, (3, 32, 32), 10, 106.5, (2.35151, 3.86959, 4.50817, 8.99588, 14.04528), sgd=True
    ),
    "vit_tiny": Workload(vit, 32, (3, 32, 32), 10, 35.07, (2.27537, 2.50568, 2.42264, 2.46644, 2.38708)),
}


def find(name: str) -> Workload:
    """A published workload, or an MLP of any size: `mlp:64:784x256x10` has batch 64 and relu between its layers."""
    if name in WORKLOADS:
        return WORKLOADS[name]
    made = re.fullmatch(r"mlp:(\d+):(\d+(?:x\d+)+)", name)
    if made is None:
        raise WorkloadError(
            f"[bench] workload {name}; expected one of {', '.join(WORKLOADS)}, or an MLP as mlp:BATCH:WIDTHS; for "
            "example mlp_mnist or mlp:64:784x256x10"
        )
    batch, widths = int(made[1]), [int(width) for width in made[2].split("x")]
    if min(batch, *widths) < 1:
        raise WorkloadError(f"[bench] workload {name}; expected a batch and widths of at least 1; correct the name")
    return Workload(mlp(*widths), batch, (widths[0],), widths[-1], mlp_gflop(batch, widths), ())


def mlp_gflop(batch: int, widths: Sequence[int]) -> float:
    """Products forward and twice backward, less the gradient of the data."""
    products = [a * b for a, b in itertools.pairwise(widths)]
    return 2e-9 * batch * (3 * sum(products) - products[0])
