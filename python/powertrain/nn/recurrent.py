"""Recurrent layers over [batch, time, features]."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.errors.arguments import shown
from powertrain.errors.methods import Abstract, missing
from powertrain.nn import checks
from powertrain.nn.cells import TRANSPOSED, Nonlinearity, make_weights, weights_of
from powertrain.nn.module import Module
from powertrain.ops.functional import OPERATORS

if TYPE_CHECKING:
    from powertrain import Tensor
    from powertrain.typing import Device, DTypeLike

__all__ = ["GRU", "LSTM", "RNN"]


class _Padded:
    """What sequences of several lengths, padded to one, need: [batch] lengths from 1 to time."""

    def __init__(self, where: str, lengths: Any, x: Any) -> None:
        ends = pt.asarray(lengths)
        fits = ends.shape == (x.shape[0],) and ends.dtype.kind in "iu"
        known = None if ends.symbolic else ends.numpy()  # in a compiled step the numbers come later
        if not fits or not (known is None or ((known >= 1) & (known <= x.shape[1])).all()):
            given = f"{ends.dtype.name}{list(ends.shape)}" if known is None or known.size > 16 else known.tolist()
            raise pt.ShapeError(
                f"[{where}] lengths = {given}; expected {x.shape[0]} whole numbers from 1 to {x.shape[1]}, one for "
                "each sequence of the batch; compare lengths with the size of the time axis"
            )
        ends = pt.astype(ends, "int64")
        steps = pt.arange(x.shape[1])
        self._inside = pt.less(steps, pt.expand_dims(ends, 1))
        self._turned = pt.where(self._inside, pt.expand_dims(ends - 1, 1) - steps, steps)
        self._last = pt.reshape(ends - 1, (x.shape[0], 1))

    @staticmethod
    def _pick(x: Any, steps: Any) -> pt.Tensor:
        index = pt.broadcast_to(pt.expand_dims(steps, 2), (*steps.shape, x.shape[2]))
        return pt.take_along_axis(x, index, axis=1)

    def turned(self, x: Any) -> pt.Tensor:
        """Each sequence from its own end to its beginning; the padding stays behind it."""
        return self._pick(x, self._turned)

    def cleared(self, y: Any) -> pt.Tensor:
        """Zeros in the padding."""
        return pt.where(pt.expand_dims(self._inside, 2), y, 0.0)

    def last(self, states: Any) -> pt.Tensor:
        """Of each sequence at its own end."""
        return pt.reshape(self._pick(states, self._last), (states.shape[0], states.shape[2]))


class _Stack(Abstract, Module):
    """Layers over [batch, time, input_size], each of one direction or of both; `weight_ih_l1_reverse` is of the second
    layer from the end of time. All weights and biases are uniform in +-1/sqrt(hidden_size). With `dropout`, what one
    layer gives the next is dropped with that probability in training.
    """

    GATES: ClassVar[int] = 1
    # Kinds of state that go from step to step; the first is the output.
    STATES: ClassVar[int] = 1

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        rest = (num_layers, bias, batch_first, dropout, bidirectional, device, dtype, generator)
        self._begin(input_size, hidden_size, 0, *rest)

    def _begin(
        self,
        input_size: int,
        hidden_size: int,
        proj_size: int,
        num_layers: int,
        bias: bool,
        batch_first: bool,
        dropout: float,
        bidirectional: bool,
        device: Any,
        dtype: Any,
        generator: pt.random.Generator | None,
    ) -> None:
        super().__init__()
        where = type(self).__name__
        checks.fixed(where, batch_first=batch_first)
        checks.sizes(where, 1, input_size=input_size, hidden_size=hidden_size)
        checks.layers(where, 1, num_layers=num_layers)
        self.dropout = checks.share(where, dropout, "dropout")
        self.input_size, self.hidden_size, self.proj_size = input_size, hidden_size, proj_size
        self.num_layers = num_layers
        self.bias, self.bidirectional, self.directions = bias, bidirectional, 2 if bidirectional else 1
        for layer in range(num_layers):
            taken = input_size if layer == 0 else (proj_size or hidden_size) * self.directions
            for suffix in self._suffixes(layer):
                make_weights(self, suffix, taken, hidden_size, self.GATES * hidden_size, generator, proj_size)
        self._settle(device, dtype)

    def torch_layout(self, name: str) -> tuple[int, ...] | None:
        return TRANSPOSED if name.startswith("weight") else None

    def _suffixes(self, layer: int) -> tuple[str, ...]:
        return (f"_l{layer}", f"_l{layer}_reverse")[: self.directions]

    def _widths(self) -> tuple[int, ...]:
        """Of each kind of state."""
        return (self.hidden_size,) * self.STATES

    @abstractmethod
    def _run(self, x: Any, first: Sequence[Any], suffix: str) -> tuple[pt.Tensor, ...]:
        """The states of each kind at every step, [batch, time, width], of one layer in one direction."""
        raise missing(self, "_run")

    def _check_states(self, states: Any, batch: int) -> None:
        wanted = [[self.num_layers * self.directions, batch, width] for width in self._widths()]
        given = list(states) if isinstance(states, (list, tuple)) else [states]
        if [list(getattr(state, "shape", ())) for state in given] != wanted:
            name, shapes = type(self).__name__, " and ".join(map(str, wanted))
            is_lengths = all(len(getattr(state, "shape", ())) < 2 for state in given)
            fix = f"pass lengths by name: {name.lower()}(x, lengths=lengths)" if is_lengths else "give such a state"
            raise pt.ShapeError(
                f"[{name}] hx is {', '.join(map(shown, given))}; expected {shapes}, the state at the first step; {fix}"
            )

    def _through(self, x: Any, states: Sequence[Any] | None, lengths: Any) -> tuple[pt.Tensor, list[pt.Tensor]]:
        """The outputs of the last layer, and the last state of each kind [layers directions, batch, width]."""
        if x.ndim != 3 or x.shape[2] != self.input_size:
            raise pt.ShapeError(
                f"[{type(self).__name__}] input is {list(x.shape)}; expected [batch, time, {self.input_size}]; check "
                "its axes"
            )
        if states is not None:
            self._check_states(states, x.shape[0])
        padded = None if lengths is None else _Padded(type(self).__name__, lengths, x)
        zeros = [pt.zeros((x.shape[0], width), x.dtype) for width in self._widths()]
        last: list[list[pt.Tensor]] = [[] for _ in range(self.STATES)]
        for layer in range(self.num_layers):
            outputs = []
            for direction, suffix in enumerate(self._suffixes(layer)):
                place = len(last[0])
                first = zeros if states is None else [states[kind][place] for kind in range(self.STATES)]
                found = self._run(_turned(x, padded) if direction else x, first, suffix)
                for kind, sequence in enumerate(found):
                    last[kind].append(sequence[:, -1] if padded is None else padded.last(sequence))
                y = _turned(found[0], padded) if direction else found[0]
                outputs.append(y if padded is None else padded.cleared(y))
            x = outputs[0] if self.directions == 1 else pt.concat(outputs, 2)
            if layer + 1 < self.num_layers and self.training and self.dropout > 0:
                x = F.dropout(x, self.dropout)
        return x, [pt.stack(kind) for kind in last]

    def forward(
        self, input: Tensor, hx: Tensor | None = None, lengths: Tensor | None = None
    ) -> tuple[pt.Tensor, pt.Tensor]:
        """The outputs at every step [b, t, directions hidden_size], and the last state of each layer and direction.

        With `lengths`, sequence i ends after lengths[i] steps: its outputs behind that are 0, its last state is that
        of its own end, and from there the other direction begins.

        Shapes    input [b, t, input_size], hx [num_layers directions, b, hidden_size], zero when left out, lengths [b];
                  all but lengths without b for one sequence
        """
        if input.ndim == 2:
            y, state = self.forward(*_with_batch(input, hx))
            return pt.squeeze(y, 0), pt.squeeze(state, 1)
        y, last = self._through(input, None if hx is None else [hx], lengths)
        return y, last[0]


def _with_batch(x: Any, state: Any) -> tuple[Any, Any]:
    """One sequence [time, features] as a batch of one, and its states [layers, hidden_size] so."""
    several = isinstance(state, (tuple, list))
    states = [None if one is None else pt.expand_dims(one, 1) for one in (state if several else [state])]
    return pt.expand_dims(x, 0), tuple(states) if several else states[0]


def _turned(x: Any, padded: _Padded | None) -> pt.Tensor:
    return pt.flip(x, 1) if padded is None else padded.turned(x)


class RNN(_Stack):
    """Plain recurrent layers: h = tanh, or relu, of x w_ih + h w_hh + both biases (Elman 1990).

    Example
        >>> [y.shape for y in pt.nn.RNN(3, 5)(pt.ones((2, 7, 3)))]
        [(2, 7, 5), (1, 2, 5)]
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        nonlinearity: Nonlinearity = "tanh",
        bias: bool = True,
        batch_first: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        checks.choice("RNN", ("tanh", "relu"), nonlinearity=nonlinearity)
        rest = (num_layers, bias, batch_first, dropout, bidirectional, device, dtype)
        super().__init__(input_size, hidden_size, *rest, generator=generator)
        self.nonlinearity = nonlinearity

    def _run(self, x: Any, first: Sequence[Any], suffix: str) -> tuple[pt.Tensor, ...]:
        (state,), (w_ih, w_hh, b_ih, b_hh) = first, weights_of(self, suffix)
        return (OPERATORS["rnn"](x, state, w_ih, w_hh, b_ih, b_hh, nonlinearity=self.nonlinearity)[0],)


