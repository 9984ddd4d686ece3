"""Products, attention, and recurrent layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain_onnx.rules.windows import conv2d
from powertrain_onnx.writer import Call, Operand, Writer, ints

WIDE = ("float32", "float64")  # which are computed as they are
# Where ONNX's gates lie among the engine's: the LSTM's input, output, forget, cell among input, forget, cell, output;
# the GRU's update, reset, new among reset, update, new.
LSTM_GATES = (0, 3, 1, 2)
GRU_GATES = (1, 0, 2)


def add(w: Writer, call: Call, a: Operand, b: Operand) -> str:
    """A bias is part of the product or convolution that it is added to: what was written without is left out."""
    for x, bias in ((a, b), (b, a)):
        if x.call is None or not bias.known or bias.ndim != 1 or x.shape != call.shape or x.call.dtype not in WIDE:
            continue
        given = x.inputs[1] if x.call.op == "matmul" and x.ndim == 2 else None
        if given is not None and given.known and given.ndim == 2:
            return linear(w, call, *x.inputs, bias)  # type: ignore[arg-type, call-arg]
        if x.call.op == "conv2d_kernel":
            return conv2d(w, x.call, *x.inputs, bias)  # type: ignore[arg-type, call-arg]
    return w.pointwise("Add", a, b)


def matmul(w: Writer, call: Call, a: Operand, b: Operand) -> str:
    return w.node("MatMul", a, b)


def linear(w: Writer, call: Call, x: Operand, weight: Operand, bias: Operand | None = None) -> str:
    if bias is None:
        return w.node("MatMul", x, weight)
    if x.ndim == 2 and weight.ndim == 2 and bias.ndim == 1:
        return w.node("Gemm", x, weight, bias)
    return w.node("Add", w.node("MatMul", x, weight), bias)


def attention(w: Writer, call: Call, query: Operand, key: Operand, value: Operand) -> tuple[str, None]:
    """Softmax of the scaled products of queries and keys, times the values; heads are moved in front of time."""
    rows, heads, size = query.shape[1:]
    columns, groups = key.shape[1:3]
    assert isinstance(rows, int) and isinstance(columns, int) and isinstance(heads, int) and isinstance(size, int)
    scale = size**-0.5 if call["scale"] is None else call["scale"]
    keys, values = (_per_head(w, one, heads, int(groups)) for one in (key, value))  # type: ignore[arg-type]
    scores = w.node("MatMul", w.transpose(query, (0, 2, 1, 3)), w.transpose(keys, (0, 1, 3, 2)))
    scores = w.node("Mul", scores, np.array(scale, call.dtype))
    blind = columns < rows and call["is_causal"]
    if call["is_causal"]:
        seen = np.arange(columns) <= np.arange(rows)[:, None] + (columns - rows)
        scores = w.node("Where", seen, scores, np.array(-np.inf, call.dtype))
    weights = w.node("Softmax", scores, axis=-1)
    if blind:  # a query that sees no key has weights of zero, not NaN
        weights = w.node("Where", seen, weights, np.array(0, call.dtype))
    return w.transpose(w.node("MatMul", weights, values), (0, 2, 1, 3)), None


def _per_head(w: Writer, x: Operand, heads: int, groups: int) -> str:
    """[b, s, g, d] as [b, h, s, d]: each head once for all the heads of the queries that share it."""
    by_head = w.transpose(x, (0, 2, 1, 3))
    if groups == heads:
        return by_head
    index = np.repeat(np.arange(groups), heads // groups)
    return w.node("Gather", by_head, index, axis=1)


def lstm(
    w: Writer, call: Call, x: Operand, h0: Operand, c0: Operand, w_ih: Operand, w_hh: Operand, b_ih: Operand,
    b_hh: Operand,
) -> tuple[str, str, str]:  # fmt: skip
    y, last, cell = _recurrent(w, call, "LSTM", LSTM_GATES, x, (h0, c0), w_ih, w_hh, (b_ih, b_hh))
    return y, last, cell


def lstm_recurrence(
    w: Writer, call: Call, xw: Operand, w_hh: Operand, h0: Operand, c0: Operand
) -> tuple[str, None, None]:
    """The inputs' share of the gates is computed already, unless it is seen to be a product and a bias."""
    width = w_hh.value.sizes[0]
    x, w_ih, bias = _product_of(xw)
    if x is None:
        x, w_ih, bias = xw, np.eye(4 * width, dtype=xw.dtype), None
    y = _recurrent(w, call, "LSTM", LSTM_GATES, x, (h0, c0), w_ih, w_hh, (bias, None))[0]
    return y, None, None


