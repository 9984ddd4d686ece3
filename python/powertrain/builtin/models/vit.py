"""The vision transformer (Dosovitskiy et al. 2021), with pre-norm blocks and a class token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import powertrain as pt
from powertrain.nn import (
    ClassToken,
    Conv2d,
    Dropout,
    LayerNorm,
    Linear,
    PositionEmbedding,
    Sequential,
    TransformerBlock,
)
from powertrain.plugin.model import Model
from powertrain.plugin.model_inputs import ModelError, as_images, check_task, image_shape
from powertrain.plugin.params import param
from powertrain.plugin.protocols import Inputs

if TYPE_CHECKING:
    from powertrain import Tensor


class ViT(Model):
    """Patches of the image as tokens, a class token in front, transformer blocks, and a linear layer on that token.

    Example
        >>> from powertrain.builtin.models import ViT
        >>> model = ViT((16, 16, 3), outputs=10, params=ViT.Params(patch=8, layers=1, heads=2, width=8))
        >>> model(pt.ones((2, 16, 16, 3))).shape
        (2, 10)
    """

    TORCH_FORWARD = """
        def forward(self, x):
            patches = self.patch(images(x)).flatten(1, 2)
            tokens = self.positions(self.cls(patches))
            return self.head(self.ln_f(self.blocks(self.dropout(tokens))[:, 0]))
    """

    @dataclass(frozen=True)
    class Params:
        patch: int = param(4, low=1, doc="pixels of a patch each way; divides height and width")
        layers: int = param(6, low=1, doc="transformer blocks")
        heads: int = param(3, low=1, doc="attention heads")
        width: int = param(192, low=1, doc="size of a patch's vector; a multiple of heads")
        dropout: float = param(0.0, low=0, below=1, doc="share of values set to zero in training")

        def __post_init__(self) -> None:
            if self.width % self.heads:
                raise ValueError(
                    f"width = {self.width}, heads = {self.heads}; expected width to be a multiple of heads"
                )

    def __init__(
        self, shape: tuple[int, int, int] = (32, 32, 3), outputs: int = 10, params: Params | None = None
    ) -> None:
        super().__init__()
        params = params or self.Params()
        height, width, channels = shape
        if height % params.patch or width % params.patch:
            raise ModelError(
                f"[vit] images of {height} x {width} in patches of {params.patch}; expected multiples; change patch"
            )
        tokens = (height // params.patch) * (width // params.patch)
        self.patch = Conv2d(channels, params.width, params.patch, stride=params.patch)
        self.cls = ClassToken(params.width)
        self.positions = PositionEmbedding(tokens + 1, params.width)
        self.dropout = Dropout(params.dropout)
        blocks = [
            TransformerBlock(
                params.width, params.heads, causal=False, depth=params.layers, dropout=params.dropout, gelu="none"
            )
            for _ in range(params.layers)
        ]
        self.blocks = Sequential(*blocks)
        self.ln_f = LayerNorm(params.width)
        self.head = Linear(params.width, outputs, std=0.02)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> ViT:
        check_task("vit", inputs, "classification", "regression")
        return cls(image_shape("vit", inputs), inputs.outputs, params)

    def tokens(self, x: Tensor) -> pt.Tensor:
        """The class token and the patches of images, each with the vector of its position: [batch, tokens, width]."""
        patches = self.patch(as_images(x))
        batch, height, width, channels = patches.shape
        tokens = pt.reshape(patches, (batch, height * width, channels))
        return self.positions(self.cls(tokens))

    def forward(self, x: Tensor) -> pt.Tensor:
        return self.head(self.ln_f(self.blocks(self.dropout(self.tokens(x)))[:, 0]))
