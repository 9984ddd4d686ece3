"""A model whose input is lifted to its square before a hidden layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.plugin import Inputs, Model, param


class Rings(Model):
    strategy = "supervised"
    loss = "cross-entropy"

    @dataclass(frozen=True)
    class Params:
        width: int = param(32, low=1, high=4096, doc="width of the hidden layer")

    def __init__(self, features: int, outputs: int, width: int) -> None:
        super().__init__()
        self.first = pt.nn.Linear(2 * features, width)
        self.last = pt.nn.Linear(width, outputs)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> Rings:
        features = 1
        for size in inputs.shape:
            features *= size
        return cls(features, inputs.outputs, params.width)

    def forward(self, x: Any) -> Any:
        rows = pt.reshape(x, (x.shape[0], -1))
        return self.last(pt.tanh(self.first(pt.concat([rows, pt.square(rows)], axis=1))))
