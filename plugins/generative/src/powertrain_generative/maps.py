"""Convolutional halves of an autoencoder whose code is a small map of numbers, such as 8 x 8 x 4."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import Conv2d, Sequential
from powertrain.plugin import Inputs, Model, ModelError, as_images, check_task, image_shape, param
from powertrain_generative.networks import doubled


class MapEncoder(Model):
    """For each entry of `channels` a convolution of stride 2 with silu; then one more, and a last one that gives the
    numbers of each place of the map, as a row."""

    TORCH_FORWARD = """
        def forward(self, x):
            x = images(x)
            for convolution in self.convolutions:
                x = F.silu(convolution(x))
            return self.last(F.silu(self.middle(x))).flatten(1)
    """
    example_inputs: ClassVar[tuple[Inputs, ...]] = (Inputs("regression", (8, 8, 3), 12),)

    @dataclass(frozen=True)
    class Params:
        channels: tuple[int, ...] = param((32, 64), low=1, doc="width of each convolution; each halves the picture")

    def __init__(self, shape: tuple[int, int, int], outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        height, width, colours = shape
        times = 2 ** len(params.channels)
        if height % times or width % times:
            raise ModelError(
                f"[map-encoder] pictures of {height} x {width} for {len(params.channels)} convolutions; expected a "
                f"multiple of {times} pixels each way, since each halves them; give fewer channels"
            )
        places = height * width // times**2
        if outputs % places:
            raise ModelError(
                f"[map-encoder] {outputs:,} outputs for a map of {height // times} x {width // times}; expected a "
                f"multiple of its {places:,} places; ask for a code of that size, or give other channels"
            )
        self.map = (height // times, width // times, outputs // places)
        widths = (colours, *params.channels)
        self.convolutions = Sequential(
            *(Conv2d(before, after, 4, stride=2, padding=1) for before, after in itertools.pairwise(widths))
        )
        self.middle = Conv2d(widths[-1], widths[-1], 3, padding=1)
        self.last = Conv2d(widths[-1], self.map[-1], 3, padding=1)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> MapEncoder:
        check_task("map-encoder", inputs, "regression")
        return cls(image_shape("map-encoder", inputs), inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        x = as_images(x)
        for convolution in self.convolutions:
            x = F.silu(convolution(x))
        return pt.reshape(self.last(F.silu(self.middle(x))), (x.shape[0], -1))


class MapDecoder(Model):
    """A convolution of the map; for each entry of `channels` it is doubled, with a convolution and silu; then a last
    convolution, which gives the colours of each pixel."""

    TORCH_FORWARD = """
        def forward(self, x):
            x = F.silu(self.first(images(x)))
            for convolution in self.convolutions:
                x = F.silu(convolution(x.repeat_interleave(2, 1).repeat_interleave(2, 2)))
            return self.last(x).flatten(1)
    """
    example_inputs: ClassVar[tuple[Inputs, ...]] = (Inputs("regression", (2, 2, 3), 192),)

    @dataclass(frozen=True)
    class Params:
        channels: tuple[int, ...] = param((64, 32), low=1, doc="width of each stage, of which each doubles the picture")

    def __init__(self, shape: tuple[int, int, int], outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        height, width, depth = shape
        times = 2 ** len(params.channels)
        pixels = height * width * times**2
        if outputs % pixels:
            raise ModelError(
                f"[map-decoder] {outputs:,} outputs of a map of {height} x {width}, which {len(params.channels)} "
                f"stages make {height * times} x {width * times}; expected a multiple of {pixels:,} pixels; give as "
                "many channels as the encoder has"
            )
        widths = (params.channels[0], *params.channels)
        self.first = Conv2d(depth, widths[0], 3, padding=1)
        self.convolutions = Sequential(
            *(Conv2d(before, after, 3, padding=1) for before, after in itertools.pairwise(widths))
        )
        self.last = Conv2d(widths[-1], outputs // pixels, 3, padding=1)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> MapDecoder:
        check_task("map-decoder", inputs, "regression")
        return cls(image_shape("map-decoder", inputs), inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        x = F.silu(self.first(as_images(x)))
        for convolution in self.convolutions:
            x = F.silu(convolution(doubled(x)))
        return pt.reshape(self.last(x), (x.shape[0], -1))