def _product_of(x: Operand) -> tuple[Operand | None, Any, Any]:
    """a, b and c of what was made as `matmul(a, b) + c`, b and c being known."""
    if x.call is None or x.call.op != "add":
        return None, None, None
    product, bias = x.inputs
    if product is None or bias is None or product.call is None or product.call.op != "matmul":
        return None, None, None
    a, b = product.inputs
    if a is None or b is None or not b.known or not bias.known or a.ndim != 3:
        return None, None, None
    return a, b, bias


def gru(
    w: Writer, call: Call, x: Operand, h0: Operand, w_ih: Operand, w_hh: Operand, b_ih: Operand, b_hh: Operand
) -> tuple[str, str]:
    more = {"linear_before_reset": 1}
    y, last = _recurrent(w, call, "GRU", GRU_GATES, x, (h0,), w_ih, w_hh, (b_ih, b_hh), **more)
    return y, last


def rnn(
    w: Writer, call: Call, x: Operand, h0: Operand, w_ih: Operand, w_hh: Operand, b_ih: Operand, b_hh: Operand
) -> tuple[str, str]:
    more = {"activations": [{"tanh": "Tanh", "relu": "Relu"}[call["nonlinearity"]]]}
    y, last = _recurrent(w, call, "RNN", (0,), x, (h0,), w_ih, w_hh, (b_ih, b_hh), **more)
    return y, last


def _recurrent(
    w: Writer, call: Call, op: str, gates: tuple[int, ...], x: Operand, states: tuple[Operand, ...], w_ih: Any,
    w_hh: Operand, biases: tuple[Any, Any], **attributes: Any,
) -> list[str]:  # fmt: skip
    """A recurrent layer of one direction: states at every step [b, t, h], and the last of each kind [b, h]."""
    width = w_hh.value.sizes[0]

    def ordered(part: Any, what: str) -> NDArray[Any]:
        """Weights [i, gates h] as [1, gates h, i], biases [gates h] as [1, gates h], in ONNX's order of gates."""
        if isinstance(part, Operand) and not part.known:
            raise call.refused(f"{what} is computed; expected weights that stay the same; keep them in parameters")
        array = np.moveaxis(part.array if isinstance(part, Operand) else part, -1, 0)
        pieces = [array[gate * width : (gate + 1) * width] for gate in gates]
        return np.ascontiguousarray(np.concatenate(pieces)[None])

    none = np.zeros(len(gates) * width, w_hh.dtype)
    bias = np.concatenate([ordered(none if one is None else one, "a bias") for one in biases], axis=1)
    first = [None if _zeros(state) else w.node("Unsqueeze", state, ints(0)) for state in states]
    weights = [w.constant(ordered(one, "a weight"), one.hint if isinstance(one, Operand) else "")
               for one in (w_ih, w_hh)]  # fmt: skip
    made = w.several(
        op, 1 + len(states), w.transpose(x, (1, 0, 2)), *weights, bias, None, *first, hidden_size=width, **attributes
    )
    y = w.transpose(w.node("Squeeze", made[0], ints(1)), (1, 0, 2))
    return [y, *(w.node("Squeeze", last, ints(0)) for last in made[1:])]


def _zeros(x: Operand) -> bool:
    return x.tensor is not None and not x.array.any()


RULES: dict[str, Callable[..., Any]] = {
    "add": add,
    "attention": attention,
    "gru": gru,
    "linear": linear,
    "lstm": lstm,
    "lstm_recurrence": lstm_recurrence,
    "matmul": matmul,
    "rnn": rnn,
}
