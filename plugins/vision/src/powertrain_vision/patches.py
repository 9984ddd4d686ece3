"""Patches of pictures: cut out and put together, hidden at random, and the model that says what hidden ones show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.nn import LayerNorm, Linear, PositionEmbedding, Sequential, TransformerBlock
from powertrain.plugin import Inputs, Model, as_floats, param
from powertrain_vision.errors import VisionError


class PatchDecoder(Model):
    """Transformer blocks over the tokens of a picture, the class token in front, and a linear layer that gives the
    pixels of each patch. A token of a patch that was hidden is all zeros: its position alone says which it is.

    Example
        >>> from powertrain_vision.patches import PatchDecoder
        >>> decoder = PatchDecoder(tokens=5, width=8, outputs=16, params=PatchDecoder.Params(heads=2))
        >>> decoder(pt.ones((2, 5, 8))).shape
        (2, 16)
    """

    TORCH_FORWARD = """
        def forward(self, x):
            return self.head(self.norm(self.blocks(self.positions(x)))[:, 1:]).flatten(1)
    """
    example_inputs = (Inputs("regression", (5, 8), 16),)

    @dataclass(frozen=True)
    class Params:
        layers: int = param(1, low=1, high=64, doc="transformer blocks")
        heads: int = param(4, low=1, doc="attention heads; they divide the numbers of a token")

    def __init__(self, tokens: int, width: int, outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        if width % params.heads:
            raise VisionError(
                f"[patch-decoder] tokens of {width} numbers, heads = {params.heads}; expected a multiple of heads; "
                "change heads, or strategy.code"
            )
        self.positions = PositionEmbedding(tokens, width)
        self.blocks = Sequential(
            *(
                TransformerBlock(width, params.heads, causal=False, depth=params.layers, gelu="none")
                for _ in range(params.layers)
            )
        )
        self.norm = LayerNorm(width)
        self.head = Linear(width, outputs // (tokens - 1), std=0.02)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> PatchDecoder:
        if len(inputs.shape) != 2 or inputs.shape[0] < 2 or inputs.outputs % (inputs.shape[0] - 1):
            raise VisionError(
                f"[patch-decoder] examples of shape {list(inputs.shape)} for {inputs.outputs} outputs; expected tokens "
                "[1 + patches, numbers] and as many outputs for each patch; it is the model.decoder of "
                "masked-autoencoder"
            )
        return cls(inputs.shape[0], inputs.shape[1], inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        tokens = self.norm(self.blocks(self.positions(as_floats(x))))
        return pt.reshape(self.head(tokens[:, 1:]), (tokens.shape[0], -1))


def cut(x: Any, side: int) -> Any:
    """Pictures [batch, height, width, channels] as patches [batch, patches, side * side * channels], row by row."""
    batch, height, width, channels = x.shape
    parts = pt.reshape(x, (batch, height // side, side, width // side, side, channels))
    return pt.reshape(pt.permute_dims(parts, (0, 1, 3, 2, 4, 5)), (batch, -1, side * side * channels))


def joined(patches: Any, side: int, shape: tuple[int, ...]) -> Any:
    """The pictures of some patches: `cut` the other way round."""
    batch, (height, width, channels) = patches.shape[0], shape
    parts = pt.reshape(patches, (batch, height // side, width // side, side, side, channels))
    return pt.reshape(pt.permute_dims(parts, (0, 1, 3, 2, 4, 5)), (batch, height, width, channels))


def chosen(rng: Any, batch: int, patches: int, kept: int) -> Any:
    """For each picture `kept` of its patches at random, as rows of zeros with a 1: [batch, kept, patches].

    A product with it takes the chosen patches, one with its transpose puts them back: both are exact.
    """
    order = pt.argsort(rng.uniform(size=(batch, patches)), axis=1)
    return pt.astype(F.one_hot(order[:, :kept], patches), "float32")
