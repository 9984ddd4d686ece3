"""ResNets of any depth and width for small pictures, from the engine's blocks. LeNet, ResNet-18, ViT are built in."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.builtin.models import BasicBlock
from powertrain.nn import BatchNorm2d, Conv2d, Dropout, GlobalAveragePool, Linear, Sequential
from powertrain.plugin import Inputs, Model, as_images, check_task, image_shape, param


class ResNet(Model):
    """A 3 x 3 convolution, stages of basic blocks that halve the picture from the second stage on, mean, linear layer.

    The form for CIFAR (He et al. 2016, section 4.2): widths 16, 32, 64 with 3 blocks each are its ResNet-20.
    """

    TORCH_FORWARD = """
        def forward(self, x):
            x = F.relu(self.stem_norm(self.stem(images(x))))
            return self.head(self.dropout(self.pool(self.blocks(x))))
    """

    @dataclass(frozen=True)
    class Params:
        widths: tuple[int, ...] = param((16, 32, 64), low=1, doc="channels of each stage")
        blocks: int = param(1, low=1, high=64, doc="blocks in each stage; 3 make ResNet-20")
        dropout: float = param(0.0, low=0, below=1, doc="share of values set to zero before the last layer")

        def __post_init__(self) -> None:
            if not self.widths:
                raise ValueError("widths is empty; expected one or more; (16, 32, 64) are usual")

    def __init__(self, channels: int, outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        self.stem = Conv2d(channels, params.widths[0], 3, padding=1, bias=False)
        self.stem_norm = BatchNorm2d(params.widths[0])
        made, before = [], params.widths[0]
        for stage, width in enumerate(params.widths):
            for block in range(params.blocks):
                made.append(BasicBlock(before, width, 2 if stage and not block else 1))
                before = width
        self.blocks = Sequential(*made)
        self.pool = GlobalAveragePool()
        self.dropout = Dropout(params.dropout)
        self.head = Linear(before, outputs)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> ResNet:
        check_task("resnet", inputs, "classification", "regression")
        return cls(image_shape("resnet", inputs)[2], inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        x = pt.relu(self.stem_norm(self.stem(as_images(x))))
        return self.head(self.dropout(self.pool(self.blocks(x))))
