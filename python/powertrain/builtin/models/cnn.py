"""Convolutional classifiers of images: a small one, and LeNet."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain.nn import BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, ReLU, Sequential
from powertrain.plugin.model import Model
from powertrain.plugin.model_inputs import ModelError, as_images, check_task, image_shape
from powertrain.plugin.params import NoParams, param
from powertrain.plugin.protocols import Inputs

if TYPE_CHECKING:
    from powertrain import Tensor


class CNN(Model):
    """For each entry of `channels`: convolutions, each with batch norm and relu, and a max-pool; then linear layers.

    Example
        >>> from powertrain.builtin.models import CNN
        >>> model = CNN((28, 28, 1), outputs=10, params=CNN.Params(channels=(8, 16)))
        >>> model(pt.ones((2, 28, 28, 1))).shape
        (2, 10)
    """

    TORCH_FORWARD = """
        def forward(self, x):
            return self.head(self.body(images(x)))
    """

    @dataclass(frozen=True)
    class Params:
        channels: tuple[int, ...] = param((32, 64), low=1, doc="width of each stage; a stage halves the image")
        kernel: int = param(3, low=1, high=15, doc="height and width of the kernels, odd")
        depth: int = param(1, low=1, high=16, doc="convolutions in each stage")
        hidden: int = param(0, low=0, doc="width of a hidden linear layer; 0 for none")
        dropout: float = param(0.0, low=0, below=1, doc="share of values set to zero before each linear layer")
        norm: bool = param(True, doc="batch normalisation after each convolution")

        def __post_init__(self) -> None:
            if self.kernel % 2 == 0:
                raise ValueError(f"kernel = {self.kernel}; expected an odd number; 3 is usual")

    def __init__(self, shape: tuple[int, int, int], outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        height, width, channels = shape
        if min(height, width) < 2 ** len(params.channels):
            raise ModelError(
                f"[cnn] images of {height} x {width} for {len(params.channels)} stages; expected at least "
                f"{2 ** len(params.channels)} pixels each way, since each stage halves them; give fewer channels"
            )
        layers: list[Any] = []
        for outgoing in params.channels:
            for _ in range(params.depth):
                conv = Conv2d(channels, outgoing, params.kernel, padding=params.kernel // 2, bias=not params.norm)
                layers += [conv, BatchNorm2d(outgoing), ReLU()] if params.norm else [conv, ReLU()]
                channels = outgoing
            layers.append(MaxPool2d(2))
            height, width = height // 2, width // 2
        self.body = Sequential(*layers, Flatten())
        self.head = Sequential(*_head(height * width * channels, outputs, params))

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> CNN:
        check_task("cnn", inputs, "classification", "regression")
        return cls(image_shape("cnn", inputs), inputs.outputs, params)

    def forward(self, x: Tensor) -> pt.Tensor:
        return self.head(self.body(as_images(x)))


def _head(width: int, outputs: int, params: CNN.Params) -> list[Any]:
    dropout = [Dropout(params.dropout)] if params.dropout else []
    layers: list[Any] = [*dropout]
    if params.hidden:
        layers += [Linear(width, params.hidden), ReLU(), *dropout]
        width = params.hidden
    return [*layers, Linear(width, outputs)]


class LeNet(Model):
    """Two 5 x 5 convolutions with pooling and two linear layers (after LeCun et al. 1998, with today's widths).

    Example
        >>> from powertrain.builtin.models import LeNet
        >>> LeNet((28, 28, 1), outputs=10)(pt.ones((2, 28, 28, 1))).shape
        (2, 10)
    """

    TORCH_FORWARD = """
        def forward(self, x):
            x = self.pool(F.relu(self.conv1(images(x))))
            x = self.pool(F.relu(self.conv2(x)))
            return self.fc2(F.relu(self.fc1(x.flatten(1))))
    """

    def __init__(self, shape: tuple[int, int, int] = (28, 28, 1), outputs: int = 10) -> None:
        super().__init__()
        height, width, channels = shape
        if height < 4 or width < 4:
            raise ModelError(f"[lenet] images of {height} x {width}; expected at least 4 x 4; use mlp")
        self.conv1 = Conv2d(channels, 32, 5, padding=2)
        self.conv2 = Conv2d(32, 64, 5, padding=2)
        self.pool = MaxPool2d(2)
        self.fc1 = Linear((height // 4) * (width // 4) * 64, 512)
        self.fc2 = Linear(512, outputs)

    @classmethod
    def build(cls, params: NoParams, inputs: Inputs) -> LeNet:
        check_task("lenet", inputs, "classification", "regression")
        return cls(image_shape("lenet", inputs), inputs.outputs)

    def forward(self, x: Tensor) -> pt.Tensor:
        x = self.pool(pt.relu(self.conv1(as_images(x))))
        x = self.pool(pt.relu(self.conv2(x)))
        x = pt.reshape(x, (x.shape[0], -1))
        return self.fc2(pt.relu(self.fc1(x)))
