"""The cells of recurrent layers, which make one step of them, and the weights that both have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar, Literal

import powertrain as pt
from powertrain.nn import checks, init
from powertrain.nn.module import Module, Parameter
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.typing import Device, DTypeLike

__all__ = ["GRUCell", "LSTMCell", "RNNCell"]

TRANSPOSED = (1, 0)
_PARTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
Nonlinearity = Literal["tanh", "relu"]


def make_weights(
    module: Any, suffix: str, inputs: int, width: int, gates: int, generator: Any, projected: int = 0
) -> None:
    """The parameters of one layer and direction: all uniform in +-1/sqrt(width).

    `projected`: the width of the states that an LSTM makes of its own, if any.
    """
    shapes = ((inputs, gates), (projected or width, gates), (gates,), (gates,))
    named = list(zip(_PARTS[: 4 if module.bias else 2], shapes, strict=False))
    for name, shape in [*named, ("weight_hr", (width, projected))] if projected else named:
        setattr(module, name + suffix, Parameter(init.uniform_fan_in(shape, width, generator)))


def weights_of(module: Module, suffix: str) -> list[Any]:
    """w_ih, w_hh, b_ih, b_hh; zeros for biases that a module does without."""
    weights = [getattr(module, name + suffix) for name in _PARTS[:2]]
    zeros = pt.zeros((weights[1].shape[1],), weights[1].dtype)
    return weights + [getattr(module, name + suffix, zeros) for name in _PARTS[2:]]


class _Cell(Module):
    """One step: parameters as those of a layer, without its number."""

    GATES: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        super().__init__()
        checks.sizes(type(self).__name__, 1, input_size=input_size, hidden_size=hidden_size)
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        make_weights(self, "", input_size, hidden_size, self.GATES * hidden_size, generator)
        self._settle(device, dtype)

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        return TRANSPOSED if name.startswith("weight") else None

    def _zeros(self, x: Any) -> pt.Tensor:
        return pt.zeros((x.shape[0], self.hidden_size), x.dtype)


class RNNCell(_Cell):
    """One step of RNN: input [batch, input_size] and a state [batch, hidden_size] to the next; or without batch.

    Example
        >>> pt.nn.RNNCell(3, 5)(pt.ones((2, 3))).shape
        (2, 5)
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        bias: bool = True,
        nonlinearity: Nonlinearity = "tanh",
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        checks.choice("RNNCell", ("tanh", "relu"), nonlinearity=nonlinearity)
        super().__init__(input_size, hidden_size, bias, device, dtype, generator=generator)
        self.nonlinearity = nonlinearity

    def forward(self, input: Tensor, hx: Tensor | None = None) -> pt.Tensor:
        if input.ndim == 1:
            before = None if hx is None else pt.expand_dims(hx, 0)
            return pt.squeeze(self.forward(pt.expand_dims(input, 0), before), 0)
        state = self._zeros(input) if hx is None else hx
        w_ih, w_hh, b_ih, b_hh = weights_of(self, "")
        given = (pt.expand_dims(input, 1), state, w_ih, w_hh, b_ih, b_hh)
        return OPERATORS["rnn"](*given, nonlinearity=self.nonlinearity)[1]


class GRUCell(_Cell):
    """One step of GRU: input [batch, input_size] and a state [batch, hidden_size] to the next; or without batch.

    Example
        >>> pt.nn.GRUCell(3, 5)(pt.ones((2, 3))).shape
        (2, 5)
    """

    GATES = 3

    def forward(self, input: Tensor, hx: Tensor | None = None) -> pt.Tensor:
        if input.ndim == 1:
            before = None if hx is None else pt.expand_dims(hx, 0)
            return pt.squeeze(self.forward(pt.expand_dims(input, 0), before), 0)
        state = self._zeros(input) if hx is None else hx
        return OPERATORS["gru"](pt.expand_dims(input, 1), state, *weights_of(self, ""))[1]


class LSTMCell(_Cell):
    """One step of LSTM: input [batch, input_size] and a (hidden, cell) state to the next; or without batch.

    Example
        >>> [y.shape for y in pt.nn.LSTMCell(3, 5)(pt.ones((2, 3)))]
        [(2, 5), (2, 5)]
    """

    GATES = 4

    def forward(self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None) -> tuple[pt.Tensor, pt.Tensor]:
        if input.ndim == 1:
            states = None if hx is None else (pt.expand_dims(hx[0], 0), pt.expand_dims(hx[1], 0))
            hidden, cell = self.forward(pt.expand_dims(input, 0), states)
            return pt.squeeze(hidden, 0), pt.squeeze(cell, 0)
        hidden, cell = (self._zeros(input), self._zeros(input)) if hx is None else hx
        _, hidden, cell = OPERATORS["lstm"](pt.expand_dims(input, 1), hidden, cell, *weights_of(self, ""))
        return hidden, cell
