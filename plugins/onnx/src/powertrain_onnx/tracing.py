"""The graph of a function, without what the core adds to it: checks, and lines of this file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from numpy.typing import NDArray

import powertrain as pt
from powertrain.plugin import Graph, Node, record
from powertrain_onnx.errors import OnnxError

# Ops whose indices the core looks at, and which of their inputs these are.
INDEXED = {"put_along_axis": 0, "scatter_add": 0, "take": 1, "take_along_axis": 1}


@dataclass(frozen=True)
class Traced:
    """A graph of ops without checks: its inputs are `arguments` arrays, then slots; its outputs are the results."""

    graph: Graph
    examples: tuple[NDArray[Any], ...]  # with which it was traced
    slots: tuple[pt.Tensor, ...]
    names: tuple[str, ...]

    @property
    def arguments(self) -> int:
        return len(self.examples)


def traced(
    function: Callable[..., Any],
    examples: Sequence[NDArray[Any]],
    ops: frozenset[str],
    wanted: Sequence[str] | None = None,
) -> Traced:
    """Trace a function of arrays. Ops that are not in `ops` are expanded into what they are made of. `wanted` are names
    for its results."""
    names: tuple[str, ...] = ()

    def flat(*tensors: Any) -> tuple[pt.Tensor, ...]:
        nonlocal names
        found = _named(function(*tensors))
        names = tuple(found)
        return tuple(pt.asarray(value) for value in found.values())

    recorded = record(flat, examples, ops)
    graph = _results_alone(_own_lines(recorded.graph), len(names))
    if wanted is not None:
        if len(wanted) != len(names) or len(set(wanted)) != len(names):
            raise OnnxError(
                f"[onnx] output_names = {list(wanted)}; expected {len(names)} different ones, one for each result; "
                "change them"
            )
        names = tuple(wanted)
    return Traced(graph, tuple(examples), recorded.slots, names)


def _named(result: Any) -> dict[str, Any]:
    """The results of a function by name: those of a dict, or `output`, or `output_0` and so on."""
    if isinstance(result, Mapping):
        found = {str(name): value for name, value in result.items()}
    elif isinstance(result, (tuple, list)):
        found = {f"output_{at}": value for at, value in enumerate(result)}
    else:
        found = {"output": result}
    for name, value in found.items():
        if not isinstance(value, (pt.Tensor, pt.Slot)):
            raise OnnxError(
                f"[onnx] {name} is of type {type(value).__name__}; expected a tensor; return tensors, in a tuple or a "
                "dict where there are several"
            )
    if not found:
        raise OnnxError("[onnx] the function returned nothing; expected tensors; return what the file should give")
    return found


def _own_lines(graph: Graph) -> Graph:
    """The graph without lines of this file, where what is traced is the engine's own code."""
    nodes = tuple(replace(node, where="") if node.where.startswith(__file__) else node for node in graph.nodes)
    return Graph(graph.values, graph.inputs, graph.constants, nodes, graph.outputs)


def _results_alone(graph: Graph, results: int) -> Graph:
    """The graph without the checks behind its results, and without what they keep away from memory."""
    more = graph.outputs[results:]
    made = {output: node for node in graph.nodes for output in node.outputs}
    if len(more) > 1 or (more and not _is_checks(graph, made, more[0])):
        drawn = next((node for node in graph.nodes if node.op == "random_uniform"), None)
        if drawn is not None:
            raise OnnxError(
                f"[onnx] random_uniform{f' at {drawn.where}' if drawn.where else ''}: the function draws random "
                "numbers; expected the same answer each time; call model.eval() before, or leave it out"
            )
        raise OnnxError(
            "[onnx] the function assigns slots, as training does; expected one that only reads them; call model.eval() "
            "before, and leave assignments out"
        )
    return unguarded(Graph(graph.values, graph.inputs, graph.constants, graph.nodes, graph.outputs[:results]))


def _is_checks(graph: Graph, made: Mapping[int, Node], output: int) -> bool:
    """Whether an output is the vector of a step's checks: numbers that say whether a tensor is true everywhere."""
    waiting = [output]
    while waiting:
        node = made.get(waiting.pop())
        if node is None or graph.values[node.outputs[0]].dtype != "bool":
            return False
        if node.op in ("concat", "reshape", "logical_and"):
            waiting += [value for value in node.inputs if value is not None]
        elif node.op != "all":
            return False
    return True


def unguarded(graph: Graph) -> Graph:
    """Give ops the indices as they are. The core replaces those that are out of range by 0 and says so elsewhere;
    ONNX's own operators refuse them."""
    made = {output: node for node in graph.nodes for output in node.outputs}
    nodes = []
    for node in graph.nodes:
        if node.op in INDEXED:
            at = INDEXED[node.op]
            inner = _unguarded(graph, made, node.inputs[at])
            inputs = (*node.inputs[:at], inner, *node.inputs[at + 1 :])
            node = replace(node, inputs=inputs)
        nodes.append(node)
    return _needed(graph, nodes)


def _unguarded(graph: Graph, made: Mapping[int, Node], index: int | None) -> int | None:
    """i of `where(i >= -size and i < size, i, 0)`."""
    chosen = made.get(index) if index is not None else None
    if chosen is None or chosen.op != "where" or _number(graph, chosen.inputs[2]) != 0:
        return index
    condition = made.get(chosen.inputs[0]) if chosen.inputs[0] is not None else None
    if condition is None or condition.op != "logical_and":
        return index
    bounds = [made.get(value) for value in condition.inputs if value is not None]
    found = {bound.op: _number(graph, bound.inputs[1]) for bound in bounds if bound is not None}
    low, high = found.get("greater_equal"), found.get("less")
    return chosen.inputs[1] if high is not None and low == -high else index


def _number(graph: Graph, value: int | None) -> float | None:
    """The number of a constant of no axes."""
    constant = graph.constants.get(value) if value is not None else None
    return None if constant is None or constant.shape != () else float(constant.item())


def _needed(graph: Graph, nodes: Sequence[Node]) -> Graph:
    """The nodes, and the constants, on which the outputs depend."""
    used = set(graph.outputs)
    kept = []
    for node in reversed(nodes):
        if used.intersection(node.outputs):
            kept.append(node)
            used.update(value for value in node.inputs if value is not None)
    constants = {value: tensor for value, tensor in graph.constants.items() if value in used}
    return Graph(graph.values, graph.inputs, constants, tuple(reversed(kept)), graph.outputs)
