"""The models of the MNIST-1D paper (Greydanus and Kobak 2020), for sequences of any length: rows [batch, time]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.nn import GRU, Conv1d, Linear, Sequential
from powertrain.plugin import Inputs, Model, as_rows, check_task, features, param
from powertrain_vision.errors import VisionError


class _OfSequences(Model):
    """What they share: one number at each time."""

    NAME: str

    def __init__(self, length: int, outputs: int, params: Any = None) -> None:
        super().__init__()

    @classmethod
    def build(cls, params: Any, inputs: Inputs) -> Any:
        check_task(cls.NAME, inputs, "classification", "regression")
        return cls(features(inputs), inputs.outputs, params)


class ResidualMLP(_OfSequences):
    """h = relu(x W1), h += relu(h W2), and a linear layer."""

    NAME = "residual-mlp"
    TORCH_FORWARD = """
        def forward(self, x):
            h = F.relu(self.first(rows(x)))
            return self.head(h + F.relu(self.second(h)))
    """

    @dataclass(frozen=True)
    class Params:
        width: int = param(100, low=1, doc="width of both hidden layers")

    def __init__(self, inputs: int, outputs: int, params: Params | None = None) -> None:
        super().__init__(inputs, outputs)
        width = (params or self.Params()).width
        self.first, self.second = Linear(inputs, width), Linear(width, width)
        self.head = Linear(width, outputs)

    def forward(self, x: Any) -> pt.Tensor:
        h = pt.relu(self.first(as_rows(x)))
        return self.head(h + pt.relu(self.second(h)))


class SequenceCNN(_OfSequences):
    """Convolutions of stride 2 over time, each with relu, and a linear layer over all that they give."""

    NAME = "sequence-cnn"
    TORCH_FORWARD = """
        def forward(self, x):
            x = rows(x).unsqueeze(-1)
            for convolution in self.convolutions:
                x = F.relu(convolution(x))
            return self.head(x.flatten(1))
    """

    @dataclass(frozen=True)
    class Params:
        channels: tuple[int, ...] = param((25, 25, 25), low=1, doc="width of each convolution; each halves the time")
        kernels: tuple[int, ...] = param((5, 3, 3), low=1, doc="length of each kernel, as many as channels")

        def __post_init__(self) -> None:
            if len(self.channels) != len(self.kernels):
                raise ValueError(
                    f"{len(self.channels)} channels, {len(self.kernels)} kernels; expected as many of each"
                )

    def __init__(self, length: int, outputs: int, params: Params | None = None) -> None:
        super().__init__(length, outputs)
        params = params or self.Params()
        layers, before, time = [], 1, length
        for channels, kernel in zip(params.channels, params.kernels, strict=True):
            layers.append(Conv1d(before, channels, kernel, stride=2, padding=1))
            before, time = channels, (time + 2 - kernel) // 2 + 1
            if time < 1:
                raise VisionError(
                    f"[{self.NAME}] sequences of {length} for {len(params.channels)} convolutions; expected longer "
                    "ones, since each halves them; give fewer channels"
                )
        self.convolutions = Sequential(*layers)
        self.head = Linear(time * before, outputs)

    def forward(self, x: Any) -> pt.Tensor:
        x = as_rows(x)
        x = pt.reshape(x, (x.shape[0], x.shape[1], 1))
        for convolution in self.convolutions:
            x = pt.relu(convolution(x))
        return self.head(pt.reshape(x, (x.shape[0], -1)))


class SequenceGRU(_OfSequences):
    """A gated recurrent layer in both directions, and a linear layer over its states at all times."""

    NAME = "sequence-gru"
    TORCH_FORWARD = """
        def forward(self, x):
            states, _ = self.gru(rows(x).unsqueeze(-1))
            return self.head(states.flatten(1))
    """

    @dataclass(frozen=True)
    class Params:
        width: int = param(6, low=1, doc="size of the state, in each direction")

    def __init__(self, length: int, outputs: int, params: Params | None = None) -> None:
        super().__init__(length, outputs)
        width = (params or self.Params()).width
        self.gru = GRU(1, width, bidirectional=True)
        self.head = Linear(2 * width * length, outputs)

    def forward(self, x: Any) -> pt.Tensor:
        x = as_rows(x)
        states, _ = self.gru(pt.reshape(x, (x.shape[0], x.shape[1], 1)))
        return self.head(pt.reshape(states, (x.shape[0], -1)))
