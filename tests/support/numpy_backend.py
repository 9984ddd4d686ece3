"""A backend in NumPy: as small as one can be that trains a perceptron. What the protocol asks for, and no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin import Backend, Call, Graph, NoParams, random_uniform

Array = NDArray[Any]


def plain(function: Callable[..., Any]) -> Callable[..., Array]:
    return lambda call, *operands: np.asarray(function(*operands)).astype(call.dtype)


def over_axes(function: Callable[..., Any]) -> Callable[..., Array]:
    def rule(call: Call, x: Array) -> Array:
        return np.asarray(function(x, axis=call["axis"], keepdims=call["keepdims"])).astype(call.dtype)

    return rule


def slices(starts: Sequence[int], stops: Sequence[int], steps: Sequence[int]) -> tuple[slice, ...]:
    return tuple(slice(a, None if b < 0 else b, c) for a, b, c in zip(starts, stops, steps, strict=True))


def scatter_add(call: Call, index: Array, updates: Array) -> Array:
    axis = call["axis"]
    made = np.zeros(call.shape, call.dtype)
    rows = np.moveaxis(updates, range(axis, axis + index.ndim), range(index.ndim))
    np.add.at(np.moveaxis(made, axis, 0), index.ravel(), rows.reshape(index.size, *rows.shape[index.ndim :]))
    return made


def put_along_axis(call: Call, index: Array, updates: Array) -> Array:
    made = np.zeros(call.shape, call.dtype)
    places: list[Any] = list(np.indices(index.shape, sparse=True))
    places[call["axis"]] = index
    np.add.at(made, tuple(places), updates)
    return made


def slice_scatter(call: Call, x: Array) -> Array:
    made = np.full(call.shape, call["value"], call.dtype)
    stops = [a + n * c for a, n, c in zip(call["start"], x.shape, call["step"], strict=True)]
    made[slices(call["start"], stops, call["step"])] = x
    return made


RULES: dict[str, Callable[..., Array]] = {
    "abs": plain(np.abs),
    "add": plain(np.add),
    "all": over_axes(np.all),
    "any": over_axes(np.any),
    "broadcast_to": lambda call, x: np.broadcast_to(x, call.shape),
    "astype": lambda call, x: x.astype(call.dtype),
    "concat": lambda call, *parts: np.concatenate(parts, axis=call["axis"]),
    "divide": plain(np.divide),
    "equal": plain(np.equal),
    "exp": plain(np.exp),
    "greater": plain(np.greater),
    "greater_equal": plain(np.greater_equal),
    "isfinite": plain(np.isfinite),
    "less": plain(np.less),
    "less_equal": plain(np.less_equal),
    "log": plain(np.log),
    "logical_and": plain(np.logical_and),
    "logical_not": plain(np.logical_not),
    "logical_or": plain(np.logical_or),
    "matmul": plain(np.matmul),
    "max": over_axes(np.max),
    "maximum": plain(np.maximum),
    "minimum": plain(np.minimum),
    "multiply": plain(np.multiply),
    "negative": plain(np.negative),
    "pow": plain(np.power),
    "put_along_axis": put_along_axis,
    "random_uniform": lambda call, state: random_uniform(np, state, call.shape, call["ordinal"], call.dtype),
    "reciprocal": plain(lambda x: 1 / x),
    "relu": plain(lambda x: np.maximum(x, 0)),
    "reshape": lambda call, x: np.reshape(x, call.shape),
    "rsqrt": plain(lambda x: 1 / np.sqrt(x)),
    "scatter_add": scatter_add,
    "slice": lambda call, x: x[slices(call["start"], call["stop"], call["step"] or (1,) * x.ndim)],
    "slice_scatter": slice_scatter,
    "sqrt": plain(np.sqrt),
    "square": plain(np.square),
    "subtract": plain(np.subtract),
    "sum": over_axes(np.sum),
    "take": lambda call, x, index: np.take(x, index, axis=call["axis"]),
    "take_along_axis": lambda call, x, index: np.take_along_axis(x, index, axis=call["axis"]),
    "tanh": plain(np.tanh),
    "permute_dims": lambda call, x: np.transpose(x, call["axes"]),
    "where": plain(np.where),
}


class NumPyBackend(Backend):
    """Runs programs node by node in NumPy."""

    name = "numpy"
    _rules = RULES
    dtypes = ("bool", "uint8", "int32", "int64", "float32", "float64")

    def __init__(self, params: NoParams | None = None) -> None:
        self.ops = tuple(self._rules)

    def available(self) -> str | None:
        return None

    def place(self, array: Array, dtype: str) -> Array:
        return array.copy()

    def fetch(self, array: Array) -> Array:
        return array

    def compile(self, graph: Graph) -> Callable[[Sequence[Array]], list[Array]]:
        constants = {value: self.place_tensor(tensor) for value, tensor in graph.constants.items()}

        def run(arrays: Sequence[Array]) -> list[Array]:
            with np.errstate(all="ignore"):
                return graph.evaluate(self._rules, arrays, constants)

        return run
