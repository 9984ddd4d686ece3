"""Clips as examples, [frames, height, width] or with channels as the last axis: two networks that tell what happens in
them, and how a report shows them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import powertrain as pt
from powertrain.data import DataModule
from powertrain.nn import GRU, BatchNorm2d, Conv2d, Conv3d, Dropout, LayerNorm, Linear, Sequential
from powertrain.plugin import (
    Baseline,
    Inputs,
    Model,
    ModelError,
    Section,
    Task,
    as_floats,
    check_task,
    param,
    pictures_section,
)

SHOWN = 8  # clips in a report
MOST_FRAMES = 16  # of each


def clip_shape(where: str, inputs: Inputs) -> tuple[int, int, int, int]:
    """Frames, height, width and channels; grey clips may come without the last."""
    if len(inputs.shape) not in (3, 4):
        raise ModelError(
            f"[{where}] examples of shape {list(inputs.shape)}; expected clips [frames, height, width] or [frames, "
            "height, width, channels]; use cnn for single images"
        )
    frames, height, width = inputs.shape[:3]
    return frames, height, width, inputs.shape[3] if len(inputs.shape) == 4 else 1


def as_clips(x: Any) -> pt.Tensor:
    """A batch as [batch, frames, height, width, channels] of floats."""
    x = as_floats(x)
    return pt.reshape(x, (*x.shape, 1)) if len(x.shape) == 4 else x


class ClipCNN(Model):
    """Convolutions over time, height and width, each with relu: the first keeps the frames and halves the picture, the
    others halve all three. Then the mean over all places, and a linear layer.

    A window of three frames sees what moves from one to the next, as one of three rows sees an edge (Tran et al. 2015).
    """

    TORCH_FORWARD = """
        def forward(self, x):
            x = x.float().unsqueeze(-1) if x.dim() == 4 else x.float()
            for convolution in self.convolutions:
                x = F.relu(convolution(x))
            return self.head(self.dropout(x.mean((1, 2, 3))))
    """
    example_inputs: ClassVar[tuple[Inputs, ...]] = (
        Inputs("classification", (6, 8, 8), 3), Inputs("regression", (5, 8, 9, 3), 2),
    )  # fmt: skip

    @dataclass(frozen=True)
    class Params:
        channels: tuple[int, ...] = param((16, 32, 64), low=1, doc="width of each convolution")
        dropout: float = param(0.0, low=0, below=1, doc="share of values set to zero before the last layer")

        def __post_init__(self) -> None:
            if not self.channels:
                raise ValueError("channels is empty; expected one or more; (16, 32, 64) are usual")

    def __init__(self, channels: int, outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        layers, before = [], channels
        for number, width in enumerate(params.channels):
            layers.append(Conv3d(before, width, 3, stride=2 if number else (1, 2, 2), padding=1))
            before = width
        self.convolutions = Sequential(*layers)
        self.dropout = Dropout(params.dropout)
        self.head = Linear(before, outputs)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> ClipCNN:
        check_task("clip-cnn", inputs, "classification", "regression")
        return cls(clip_shape("clip-cnn", inputs)[3], inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        x = as_clips(x)
        for convolution in self.convolutions:
            x = pt.relu(convolution(x))
        return self.head(self.dropout(pt.mean(x, axis=(1, 2, 3))))


class ClipGRU(Model):
    """Convolutions of each frame, each halving it, and a linear layer, all with norms and relu. Then a gated recurrent
    layer over the frames, and a linear layer on its last state (Donahue et al. 2015, with a GRU in place of an LSTM).

    The convolutions see one frame at a time, so only the state can tell what has moved. Without the norms it takes
    several times as many steps until it begins to.
    """

    TORCH_FORWARD = """
        def forward(self, x):
            x = x.float().unsqueeze(-1) if x.dim() == 4 else x.float()
            frames = x.flatten(0, 1)
            for convolution, norm in zip(self.convolutions, self.norms):
                frames = F.relu(norm(convolution(frames)))
            frames = F.relu(self.frame_norm(self.frame(frames.flatten(1))))
            states, _ = self.gru(frames.unflatten(0, x.shape[:2]))
            return self.head(self.dropout(states[:, -1]))
    """
    example_inputs: ClassVar[tuple[Inputs, ...]] = ClipCNN.example_inputs

    @dataclass(frozen=True)
    class Params:
        channels: tuple[int, ...] = param((16, 32), low=1, doc="width of each convolution")
        width: int = param(64, low=1, doc="numbers for each frame, and size of the state")
        dropout: float = param(0.0, low=0, below=1, doc="share of values set to zero before the last layer")

    def __init__(self, shape: tuple[int, int, int], outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        height, width, before = shape
        layers = []
        for channels in params.channels:
            layers.append(Conv2d(before, channels, 3, stride=2, padding=1))
            before, height, width = channels, -(-height // 2), -(-width // 2)
        self.convolutions = Sequential(*layers)
        self.norms = Sequential(*(BatchNorm2d(channels) for channels in params.channels))
        self.frame, self.frame_norm = Linear(height * width * before, params.width), LayerNorm(params.width)
        self.gru = GRU(params.width, params.width)
        self.dropout = Dropout(params.dropout)
        self.head = Linear(params.width, outputs)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> ClipGRU:
        check_task("clip-gru", inputs, "classification", "regression")
        return cls(clip_shape("clip-gru", inputs)[1:], inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        x = as_clips(x)
        batch, frames = x.shape[:2]
        h = pt.reshape(x, (batch * frames, *x.shape[2:]))
        for convolution, norm in zip(self.convolutions, self.norms, strict=True):
            h = pt.relu(norm(convolution(h)))
        h = pt.relu(self.frame_norm(self.frame(pt.reshape(h, (batch * frames, -1)))))
        states, _ = self.gru(pt.reshape(h, (batch, frames, -1)))
        return self.head(self.dropout(states[:, -1]))


class ClipClassification(Task):
    """A class for each clip. The report shows some clips as strips of their frames."""

    loss: ClassVar[str] = "cross-entropy"
    metrics: ClassVar[tuple[str, ...]] = ("accuracy",)
    headline: ClassVar[str] = "accuracy"
    classes: ClassVar[bool] = True

    def baselines(self, dataset: DataModule, part: str) -> Sequence[Baseline]:
        learned, held = (_classes(dataset, name) for name in ("train", part))
        share = float((held == np.bincount(learned).argmax()).mean())
        return [Baseline("dummy", "accuracy", share, "always the most frequent class", higher_is_better=True)]

    def sections(self, dataset: DataModule, judged: Any) -> Sequence[Section]:
        if judged.outputs is None or judged.truth is None:
            return []
        said, there = judged.outputs.argmax(axis=-1), judged.truth
        wrong, right = np.flatnonzero(said != there), np.flatnonzero(said == there)
        chosen = np.concatenate([wrong[: SHOWN // 2], right])[:SHOWN]
        x = np.asarray(dataset.splits[judged.part].fetch(chosen)["x"], np.float64)[:, :MOST_FRAMES]
        if x.ndim == 5 and x.shape[-1] not in (1, 3):
            return []
        names = dataset.class_names
        words = [
            names[a] if a == b else f"{names[a]}, taken for {names[b]}"
            for a, b in zip(there[chosen], said[chosen], strict=True)
        ]
        shown = (x / max(x.max(), 1e-12)).reshape(-1, *x.shape[2:])
        lines = (f"{len(wrong):,} of {len(there):,} clips of {judged.part} are taken for another class.",)
        return [pictures_section("Clips, frame by frame", shown, columns=x.shape[1], lines=lines, rows=words)]


def _classes(dataset: DataModule, part: str) -> Any:
    source = dataset.splits[part]
    return np.asarray(source.fetch(np.arange(len(source)))["y"])
