"""ResNet-18 in the form for small images (He et al. 2016)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import powertrain as pt
from powertrain.nn import BatchNorm2d, Conv2d, GlobalAveragePool, Linear, Module, Sequential
from powertrain.plugin.model import Model
from powertrain.plugin.model_inputs import as_images, check_task, image_shape
from powertrain.plugin.params import NoParams
from powertrain.plugin.protocols import Inputs

if TYPE_CHECKING:
    from powertrain import Tensor


class BasicBlock(Module):
    """Two 3 x 3 convolutions with batch norm around a shortcut, which is a 1 x 1 convolution where shapes change.

    Example
        >>> from powertrain.builtin.models import BasicBlock
        >>> BasicBlock(inputs=8, outputs=16, stride=2)(pt.ones((1, 8, 8, 8))).shape
        (1, 4, 4, 16)
    """

    TORCH_FORWARD = """
        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            return F.relu(y + (x if self.shortcut is None else self.shortcut_norm(self.shortcut(x))))
    """

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = BatchNorm2d(outputs)
        self.conv2 = Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = BatchNorm2d(outputs)
        self.shortcut: Conv2d | None = None
        if stride != 1 or inputs != outputs:
            self.shortcut = Conv2d(inputs, outputs, 1, stride=stride, bias=False)
            self.shortcut_norm = BatchNorm2d(outputs)

    def forward(self, x: Tensor) -> pt.Tensor:
        y = pt.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return pt.relu(y + (x if self.shortcut is None else self.shortcut_norm(self.shortcut(x))))


class ResNet18(Model):
    """A 3 x 3 stem and eight basic blocks of widths 64 to 512; stride 2 at the third, fifth and seventh.

    Example
        >>> from powertrain.builtin.models import ResNet18
        >>> ResNet18(channels=3, outputs=10)(pt.ones((1, 16, 16, 3))).shape
        (1, 10)
    """

    TORCH_FORWARD = """
        def forward(self, x):
            x = F.relu(self.stem_norm(self.stem(images(x))))
            return self.fc(self.pool(self.blocks(x)))
    """
    WIDTHS = (64, 64, 128, 128, 256, 256, 512, 512)

    def __init__(self, channels: int = 3, outputs: int = 10) -> None:
        super().__init__()
        self.stem = Conv2d(channels, 64, 3, padding=1, bias=False)
        self.stem_norm = BatchNorm2d(64)
        blocks, before = [], 64
        for number, width in enumerate(self.WIDTHS):
            blocks.append(BasicBlock(before, width, 2 if number in (2, 4, 6) else 1))
            before = width
        self.blocks = Sequential(*blocks)
        self.pool = GlobalAveragePool()
        self.fc = Linear(512, outputs)

    @classmethod
    def build(cls, params: NoParams, inputs: Inputs) -> ResNet18:
        check_task("resnet18", inputs, "classification", "regression")
        return cls(image_shape("resnet18", inputs)[2], inputs.outputs)

    def forward(self, x: Tensor) -> pt.Tensor:
        x = pt.relu(self.stem_norm(self.stem(as_images(x))))
        return self.fc(self.pool(self.blocks(x)))
