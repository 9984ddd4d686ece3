"""Convolutional halves of autoencoders and GANs: pictures to rows, and rows to pictures."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import Conv2d, Linear, Sequential
from powertrain.plugin import Inputs, Model, ModelError, as_images, as_rows, check_task, features, image_shape, param


class PictureEncoder(Model):
    """For each entry of `channels` a convolution of stride 2 with silu; then a hidden layer and a linear one. It has no
    normalization, so that an example's answer depends on that example alone, as a critic's has to."""

    TORCH_FORWARD = """
        def forward(self, x):
            x = images(x)
            for convolution in self.convolutions:
                x = F.silu(convolution(x))
            return self.last(F.silu(self.hidden(x.flatten(1))))
    """

    @dataclass(frozen=True)
    class Params:
        channels: tuple[int, ...] = param((16, 32), low=1, doc="width of each convolution; each halves the picture")
        hidden: int = param(64, low=1, doc="width of the layer before the last, the features of a picture")

    def __init__(self, shape: tuple[int, int, int], outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        height, width, before = shape
        if min(height, width) < 2 ** len(params.channels):
            raise ModelError(
                f"[picture-encoder] pictures of {height} x {width} for {len(params.channels)} convolutions; expected "
                f"at least {2 ** len(params.channels)} pixels each way, since each halves them; give fewer channels"
            )
        layers = []
        for after in params.channels:
            layers.append(Conv2d(before, after, 4, stride=2, padding=1))
            before, height, width = after, height // 2, width // 2
        self.convolutions = Sequential(*layers)
        self.hidden = Linear(height * width * before, params.hidden)
        self.last = Linear(params.hidden, outputs)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> PictureEncoder:
        check_task("picture-encoder", inputs, "classification", "regression")
        return cls(image_shape("picture-encoder", inputs), inputs.outputs, params)

    def features(self, x: Any) -> Any:
        """What stands before the last layer: [batch, hidden]."""
        x = as_images(x)
        for convolution in self.convolutions:
            x = F.silu(convolution(x))
        return F.silu(self.hidden(pt.reshape(x, (x.shape[0], -1))))

    def forward(self, x: Any) -> pt.Tensor:
        return self.last(self.features(x))


class PictureDecoder(Model):
    """A linear layer to a small picture; for each entry of `channels` it is doubled, with a convolution and silu; then
    a last convolution. The pictures are square; their pixels, or twice as many numbers, are the outputs."""

    TORCH_FORWARD = """
        def forward(self, x):
            x = F.silu(self.first(rows(x)).unflatten(1, (self.small, self.small, self.channels)))
            for convolution in self.convolutions:
                x = F.silu(convolution(x.repeat_interleave(2, 1).repeat_interleave(2, 2)))
            pixels = self.last(x).unflatten(3, (self.planes, self.colours))
            return pixels.permute(0, 3, 1, 2, 4).flatten(1)
    """
    example_inputs: ClassVar[tuple[Inputs, ...]] = (
        Inputs("regression", (6,), 64), Inputs("regression", (3,), 128),
    )  # fmt: skip

    @dataclass(frozen=True)
    class Params:
        channels: tuple[int, ...] = param((32, 16), low=1, doc="width of each stage, of which each doubles the picture")
        colours: int = param(1, low=1, high=4, doc="numbers of a pixel")

    def __init__(self, code: int, outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        self.colours = params.colours
        self.planes, self.side = _planes_and_side(outputs, params.colours)
        halvings = 2 ** len(params.channels)
        if not self.side or self.side % halvings:
            raise ModelError(
                f"[picture-decoder] {outputs} outputs of {params.colours} colours; expected those of a square picture "
                f"whose side is a multiple of {halvings}, since each of {len(params.channels)} stages doubles it; use "
                "mlp, or give other channels"
            )
        self.small = self.side // halvings
        self.channels = params.channels[0]
        self.first = Linear(code, self.small**2 * self.channels)
        widths = (*params.channels, params.channels[-1])
        self.convolutions = Sequential(
            *(Conv2d(before, after, 3, padding=1) for before, after in itertools.pairwise(widths))
        )
        self.last = Conv2d(widths[-1], self.planes * self.colours, 3, padding=1)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> PictureDecoder:
        check_task("picture-decoder", inputs, "regression")
        return cls(features(inputs), inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        count = x.shape[0]
        x = F.silu(pt.reshape(self.first(as_rows(x)), (count, self.small, self.small, self.channels)))
        for convolution in self.convolutions:
            x = F.silu(convolution(doubled(x)))
        pixels = pt.reshape(self.last(x), (count, self.side, self.side, self.planes, self.colours))
        return pt.reshape(pt.permute_dims(pixels, (0, 3, 1, 2, 4)), (count, -1))


def doubled(x: Any) -> Any:
    """Pictures of twice the height and width, each pixel four times."""
    return pt.repeat(pt.repeat(x, 2, axis=1), 2, axis=2)


def _planes_and_side(outputs: int, colours: int) -> tuple[int, int]:
    """One picture or two of the same size, and its side; 0 where there is none."""
    for planes in (1, 2):
        side = math.isqrt(max(1, outputs // (planes * colours)))
        if side * side * planes * colours == outputs:
            return planes, side
    return 1, 0
