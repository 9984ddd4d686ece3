"""A model: rows of numbers through one hidden layer."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.plugin import Inputs, Model, ModelError, param


class Net(Model):
    strategy = "supervised"

    @dataclass(frozen=True)
    class Params:
        width: int = param(64, low=1, doc="numbers in the hidden layer")

    def __init__(self, features: int, outputs: int, width: int) -> None:
        super().__init__()
        self.first = pt.nn.Linear(features, width)
        self.last = pt.nn.Linear(width, outputs)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> Net:
        if inputs.task == "language":
            raise ModelError("[net] a language task; expected rows of numbers; choose another model")
        return cls(math.prod(inputs.shape), inputs.outputs, params.width)

    def forward(self, x: Any) -> Any:
        rows = pt.reshape(pt.astype(x, "float32"), (x.shape[0], -1))
        return self.last(pt.relu(self.first(rows)))
