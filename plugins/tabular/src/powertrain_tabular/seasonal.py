"""A network that corrects the seasonal naive forecast."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import powertrain as pt
from powertrain.nn import Dropout, Linear, Parameter, Sequential
from powertrain.plugin import Inputs, Model, ModelError, as_rows, check_task, features, param

FIRST = 0.01  # of the usual weights of the last layer


class SeasonalMLP(Model):
    """The values of one season before, and what a network makes of how the values since differ from those of one season
    before them. It begins nearly as the seasonal naive forecast. The window must be longer than the season, and the
    features and the target on one scale: standardize both."""

    TORCH_FORWARD = """
        def forward(self, x):
            x = rows(x)
            since = x.shape[1] - self.season
            steps = torch.arange(len(self.gain), device=x.device)
            naive = x[:, since + steps % self.season]
            h = x[:, self.season:] - x[:, :since]
            for layer in self.hidden:
                h = self.dropout(F.relu(layer(h)))
            return naive * self.gain + self.head(h)
    """
    example_inputs: ClassVar[tuple[Inputs, ...]] = (Inputs("regression", (12,), 3), Inputs("regression", (9,), 8))
    examples: ClassVar[tuple[dict[str, Any], ...]] = ({"season": 5, "hidden": (8,)},)

    @dataclass(frozen=True, kw_only=True)
    class Params:
        season: int = param(low=1, doc="values until the series repeats itself")
        hidden: tuple[int, ...] = param((64,), low=1, doc="widths of the hidden layers; none makes it linear")
        dropout: float = param(0.0, low=0, below=1, doc="share of hidden values set to zero in training")

    def __init__(self, past: int, ahead: int, params: Params) -> None:
        super().__init__()
        self.season = params.season
        if past <= self.season:
            raise ModelError(
                f"[seasonal-mlp] windows of {past} values for a season of {self.season}; expected longer ones, so that "
                "values have others of one season before; raise data.past"
            )
        widths = [past - self.season, *params.hidden]
        self.hidden = Sequential(*(Linear(before, after) for before, after in itertools.pairwise(widths)))
        self.head = Linear(widths[-1], ahead)
        for slot in self.head.parameters():  # nearly the naive forecast; zeros would give the hidden layers no gradient
            slot.value = slot.value * FIRST
        self.gain = Parameter(pt.ones((ahead,)))  # of the naive forecast
        self.dropout = Dropout(params.dropout)

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> SeasonalMLP:
        check_task("seasonal-mlp", inputs, "regression")
        return cls(features(inputs), inputs.outputs, params)

    def forward(self, x: Any) -> pt.Tensor:
        x = as_rows(x)
        since = x.shape[1] - self.season
        naive = pt.take(x, since + np.arange(self.gain.shape[0]) % self.season, axis=1)
        h = x[:, self.season :] - x[:, :since]
        for layer in self.hidden:
            h = self.dropout(pt.relu(layer(h)))
        return naive * self.gain.value + self.head(h)
