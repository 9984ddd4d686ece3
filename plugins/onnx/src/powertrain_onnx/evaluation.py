"""A program by the engine's own ops, one at a time, to know what each of them gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import powertrain as pt
from powertrain.plugin import op
from powertrain_onnx.tracing import Traced


def called(name: str, operands: Sequence[Any], attributes: Mapping[str, Any]) -> tuple[Any, ...]:
    """The results of an op of tensors."""
    given = {key: value for key, value in attributes.items() if value is not None}
    made = op(name)(*([list(operands)] if name == "concat" else operands), **given)
    return made if isinstance(made, tuple) else (made,)


def evaluated(traced: Traced, arguments: Sequence[Any]) -> dict[int, pt.Tensor]:
    """Every value of a traced program, by number."""
    graph = traced.graph
    held = dict(zip(graph.inputs, [*map(pt.asarray, arguments), *traced.slots], strict=True))
    held.update(graph.constants)
    for node in graph.nodes:
        operands = [None if value is None else held[value] for value in node.inputs]
        held.update(zip(node.outputs, called(node.op, operands, node.attributes), strict=True))
    return held
