"""Models of rows: linear, logistic, and the multi-layer perceptron."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import DataModule
from powertrain.data.source import whole
from powertrain.nn import Dropout, Linear, Sequential
from powertrain.plugin.kernels import Kernel
from powertrain.plugin.model import Model
from powertrain.plugin.model_inputs import as_rows, check_task, features
from powertrain.plugin.params import NoParams, param
from powertrain.plugin.protocols import Inputs
from powertrain.plugin.section import Section, columns_section

if TYPE_CHECKING:
    from powertrain import Tensor

Activation: TypeAlias = Literal["relu", "tanh", "sigmoid", "gelu", "silu"] | Kernel
ACTIVATIONS: dict[str, Callable[[Any], pt.Tensor]] = {
    "relu": pt.relu,
    "tanh": pt.tanh,
    "sigmoid": pt.sigmoid,
    "gelu": F.gelu,
    "silu": F.silu,
}


class LinearModel(Model):
    """One linear layer: linear regression, or multinomial logistic regression for classes.

    Example
        >>> from powertrain.builtin.models import LinearModel
        >>> LinearModel(inputs=4, outputs=3)(pt.ones((2, 4))).shape
        (2, 3)
    """

    TORCH_FORWARD = """
        def forward(self, x):
            return self.layer(rows(x))
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.layer = Linear(inputs, outputs)

    @classmethod
    def build(cls, params: NoParams, inputs: Inputs) -> LinearModel:
        check_task("linear", inputs, "classification", "regression")
        return cls(features(inputs), inputs.outputs)

    def forward(self, x: Tensor) -> pt.Tensor:
        return self.layer(as_rows(x))

    def sections(self, dataset: DataModule) -> list[Section]:
        """What each column does to the answer, where columns have names."""
        names = dataset.names()
        weight = self.layer.weight.numpy().astype(np.float64)
        if len(names) != len(weight):
            return []
        # A weight alone says little: it is small where the numbers of its column are large.
        rows = whole(dataset.train, "x").reshape(-1, len(weight))
        effect = weight * rows.std(axis=0, dtype=np.float64)[:, None]
        if dataset.task == "regression" and effect.shape[1] == 1:
            values, what = effect[:, 0], "what one deviation more of the column adds to the answer"
        elif effect.shape[1] == 2:
            values = effect[:, 1] - effect[:, 0]
            what = f"what one deviation more of the column adds to the log odds of {dataset.labels[1]}"
        else:
            values = np.abs(effect - effect.mean(axis=1, keepdims=True)).mean(axis=1)
            what = "by how much one deviation of the column moves the outputs, on average"
        return [columns_section("Which columns count", names, values, what, signed=bool((values < 0).any()))]


class MLP(Model):
    """Linear layers with an activation between.

    Example
        >>> from powertrain.builtin.models import MLP
        >>> MLP(inputs=4, outputs=3, params=MLP.Params(hidden=(16, 16)))(pt.ones((2, 4))).shape
        (2, 3)
    """

    TORCH_FORWARD = """
        def forward(self, x):
            x = rows(x)
            *hidden, last = self.layers
            for layer in hidden:
                x = self.dropout(self.activation(layer(x)))
            return last(x)
    """

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
        return cls(features(inputs), inputs.outputs, params)

    def forward(self, x: Tensor) -> pt.Tensor:
        x = as_rows(x)
        *hidden, last = self.layers
        for layer in hidden:
            x = self.dropout(self.activation(layer(x)))
        return last(x)
