"""A convolutional network whose activations suit clipped gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
from powertrain.nn import Conv2d, Flatten, Linear, MaxPool2d, Sequential, Tanh
from powertrain.plugin import Inputs, Model, ModelError, as_images, check_task, image_shape, param

LEAST = 16  # pixels each way, of which both convolutions leave at least one


class TanhCNN(Model):
    """Two strided convolutions with pooling and a hidden layer, with tanh throughout (Papernot et al. 2021).

    Bounded activations keep the gradients of examples near the clip, so that it cuts off less than with relu. There is
    no normalization, which a batch would share.

    Example
        >>> TanhCNN((28, 28, 1), outputs=10)(pt.ones((2, 28, 28, 1))).shape
        (2, 10)
    """

    TORCH_FORWARD = """
        def forward(self, x):
            return self.head(self.body(images(x)))
    """

    @dataclass(frozen=True)
    class Params:
        channels: tuple[int, int] = param((16, 32), low=1, doc="widths of the two convolutions")
        hidden: int = param(32, low=1, doc="width of the hidden layer")

    example_inputs: ClassVar[tuple[Inputs, ...]] = (
        Inputs("classification", (28, 28), 10),
        Inputs("regression", (16, 20, 3), 2),
    )

    def __init__(self, shape: tuple[int, int, int], outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        height, width, colours = shape
        if min(height, width) < LEAST:
            raise ModelError(
                f"[tanh-cnn] images of {height} x {width}; expected at least {LEAST} pixels each way; use mlp"
            )
        first, second = params.channels
        self.body = Sequential(
            Conv2d(colours, first, 8, stride=2, padding=3), Tanh(), MaxPool2d(2, stride=1),
            Conv2d(first, second, 4, stride=2), Tanh(), MaxPool2d(2, stride=1), Flatten(),
        )  # fmt: skip
        features = self.body(pt.zeros((1, *shape))).shape[1]
        self.head = Sequential(Linear(features, params.hidden), Tanh(), Linear(params.hidden, outputs))

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> TanhCNN:
        check_task("tanh-cnn", inputs, "classification", "regression")
        return cls(image_shape("tanh-cnn", inputs), inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        return self.head(self.body(as_images(x)))
