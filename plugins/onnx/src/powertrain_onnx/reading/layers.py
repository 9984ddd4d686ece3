"""Convolutions, poolings and recurrent layers. ONNX's channels are the second axis, the engine's the last."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import op
from powertrain_onnx.reading.registry import bounded, channels_first, channels_last, ints, offered, operator


def _sides(
    pads: Any, auto_pad: str, size: Any, window: Any, stride: Any, dilation: Any
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The padding in front of and behind each axis."""
    axes = len(window)
    if auto_pad in ("NOTSET", "VALID"):
        given = tuple(pads) if pads is not None and auto_pad == "NOTSET" else (0,) * (2 * axes)
        return given[:axes], given[axes:]
    low, high = [], []
    for n, w, s, d in zip(size, window, stride, dilation, strict=True):
        needed = max(0, (-(-n // s) - 1) * s + d * (w - 1) + 1 - n)
        front = needed // 2 if auto_pad == "SAME_UPPER" else needed - needed // 2
        low.append(front)
        high.append(needed - front)
    return tuple(low), tuple(high)


def _demand_fits(x: Any, channels: int, low: Any, high: Any, window: Any, stride: Any, dilation: Any) -> None:
    """Refuse padding that no memory holds, of images [n, channels, ...] and of what windows make of them."""
    padded = [n + before + after for n, before, after in zip(x.shape[2:], low, high, strict=True)]
    bounded((*x.shape[:2], *padded))
    counts = [
        max(0, (n - d * (w - 1) - 1) // max(s, 1) + 2)
        for n, w, s, d in zip(padded, window, stride, dilation, strict=True)
    ]
    bounded((x.shape[0], channels, *counts))


AUTO = ("NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER")


def _padded(x: Any, low: tuple[int, ...], high: tuple[int, ...], value: float = 0.0) -> tuple[Any, tuple[int, ...]]:
    """Images whose padding is the same on both sides, and how much that is."""
    if low == high:
        return x, low
    return op("pad")(x, (0, *low, 0), (0, *high, 0), value, "constant"), (0,) * len(low)


@operator("Conv", auto_pad=AUTO)
def conv(
    x: Any, w: Any, b: Any = None, *, auto_pad: str = "NOTSET", dilations: Any = None, group: int = 1,
    kernel_shape: Any = None, pads: Any = None, strides: Any = None,
) -> Any:  # fmt: skip
    axes = x.ndim - 2
    offered(1 <= axes <= 3, f"a convolution of {axes} axes")
    stride, dilation = tuple(strides or (1,) * axes), tuple(dilations or (1,) * axes)
    low, high = _sides(pads, auto_pad, x.shape[2:], w.shape[2:], stride, dilation)
    _demand_fits(x, w.shape[0], low, high, w.shape[2:], stride, dilation)
    images, padding = _padded(channels_last(x), low, high)
    weight = pt.permute_dims(w, (*range(2, w.ndim), 1, 0))
    return channels_first(op(f"conv{axes}d")(images, weight, b, stride, padding, dilation, group))


@operator("ConvTranspose", auto_pad=("NOTSET", "VALID"), output_shape=(None,))
def conv_transpose(
    x: Any, w: Any, b: Any = None, *, auto_pad: str = "NOTSET", dilations: Any = None, group: int = 1,
    kernel_shape: Any = None, output_padding: Any = None, pads: Any = None, strides: Any = None,
    output_shape: Any = None,
) -> Any:  # fmt: skip
    axes = x.ndim - 2
    offered(1 <= axes <= 3, f"a convolution of {axes} axes")
    given = tuple(pads) if pads is not None else (0,) * (2 * axes)
    offered(given[:axes] == given[axes:], "pads that differ before and behind")
    weight = pt.permute_dims(w, (*range(2, w.ndim), 1, 0))
    more, apart = tuple(output_padding or (0,) * axes), tuple(dilations or (1,) * axes)
    stride = tuple(strides or (1,) * axes)
    sizes = [
        (n - 1) * s - 2 * p + d * (k - 1) + m + 1
        for n, s, p, d, k, m in zip(x.shape[2:], stride, given, apart, w.shape[2:], more, strict=False)
    ]
    bounded((x.shape[0], w.shape[1] * group, *sizes))
    rest = (stride, given[:axes], more, group, apart)
    return channels_first(op(f"conv_transpose{axes}d")(channels_last(x), weight, b, *rest))


def _pool(ours: str) -> Callable[..., Any]:
    def pool(
        x: Any, *, kernel_shape: Any, auto_pad: str = "NOTSET", ceil_mode: int = 0, count_include_pad: int = 0,
        dilations: Any = None, pads: Any = None, storage_order: int = 0, strides: Any = None,
    ) -> Any:  # fmt: skip
        axes = x.ndim - 2
        offered(1 <= axes <= 3, f"a pooling of {axes} axes")
        stride, dilation = tuple(strides or (1,) * axes), tuple(dilations or (1,) * axes)
        low, high = _sides(pads, auto_pad, x.shape[2:], kernel_shape, stride, dilation)
        offered(ours == "max" or set(dilation) == {1}, "dilations")
        offered(low == high or ours == "max", "pads that differ before and behind")
        _demand_fits(x, x.shape[1], low, high, kernel_shape, stride, dilation)
        images, padding = _padded(channels_last(x), low, high, -float("inf"))
        special = {"dilation": dilation} if ours == "max" else {"count_include_pad": bool(count_include_pad)}
        where = (tuple(kernel_shape), stride, padding)
        return channels_first(op(f"{ours}_pool{axes}d")(images, *where, **special, ceil_mode=bool(ceil_mode)))

    return pool


operator("AveragePool", auto_pad=AUTO)(_pool("avg"))
operator("MaxPool", auto_pad=AUTO, storage_order=(0,))(_pool("max"))


@operator("GlobalAveragePool")
def global_average_pool(x: Any) -> Any:
    return pt.mean(x, tuple(range(2, x.ndim)), True)


@operator("GlobalMaxPool")
def global_max_pool(x: Any) -> Any:
    return pt.max(x, tuple(range(2, x.ndim)), True)


@operator("GridSample", mode=("linear", "bilinear", "nearest", "cubic", "bicubic"))
def grid_sample(x: Any, grid: Any, *, align_corners: int = 0, mode: str = "linear", padding_mode: str = "zeros") -> Any:
    ours = {"linear": "bilinear", "cubic": "bicubic"}.get(mode, mode)
    bounded((*x.shape[:2], *grid.shape[1:-1]))
    return channels_first(F.grid_sample(channels_last(x), grid, ours, padding_mode, bool(align_corners)))


@operator("AffineGrid", settings=(1,))
def affine_grid(theta: Any, size: Any, *, align_corners: int = 0) -> Any:
    places = ints(size)[2:]
    bounded((theta.shape[0], *places, len(places)))
    return F.affine_grid(theta, places, bool(align_corners))


# The engine's gates among ONNX's: see powertrain_onnx.rules.products.
LSTM_GATES = (0, 2, 3, 1)
GRU_GATES = (1, 0, 2)


def _of_gates(weight: Any, order: tuple[int, ...]) -> Any:
    """Weights [gates h, i] as [i, gates h], biases [gates h] as they are, in the engine's order of gates."""
    parts = pt.split(weight, len(order), 0)
    made = pt.concat([parts[at] for at in order], 0)
    return pt.permute_dims(made, (1, 0)) if made.ndim == 2 else made


def _recurrent(ours: str, order: tuple[int, ...], states: int) -> Callable[..., Any]:
    def run(x: Any, w: Any, r: Any, b: Any, first: list[Any], direction: str, layout: int, **settings: Any) -> Any:
        """The states at every step [t, directions, b, h], and the last of each kind [directions, b, h]."""
        x = pt.swapaxes(x, 0, 1) if layout == 0 else x
        width = r.shape[-1]
        bounded((*x.shape[:2], w.shape[0], len(order) * width))
        every, last = [], [[] for _ in range(states)]  # type: ignore[var-annotated]
        for at in range(w.shape[0]):
            backwards = direction == "reverse" or at == 1
            sequence = pt.flip(x, 1) if backwards else x
            gates = len(order) * width
            bias = pt.zeros((2 * gates,), x.dtype) if b is None else b[at]
            begun = [
                pt.zeros((x.shape[0], width), x.dtype) if one is None else one[at] if layout == 0 else one[:, at]
                for one in first
            ]
            weights = [_of_gates(one, order) for one in (w[at], r[at], bias[:gates], bias[gates:])]
            y, *ends = op(ours)(sequence, *begun, *weights, **settings)
            every.append(pt.flip(y, 1) if backwards else y)
            for kind, end in zip(last, ends, strict=True):
                kind.append(end)
        stacked = [pt.stack(kind) for kind in last]
        whole = pt.stack(every, 2)  # [b, t, directions, h]
        if layout == 0:
            return (pt.permute_dims(whole, (1, 2, 0, 3)), *stacked)
        return (whole, *(pt.swapaxes(one, 0, 1) for one in stacked))

    return run


DIRECTIONS = ("forward", "reverse", "bidirectional")
_LSTM, _GRU = _recurrent("lstm", LSTM_GATES, 2), _recurrent("gru", GRU_GATES, 1)
_RNN = _recurrent("rnn", (0,), 1)


def _usual(given: Any, names: tuple[str, ...]) -> None:
    each = [tuple(given[at : at + len(names)]) for at in range(0, len(given), len(names))]
    offered(all(tuple(str(one) for one in part) == names for part in each), f"activations = {given}")


@operator("LSTM", direction=DIRECTIONS, input_forget=(0,), layout=(0, 1))
def lstm(
    x: Any, w: Any, r: Any, b: Any = None, sequence_lens: Any = None, initial_h: Any = None, initial_c: Any = None,
    p: Any = None, *, hidden_size: int = 0, direction: str = "forward", layout: int = 0, input_forget: int = 0,
    activations: Any = (),
) -> Any:  # fmt: skip
    offered(sequence_lens is None and p is None, "sequence_lens or peepholes")
    _usual(activations, ("Sigmoid", "Tanh", "Tanh"))
    return _LSTM(x, w, r, b, [initial_h, initial_c], direction, layout)


@operator("GRU", direction=DIRECTIONS, layout=(0, 1), linear_before_reset=(1,))
def gru(
    x: Any, w: Any, r: Any, b: Any = None, sequence_lens: Any = None, initial_h: Any = None, *, hidden_size: int = 0,
    direction: str = "forward", layout: int = 0, linear_before_reset: int = 0, activations: Any = (),
) -> Any:  # fmt: skip
    offered(sequence_lens is None, "sequence_lens")
    offered(linear_before_reset == 1, "linear_before_reset = 0")
    _usual(activations, ("Sigmoid", "Tanh"))
    return _GRU(x, w, r, b, [initial_h], direction, layout)


@operator("RNN", direction=DIRECTIONS, layout=(0, 1))
def rnn(
    x: Any, w: Any, r: Any, b: Any = None, sequence_lens: Any = None, initial_h: Any = None, *, hidden_size: int = 0,
    direction: str = "forward", layout: int = 0, activations: Any = (),
) -> Any:  # fmt: skip
    offered(sequence_lens is None, "sequence_lens")
    kinds = {str(one).lower() for one in activations} or {"tanh"}
    offered(len(kinds) == 1 and kinds <= {"tanh", "relu"}, f"activations = {activations}")
    return _RNN(x, w, r, b, [initial_h], direction, layout, nonlinearity=kinds.pop())
