"""A model of tokens: each position sees those before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.plugin import Inputs, Model, ModelError, param


class Net(Model):
    strategy = "next_token"

    @dataclass(frozen=True)
    class Params:
        width: int = param(64, low=4, doc="numbers for each token; a multiple of 4")
        layers: int = param(2, low=1, doc="transformer blocks")

    def __init__(self, tokens: int, context: int, params: Params) -> None:
        super().__init__()
        self.embedding = pt.nn.Embedding(tokens, params.width, std=0.02)
        self.positions = pt.nn.PositionEmbedding(context, params.width)
        blocks = [pt.nn.TransformerBlock(params.width, 4, depth=params.layers) for _ in range(params.layers)]
        self.blocks = pt.nn.Sequential(*blocks)
        self.norm = pt.nn.LayerNorm(params.width)
        self.head = pt.nn.Linear(params.width, tokens)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> Net:
        if inputs.context is None:
            raise ModelError(f"[net] a {inputs.task} task; expected a text; choose another model")
        return cls(inputs.outputs, inputs.context, params)

    def forward(self, x: Any) -> Any:
        return self.head(self.norm(self.blocks(self.positions(self.embedding(x)))))
