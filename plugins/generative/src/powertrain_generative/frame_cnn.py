"""A small residual network that makes the next frame of a film from pixels of the last one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import Conv2d, Sequential
from powertrain.plugin import Inputs, Model, ModelError, as_images, check_task, image_shape, param

LEAST = 1e-3  # how black and how white a pixel gets, so that its logit is finite


class FrameCNN(Model):
    """Frames are the channels of a picture. A convolution to `width` channels with silu, and `layers` times one more
    with silu that is added to what came in, all of 3 x 3. A last one says for each pixel, by a softmax, from which of
    the pixels around it in the last frame it comes (dynamic filters, De Brabandere et al. 2016). So what moves stays
    sharp. The outputs are logits."""

    TORCH_FORWARD = f"""
        def forward(self, x):
            x = images(x)
            around = F.unfold(x[..., -1].clamp(0, 1).unsqueeze(1), 2 * self.reach + 1, padding=self.reach)
            x = F.silu(self.first(x))
            for convolution in self.convolutions:
                x = x + F.silu(convolution(x))
            seen = (self.last(x).flatten(1, 2).softmax(2) * around.transpose(1, 2)).sum(2)
            return torch.logit({LEAST} + {1 - 2 * LEAST} * seen)
    """
    example_inputs: ClassVar[tuple[Inputs, ...]] = (
        Inputs("regression", (6, 5, 3), 30), Inputs("regression", (4, 4), 16),
    )  # fmt: skip

    @dataclass(frozen=True)
    class Params:
        width: int = param(32, low=1, doc="channels between the first convolution and the last")
        layers: int = param(5, low=0, doc="convolutions between; each sees one pixel further on all sides")
        reach: int = param(3, low=1, high=16, doc="pixels that something moves in a frame, at most, each way")

    def __init__(self, shape: tuple[int, int, int], outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        height, width, channels = shape
        if outputs != height * width:
            raise ModelError(
                f"[frame-cnn] {outputs} outputs for pictures of {height} x {width}; expected {height * width}, a grey "
                "picture of the same size; use cnn for other outputs"
            )
        self.reach = params.reach
        self.first = Conv2d(channels, params.width, 3, padding=1)
        self.convolutions = Sequential(
            *(Conv2d(params.width, params.width, 3, padding=1) for _ in range(params.layers))
        )
        self.last = Conv2d(params.width, (2 * params.reach + 1) ** 2, 3, padding=1)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> FrameCNN:
        check_task("frame-cnn", inputs, "regression")
        return cls(image_shape("frame-cnn", inputs), inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        x = as_images(x)
        around = neighbours(pt.clip(x[:, :, :, -1], 0, 1), self.reach)
        x = F.silu(self.first(x))
        for convolution in self.convolutions:
            x = x + F.silu(convolution(x))
        seen = LEAST + (1 - 2 * LEAST) * pt.sum(pt.softmax(self.last(x), axis=3) * around, axis=3)
        return pt.reshape(pt.log(seen) - pt.log(1 - seen), (x.shape[0], -1))


def neighbours(x: Any, reach: int) -> Any:
    """The pixels around each one, row by row; black beyond the edge: [batch, height, width, (2 reach + 1)**2]."""
    height, width = x.shape[1:]
    x = pt.pad(x, ((0, 0), (reach, reach), (reach, reach)))
    steps = range(2 * reach + 1)
    return pt.stack([x[:, down : down + height, across : across + width] for down in steps for across in steps], axis=3)
