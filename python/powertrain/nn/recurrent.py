"""Recurrent layers."""

from __future__ import annotations

from typing import Any, Literal

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


class _Stack(Module):
    """Layers over [batch, time, inputs], each of one direction or of both; `weight_ih_l1_reverse` is of the second
    layer from the end of time. All weights and biases are uniform in +-1/sqrt(width).
    """

    GATES = 1

    def __init__(
        self,
        inputs: int,
        width: int,
        layers: int = 1,
        bidirectional: bool = False,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        if layers < 1:
            raise ValueError(f"[{type(self).__name__}] layers = {layers}; expected at least 1; 1 or 2 are usual")
        self.width, self.layers, self.directions = width, layers, 2 if bidirectional else 1
        gates = self.GATES * width
        for layer in range(layers):
            for suffix in self._suffixes(layer):
                shapes: dict[str, tuple[int, ...]] = {
                    "weight_ih": (inputs, gates),
                    "weight_hh": (width, gates),
                    "bias_ih": (gates,),
                    "bias_hh": (gates,),
                }
                for name, shape in shapes.items():
                    setattr(self, name + suffix, Parameter(init.uniform_fan_in(shape, width, generator)))
            inputs = width * self.directions

    def _suffixes(self, layer: int) -> tuple[str, ...]:
        return (f"_l{layer}", f"_l{layer}_reverse")[: self.directions]

    def _run(self, x: Any, h0: Any, weights: list[Any]) -> tuple[pt.Tensor, pt.Tensor]:
        """One layer in one direction: the states and the last of them."""
        raise TypeError(f"[{type(self).__name__}] no _run; expected that method; see nn/recurrent.py")

    def forward(self, x: Any, state: Any = None) -> tuple[pt.Tensor, pt.Tensor]:
        """The outputs at every step [batch, time, directions width], and the last state of each layer and direction.

        Shapes    x [b, t, i], state [layers directions, b, width], zero when left out
        """
        last: list[pt.Tensor] = []
        for layer in range(self.layers):
            outputs = []
            for direction, suffix in enumerate(self._suffixes(layer)):
                h0 = pt.zeros((x.shape[0], self.width), x.dtype) if state is None else state[len(last)]
                names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
                weights = [getattr(self, name + suffix) for name in names]
                y, h = self._run(pt.flip(x, 1) if direction else x, h0, weights)
                outputs.append(pt.flip(y, 1) if direction else y)
                last.append(h)
            x = outputs[0] if self.directions == 1 else pt.concat(outputs, 2)
        return x, pt.stack(last)


class RNN(_Stack):
    """Plain recurrent layers: h = tanh, or relu, of x w_ih + h w_hh + both biases (Elman 1990)."""

    def __init__(
        self,
        inputs: int,
        width: int,
        layers: int = 1,
        bidirectional: bool = False,
        *,
        nonlinearity: Literal["tanh", "relu"] = "tanh",
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__(inputs, width, layers, bidirectional, generator=generator)
        self.nonlinearity = nonlinearity

    def _run(self, x: Any, h0: Any, weights: list[Any]) -> tuple[pt.Tensor, pt.Tensor]:
        y, h = pt.rnn(x, h0, *weights, nonlinearity=self.nonlinearity)
        return y, h


class GRU(_Stack):
    """Gated recurrent units, gates in the order reset, update, new (Cho et al. 2014, as PyTorch has it)."""

    GATES = 3

    def _run(self, x: Any, h0: Any, weights: list[Any]) -> tuple[pt.Tensor, pt.Tensor]:
        y, h = pt.gru(x, h0, *weights)
        return y, h
