"""A graph of ONNX as a module: its weights are parameters, so that it runs, trains and is saved as any other."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

import powertrain as pt
import powertrain.nn.functional as F
from powertrain.plugin import op
from powertrain_onnx.errors import OnnxError
from powertrain_onnx.reading import elementwise, layers, products, reductions, shapes  # noqa: F401 - they register operators
from powertrain_onnx.reading.file import Graph, Node, Port
from powertrain_onnx.reading.registry import OPERATORS, channels_first, channels_last

# What else is no weight: numbers that elements are compared with, chosen from, or raised to.
NO_WEIGHTS = frozenset({"Clip", "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Pow", "Where"})
# Whose arrays are weights however small they are.
WEIGHS = frozenset({"Conv", "ConvTranspose", "GRU", "Gemm", "LSTM", "MatMul", "PRelu", "RNN"})
STATISTICS = (3, 4)  # the inputs of BatchNormalization that training keeps itself
OWN = frozenset({"BatchNormalization", "Constant", "Dropout"})


class OnnxModule(pt.nn.Module):
    """A model that was read from a file of ONNX.

    A call takes the inputs in the order of `inputs`, or by name, and gives the output, or a tuple of several. Weights
    are parameters in the layout of the file. In training mode batch normalization takes the statistics of the batch,
    and dropout drops.
    """

    def __init__(self, graph: Graph, where: str = "[onnx]") -> None:
        super().__init__()
        demand_known(graph, where)
        self.inputs = tuple(port.name for port in graph.inputs)
        self.outputs = tuple(port.name for port in graph.outputs)
        self.metadata = dict(graph.metadata)
        self._graph = graph
        self._constants: dict[str, Any] = {}
        self._places: dict[str, tuple[str, ...]] = {}  # of slots, by the names that the file has for them
        self._ends = _ends(graph)
        self._place(graph)

    def _place(self, graph: Graph) -> None:
        weights, statistics = _weights(graph)
        for name, array in graph.arrays.items():
            if not hasattr(pt.DType, array.dtype.name) or array.dtype.name == "object":
                raise OnnxError(
                    f"[onnx] {name!r} is of {array.dtype.name}; expected a dtype that the engine has; export it with "
                    "another one"
                )
            value = pt.tensor(array)
            if name in weights:
                self._places[name] = _put(self, name, pt.nn.Parameter(value))
            elif name in statistics:
                self._places[name] = _put(self, name, pt.Slot(value))
            else:
                self._constants[name] = value

    def forward(self, *given: Any, **named: Any) -> Any:
        held: dict[str, Any] = {"": None, **self._constants}
        held.update({name: self._slot(name).value for name in self._places})
        held.update(self._arguments(given, named))
        for at, node in enumerate(self._graph.nodes):
            self._run(node, held)
            for name in self._ends.get(at, ()):
                held.pop(name, None)
        results = tuple(held[name] for name in self.outputs)
        return results[0] if len(results) == 1 else results

    def _slot(self, name: str) -> pt.Slot:
        found: pt.Slot = functools.reduce(getattr, self._places[name], self)  # type: ignore[assignment]
        return found

    def _arguments(self, given: tuple[Any, ...], named: Mapping[str, Any]) -> dict[str, Any]:
        found = dict(zip(self.inputs, given, strict=False))
        if len(given) > len(self.inputs) or set(named) & set(found) or {*found, *named} != set(self.inputs):
            raise OnnxError(
                f"[onnx] received {len(given)} inputs{''.join(f', {name}' for name in named)}; expected "
                f"{', '.join(self.inputs)}; pass them in this order, or by name"
            )
        arrays = {name: pt.asarray(value) for name, value in {**found, **named}.items()}
        for port in self._graph.inputs:
            _demand_fits(port, arrays[port.name])
        return arrays

    def _run(self, node: Node, held: dict[str, Any]) -> None:
        operands = [held[name] for name in node.inputs]
        try:
            made = self._special(node, operands) if node.op in OWN else _called(node, operands)
        except OnnxError as error:
            raise OnnxError(f"[onnx {node}] {error}") from error
        except pt.Error as error:
            raise type(error)(f"[onnx {node}] {error}") from error
        results = made if isinstance(made, tuple) else (made,)
        if len(results) < len(node.outputs):
            raise OnnxError(f"[onnx {node}] it names {len(node.outputs)} outputs; expected at most {len(results)}")
        held.update((name, value) for name, value in zip(node.outputs, results, strict=False) if name)

    def _special(self, node: Node, operands: list[Any]) -> Any:
        if node.op == "Constant":
            return _constant(node)
        if node.op == "Dropout":
            return self._dropout(node, operands)
        return self._batch_norm(node, operands)

    def _dropout(self, node: Node, operands: list[Any]) -> Any:
        """In training mode, whatever the file says of its own."""
        x, ratio, training = (*operands, None, None)[:3]
        if training is not None and training.item() and not self.training:
            raise OnnxError("training_mode = true in a model that is used is not supported; call model.train()")
        share = 0.5 if ratio is None else float(ratio.item())
        if len(node.outputs) > 1 or not 0 <= share < 1:
            raise OnnxError("a mask as an output, or a ratio outside of 0 to 1, is not supported")
        return F.dropout(x, share) if self.training and share else x

    def _batch_norm(self, node: Node, operands: list[Any]) -> Any:
        x, scale, bias, mean, variance = operands
        eps = node.attributes.get("epsilon", 1e-5)
        if not self.training:
            shape = (1, -1, *(1,) * (x.ndim - 2))
            factor = pt.rsqrt(variance + eps) * scale
            moved = (x - pt.reshape(mean, shape)) * pt.reshape(factor, shape)
            return moved + pt.reshape(bias, shape)
        y, seen, spread = op("batch_norm")(channels_last(x), scale, bias, eps)
        kept = node.attributes.get("momentum", 0.9)
        for name, old, new in ((node.inputs[3], mean, seen), (node.inputs[4], variance, spread)):
            if name in self._places:
                self._slot(name).value = old * kept + new * (1 - kept)
        return channels_first(y)

    def extra_repr(self) -> str:
        return f"{self._graph.name or 'graph'}: {', '.join(self.inputs)} -> {', '.join(self.outputs)}"


def demand_known(graph: Graph, where: str) -> None:
    """Refuse the first node that cannot be run, before anything is."""
    for node in graph.nodes:
        found = OPERATORS.get(node.op)
        if found is None and node.op not in OWN:
            raise OnnxError(
                f"{where} {node} is an operator that is not supported; expected one of {len(OPERATORS) + len(OWN)} "
                "(see powertrain_onnx.supported()); export the model without it"
            )
        lacking = _own_lacks(node) if found is None else found.lacks(len(node.inputs), node.attributes)
        if lacking:
            raise OnnxError(
                f"{where} {node} has {lacking}, which is not supported; expected another; export it with another "
                "setting"
            )


def _own_lacks(node: Node) -> str:
    known = {
        "BatchNormalization": {"epsilon", "momentum", "training_mode"}, "Dropout": {"seed"},
        "Constant": {"value", "value_int", "value_ints", "value_float", "value_floats"},
    }[node.op]  # fmt: skip
    unknown = [name for name in node.attributes if name not in known]
    if unknown:
        return f"attribute {unknown[0]}"
    if node.op == "BatchNormalization" and (len(node.inputs) != 5 or node.attributes.get("training_mode", 0)):
        return "training_mode = 1, or other inputs than five"
    if node.op == "BatchNormalization" and len([name for name in node.outputs if name]) > 1:
        return "statistics as outputs"
    if node.op == "Constant" and len(node.attributes) != 1:
        return f"{len(node.attributes)} values"
    return "" if node.op == "Constant" or node.inputs else "no input"


def _called(node: Node, operands: list[Any]) -> Any:
    operator = OPERATORS[node.op]
    attributes = dict(node.attributes)
    if node.op == "Split":  # how many parts there are is said by their names alone
        attributes["outputs"] = len(node.outputs)
    try:
        return operator(*operands, **attributes)
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        if isinstance(error, pt.Error):
            raise
        forms = ", ".join("None" if one is None else f"{one.dtype.name}{list(one.shape)}" for one in operands)
        raise OnnxError(f"of {forms} cannot be run ({error}); expected inputs as ONNX describes them") from error


def _constant(node: Node) -> Any:
    ((kind, value),) = node.attributes.items()
    dtype = {"value_int": np.int64, "value_ints": np.int64, "value_float": np.float32, "value_floats": np.float32}
    return pt.tensor(value if kind == "value" else np.array(value, dtype[kind]))


def _demand_fits(port: Port, x: Any) -> None:
    wanted = port.shape
    fits = wanted is None or (
        len(wanted) == x.ndim and all(size in (None, had) for size, had in zip(wanted, x.shape, strict=True))
    )
    if not fits or (port.dtype and x.dtype.name != port.dtype):
        shown = "" if wanted is None else str(["any" if size is None else size for size in wanted]).replace("'", "")
        raise OnnxError(
            f"[onnx] {port.name} is {x.dtype.name}{list(x.shape)}; expected {port.dtype}{shown}; convert it with "
            "astype, or reshape it"
        )


def _weights(graph: Graph) -> tuple[set[str], set[str]]:
    """The names of the arrays that training changes, and of those that batch normalization keeps."""
    readers: dict[str, list[tuple[Node, int]]] = {}
    for node in graph.nodes:
        for at, name in enumerate(node.inputs):
            readers.setdefault(name, []).append((node, at))
    weights, statistics = set(), set()
    for name, array in graph.arrays.items():
        found = readers.get(name, [])
        if any(node.op == "BatchNormalization" and at in STATISTICS for node, at in found):
            statistics.add(name)
            continue
        large = array.ndim > 0 and (array.size > 1 or any(node.op in WEIGHS for node, _ in found))
        numbers = array.dtype.kind == "f" and large and bool(np.isfinite(array).all())
        settings = any(node.op in OPERATORS and at in OPERATORS[node.op].settings for node, at in found)
        weighs = any(node.op not in NO_WEIGHTS for node, _ in found)
        if numbers and weighs and not settings:
            weights.add(name)
    return weights, statistics


def _ends(graph: Graph) -> dict[int, tuple[str, ...]]:
    """Which values nobody reads after a node."""
    last = {name: at for at, node in enumerate(graph.nodes) for name in node.inputs}
    kept = {port.name for port in graph.outputs} | {""}
    ends: dict[int, list[str]] = {}
    for name, at in last.items():
        if name not in kept:
            ends.setdefault(at, []).append(name)
    return {at: tuple(names) for at, names in ends.items()}


class _Part(pt.nn.Module):
    """What holds the slots whose names begin alike."""


def _put(module: pt.nn.Module, name: str, slot: pt.Slot) -> tuple[str, ...]:
    """Register a slot under the name that the file has for it, as far as attributes may be called so; its path."""
    *parts, last = [re.sub(r"\W", "_", part) or "_" for part in name.split(".")]
    path = []
    for part in parts:
        label = _free(module, part, _Part)
        if not isinstance(vars(module).get(label), _Part):
            setattr(module, label, _Part())
        module = vars(module)[label]
        path.append(label)
    label = _free(module, last, None)
    setattr(module, label, slot)
    return (*path, label)


def _free(module: pt.nn.Module, label: str, kind: type | None) -> str:
    """The label, longer where the module has something else of that name."""
    while hasattr(type(module), label) or (
        label in vars(module) and not (kind is not None and isinstance(vars(module)[label], kind))
    ):
        label = f"{label}_"
    return label
