"""Recurrent layers."""

from __future__ import annotations

from typing import Any

import powertrain as pt
from powertrain.nn import init
from powertrain.nn.module import Module, Parameter


class LSTM(Module):
    """One layer over [batch, time, inputs], from a zero state (Hochreiter and Schmidhuber 1997, with forget gates).

    Gates in the order input, forget, cell, output; all weights and both biases uniform in +-1/sqrt(width).
    """

    def __init__(self, inputs: int, width: int, *, generator: pt.random.Generator | None = None) -> None:
        super().__init__()
        self.weight_ih = Parameter(init.uniform_fan_in((inputs, 4 * width), width, generator))
        self.weight_hh = Parameter(init.uniform_fan_in((width, 4 * width), width, generator))
        self.bias_ih = Parameter(init.uniform_fan_in((4 * width,), width, generator))
        self.bias_hh = Parameter(init.uniform_fan_in((4 * width,), width, generator))
        self.width = width

    def forward(self, x: Any, state: tuple[Any, Any] | None = None) -> tuple[pt.Tensor, tuple[pt.Tensor, pt.Tensor]]:
        """The outputs at every step, and the last (hidden, cell) state."""
        if state is None:
            state = (pt.zeros((x.shape[0], self.width)), pt.zeros((x.shape[0], self.width)))
        y, hidden, cell = pt.lstm(x, state[0], state[1], self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
        return y, (hidden, cell)
