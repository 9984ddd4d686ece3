"""Models of rows: linear, logistic, and the multi-layer perceptron."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import powertrain as pt
from powertrain.models.common import Model, as_rows, check_task, features
from powertrain.nn import Dropout, Linear, Sequential
from powertrain.plugins.kernels import Kernel
from powertrain.plugins.params import NoParams, param
from powertrain.plugins.protocols import Inputs

Activation: TypeAlias = Literal["relu", "tanh", "sigmoid", "gelu", "silu"] | Kernel
ACTIVATIONS: dict[str, Callable[[Any], pt.Tensor]] = {
    "relu": pt.relu,
    "tanh": pt.tanh,
    "sigmoid": pt.sigmoid,
    "gelu": pt.gelu,
    "silu": pt.silu,
}


class LinearModel(Model):
    """One linear layer: linear regression, or multinomial logistic regression for classes."""

    Params = NoParams

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layer = Linear(inputs, outputs)

    @classmethod
    def build(cls, params: NoParams, inputs: Inputs) -> LinearModel:
        check_task("linear", inputs, "classification", "regression")
        model = cls(features(inputs), inputs.outputs)
        model.suit(inputs)
        return model

    def forward(self, x: Any) -> pt.Tensor:
        return self.layer(as_rows(x))


class MLP(Model):
    """Linear layers with an activation between."""

    @dataclass(frozen=True)
    class Params:
        hidden: tuple[int, ...] = param((256,), low=1, doc="widths of the hidden layers")
        activation: Activation = param("relu", doc="between the layers")
        dropout: float = param(0.0, low=0, below=1, doc="share of hidden values set to zero in training")

    def __init__(self, inputs: int, outputs: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        widths = [inputs, *params.hidden, outputs]
        self.layers = Sequential(*(Linear(before, after) for before, after in itertools.pairwise(widths)))
        chosen = params.activation
        self.activation = chosen if isinstance(chosen, Kernel) else ACTIVATIONS[chosen]
        self.dropout = Dropout(params.dropout)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> MLP:
        check_task("mlp", inputs, "classification", "regression")
        model = cls(features(inputs), inputs.outputs, params)
        model.suit(inputs)
        return model

    def forward(self, x: Any) -> pt.Tensor:
        x = as_rows(x)
        *hidden, last = self.layers
        for layer in hidden:
            x = self.dropout(self.activation(layer(x)))
        return last(x)