class GRU(_Stack):
    """Gated recurrent units, gates in the order reset, update, new (Cho et al. 2014, as PyTorch has it).

    Example
        >>> [y.shape for y in pt.nn.GRU(3, 5)(pt.ones((2, 7, 3)))]
        [(2, 7, 5), (1, 2, 5)]
    """

    GATES = 3

    def _run(self, x: Any, first: Sequence[Any], suffix: str) -> tuple[pt.Tensor, ...]:
        return (OPERATORS["gru"](x, *first, *weights_of(self, suffix))[0],)


class LSTM(_Stack):
    """Long short-term memory, gates in the order input, forget, cell, output (Hochreiter and Schmidhuber 1997).

    With `proj_size`, hidden states have that width: the output of each cell times weight_hr (Sak et al. 2014).

    Example
        >>> pt.nn.LSTM(3, 5)(pt.ones((2, 7, 3)))[0].shape
        (2, 7, 5)
    """

    GATES = 4
    STATES = 2

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        num_layers: int = 1,
        bias: bool = True,
        batch_first: bool = True,
        dropout: float = 0.0,
        bidirectional: bool = False,
        proj_size: int = 0,
        device: Device = None,
        dtype: DTypeLike | None = None,
        *,
        generator: pt.random.Generator | None = None,
    ) -> None:
        checks.sizes("LSTM", proj_size=proj_size)
        if proj_size and proj_size >= hidden_size:
            raise pt.ShapeError(
                f"[LSTM] proj_size = {proj_size}, hidden_size = {hidden_size}; expected a smaller one, or 0 for none; "
                "change one"
            )
        rest = (num_layers, bias, batch_first, dropout, bidirectional, device, dtype, generator)
        self._begin(input_size, hidden_size, proj_size, *rest)

    def _widths(self) -> tuple[int, ...]:
        return self.proj_size or self.hidden_size, self.hidden_size

    def _run(self, x: Any, first: Sequence[Any], suffix: str) -> tuple[pt.Tensor, ...]:
        # The op `lstm` gives the last cell alone; sequences that end earlier need the cells of every step.
        w_ih, w_hh, b_ih, b_hh = weights_of(self, suffix)
        wide = "float64" if x.dtype == pt.float64 else "float32"
        from_inputs = pt.astype(pt.matmul(x, w_ih) + (b_ih + b_hh), wide)
        begun = [pt.astype(state, wide) for state in first]
        w_hh = pt.astype(w_hh, wide)
        states: tuple[pt.Tensor, ...]
        if self.proj_size:
            states = _projected(from_inputs, w_hh, pt.astype(getattr(self, f"weight_hr{suffix}"), wide), *begun)
        else:
            states = tuple(OPERATORS["lstm_recurrence"](from_inputs, w_hh, *begun))
        return tuple(pt.astype(sequence, x.dtype) for sequence in states[:2])

    def forward(  # type: ignore[override]  # its state is a pair
        self, input: Tensor, hx: tuple[Tensor, Tensor] | None = None, lengths: Tensor | None = None
    ) -> tuple[pt.Tensor, tuple[pt.Tensor, pt.Tensor]]:
        """The outputs at every step, and the last (hidden, cell) state; `lengths` as in the other layers.

        Shapes    input [b, t, input_size], hx two of [num_layers directions, b, hidden_size], the first one of
                  proj_size if there is one, zero when left out, lengths [b]; all but lengths without b for one sequence
        """
        if input.ndim == 2:
            y, (hidden, cell) = self.forward(*_with_batch(input, hx))
            return pt.squeeze(y, 0), (pt.squeeze(hidden, 1), pt.squeeze(cell, 1))
        y, (hidden, cell) = self._through(input, hx, lengths)
        return y, (hidden, cell)


def _projected(from_inputs: Any, w_hh: Any, w_hr: Any, hidden: Any, cell: Any) -> tuple[pt.Tensor, ...]:
    """Hidden states, which are products of the cell's output and w_hr, and cells, of every step."""

    def step(states: Any, given: Any) -> Any:
        gates = given + pt.matmul(states[0], w_hh)
        enter, keep, new, leave = pt.split(gates, 4, -1)
        c = pt.sigmoid(keep) * states[1] + pt.sigmoid(enter) * pt.tanh(new)
        h = pt.matmul(pt.sigmoid(leave) * pt.tanh(c), w_hr)
        return (h, c), (h, c)

    _, every = pt.scan(step, (hidden, cell), pt.swapaxes(from_inputs, 0, 1))
    return tuple(pt.swapaxes(states, 0, 1) for states in every)
