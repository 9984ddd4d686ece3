"""A small U-Net (Ronneberger et al. 2015, Ho et al. 2020): pictures to pictures, told how noisy they are and of which
class."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import Conv2d, Embedding, GroupNorm, Linear, Module, Sequential
from powertrain.plugin import Inputs, Model, ModelError, as_images, check_task, features, image_shape, param
from powertrain_generative.networks import doubled

GROUPS = 8  # of channels, at most
WAVES = 32  # sines and cosines of the noise level
LONGEST = 1000.0  # times the frequency of the slowest wave


class Block(Module):
    """Two convolutions around a scale and a shift that the condition says, beside a shortcut."""

    def __init__(self, before: int, after: int, condition: int) -> None:
        super().__init__()
        self.norm1, self.norm2 = (GroupNorm(math.gcd(GROUPS, width), width) for width in (before, after))
        self.conv1 = Conv2d(before, after, 3, padding=1)
        self.conv2 = Conv2d(after, after, 3, padding=1)
        self.condition = Linear(condition, 2 * after)
        self.shortcut = Conv2d(before, after, 1) if before != after else None

    def forward(self, x: Any, condition: Any) -> pt.Tensor:
        h = self.conv1(F.silu(self.norm1(x)))
        said = pt.reshape(self.condition(condition), (x.shape[0], 1, 1, -1))
        scale, shift = pt.split(said, 2, axis=3)
        h = self.conv2(F.silu(self.norm2(h) * (1 + scale) + shift))
        return h + (x if self.shortcut is None else self.shortcut(x))


class UNet(Model):
    """Gives a number for each number of a picture. `when` is the noise level of each example, from 0 to 1; `kind` its
    class plus one, or 0 where it is not told; `said` are `condition` numbers that say more of it, such as a caption."""

    strategy: ClassVar[str] = "diffusion"
    example_inputs: ClassVar[tuple[Inputs, ...]] = (
        Inputs("regression", (8, 8), 64), Inputs("regression", (8, 8, 3), 192, labels=("a", "b")),
    )  # fmt: skip

    @dataclass(frozen=True)
    class Params:
        widths: tuple[int, ...] = param((16, 32, 64), low=1, doc="channels of each stage; each but the first halves it")
        condition: int = param(64, low=1, doc="numbers that say the noise level and the class to each block")
        patch: int = param(
            1, low=1, high=16, doc="pixels each way that are one place of the network; 2 saves 3/4 of it"
        )

    def __init__(self, shape: tuple[int, int, int], kinds: int = 0, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        height, width, colours = shape
        self.patch, self.condition = params.patch, params.condition
        times = 2 ** (len(params.widths) - 1) * self.patch
        if height % times or width % times:
            patches = f" of patches of {self.patch}" if self.patch > 1 else ""
            raise ModelError(
                f"[unet] pictures of {height} x {width} for {len(params.widths)} widths{patches}; expected a multiple "
                f"of {times} pixels each way, since each width but the first halves them; give fewer widths"
            )
        self.wave = Linear(2 * WAVES, params.condition)
        self.kind = Embedding(kinds + 1, params.condition)
        self.mix = Linear(params.condition, params.condition)
        first, *deeper = params.widths
        depth = colours * self.patch**2
        self.first = Conv2d(depth, first, 3, padding=1)
        pairs = list(zip(params.widths, deeper, strict=False))
        self.down = Sequential(*(Block(before, before, params.condition) for before, _ in pairs))
        self.deep = Sequential(*(Block(before, after, params.condition) for before, after in pairs))
        self.middle = Block(params.widths[-1], params.widths[-1], params.condition)
        self.up = Sequential(*(Block(before + after, before, params.condition) for before, after in reversed(pairs)))
        self.norm = GroupNorm(math.gcd(GROUPS, first), first)
        self.last = Conv2d(first, depth, 3, padding=1)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> UNet:
        check_task("unet", inputs, "regression")
        shape = image_shape("unet", inputs)
        if inputs.outputs != features(inputs):
            raise ModelError(
                f"[unet] {inputs.outputs} outputs for pictures of {features(inputs)} numbers; expected as many; use "
                "the strategy diffusion, or another model"
            )
        return cls(shape, len(inputs.labels), params)

    def told(self, when: Any, kind: Any, said: Any = None) -> Any:
        """The condition: [batch, condition]."""
        steps = np.exp(np.linspace(0, -math.log(LONGEST), WAVES)).astype(np.float32)
        angles = pt.reshape(when, (-1, 1)) * LONGEST * pt.asarray(steps)
        waves = pt.concat([pt.sin(angles), pt.cos(angles)], axis=1)
        told = self.wave(waves) + self.kind(kind)
        return F.silu(self.mix(F.silu(told if said is None else told + said)))

    def forward(self, x: Any, when: Any = None, kind: Any = None, said: Any = None) -> pt.Tensor:
        count = x.shape[0]
        when = pt.zeros((count,)) if when is None else when
        told = self.told(when, pt.zeros((count,), dtype="int64") if kind is None else kind, said)
        h, beside = self.first(gathered(as_images(x), self.patch)), []
        for block, deeper in zip(self.down, self.deep, strict=True):
            h = block(h, told)
            beside.append(h)
            h = deeper(F.avg_pool2d(h, 2), told)
        h = self.middle(h, told)
        for block in self.up:
            h = block(pt.concat([doubled(h), beside.pop()], axis=3), told)
        return pt.reshape(spread(self.last(F.silu(self.norm(h))), self.patch), (count, -1))


def gathered(x: Any, patch: int) -> Any:
    """Each patch of pixels as the numbers of one place: [batch, height / patch, width / patch, patch**2 * depth]."""
    if patch == 1:
        return x
    count, height, width, depth = x.shape
    x = pt.reshape(x, (count, height // patch, patch, width // patch, patch, depth))
    return pt.reshape(pt.permute_dims(x, (0, 1, 3, 2, 4, 5)), (count, height // patch, width // patch, -1))


def spread(x: Any, patch: int) -> Any:
    """The same undone."""
    if patch == 1:
        return x
    count, height, width, depth = x.shape
    x = pt.reshape(x, (count, height, width, patch, patch, depth // patch**2))
    return pt.reshape(pt.permute_dims(x, (0, 1, 3, 2, 4, 5)), (count, height * patch, width * patch, -1))
