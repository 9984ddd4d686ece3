"""RealNVP (Dinh et al. 2017): layers that can be undone, and whose change of volume is known."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.data import permutation
from powertrain.nn import Linear, Module, Parameter, Sequential
from powertrain.plugin import Inputs, Model, ModelError, as_rows, check_task, features, param

STEEPEST = 2.0  # natural logarithm of the most that a layer stretches a number by


class Coupling(Module):
    """One half of the numbers says by how much each of the others is stretched and moved; first all are, by constants
    that are learned."""

    def __init__(self, half: np.ndarray, hidden: tuple[int, ...]) -> None:
        super().__init__()
        size = len(half)
        self.half = half  # 1 where a number says, 0 where it is changed
        self.stretch, self.move = Parameter(pt.zeros((size,))), Parameter(pt.zeros((size,)))
        widths = [size, *hidden, 2 * size]
        self.layers = Sequential(*(Linear(before, after) for before, after in itertools.pairwise(widths)))

    def said(self, x: Any) -> tuple[Any, Any]:
        *hidden, last = self.layers
        h = x * self.half
        for layer in hidden:
            h = F.silu(layer(h))
        stretch, move = pt.split(last(h), 2, axis=1)
        others = 1 - self.half
        return STEEPEST * pt.tanh(stretch / STEEPEST) * others, move * others

    def forward(self, x: Any) -> Any:
        x = x * pt.exp(self.stretch.value) + self.move.value
        stretch, move = self.said(x)
        return x * pt.exp(stretch) + move, pt.sum(stretch, axis=1) + pt.sum(self.stretch.value)

    def invert(self, y: Any) -> Any:
        stretch, move = self.said(y)
        return ((y - move) * pt.exp(-stretch) - self.move.value) * pt.exp(-self.stretch.value)


class RealNVP(Model):
    """Gives the place of each row in a normal distribution, and last the logarithm of the change of volume. `invert`
    goes from places back to rows."""

    strategy: ClassVar[str] = "flow"
    example_inputs: ClassVar[tuple[Inputs, ...]] = (Inputs("regression", (6,), 7), Inputs("regression", (4, 4), 17))

    @dataclass(frozen=True)
    class Params:
        layers: int = param(8, low=2, doc="couplings; a pair changes each number once")
        hidden: tuple[int, ...] = param((128, 128), low=1, doc="widths of the hidden layers of each coupling")

    def __init__(self, size: int, params: Params | None = None) -> None:
        super().__init__()
        params = params or self.Params()
        if size < 2:
            raise ModelError(
                f"[real-nvp] rows of {size} numbers; expected 2 or more, since one half determines the change of the "
                "other"
            )
        halves = []
        for number in range(params.layers):
            order = permutation(size, 0, number // 2)
            half = np.zeros(size, np.float32)
            half[order[: size // 2]] = 1
            halves.append(half if number % 2 == 0 else 1 - half)
        self.couplings = Sequential(*(Coupling(half, params.hidden) for half in halves))

    @classmethod
    def build(cls, params: Params, inputs: Inputs) -> RealNVP:
        check_task("real-nvp", inputs, "regression")
        if inputs.outputs != features(inputs) + 1:
            raise ModelError(
                f"[real-nvp] {inputs.outputs} outputs for {features(inputs)} numbers; expected one more than these; "
                "use the strategy flow, or another model"
            )
        return cls(features(inputs), params)

    def forward(self, x: Any) -> pt.Tensor:
        x, volume = as_rows(x), 0.0
        for coupling in self.couplings:
            x, change = coupling(x)
            volume = volume + change
        return pt.concat([x, pt.reshape(volume, (-1, 1))], axis=1)

    def invert(self, z: Any) -> pt.Tensor:
        """Rows from their places."""
        for coupling in reversed(list(self.couplings)):
            z = coupling.invert(z)
        return z
