"""A traced program whose batch size is free: the function is traced for two sizes, and the two graphs are compared.

A size or an attribute that is the same in both is a number. One that grows with the batch in proportion is `Rows`.
Anything else, such as a mean that divides by the batch size, is an error with the line that made it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.plugin import Graph, Node
from powertrain_onnx.errors import OnnxError
from powertrain_onnx.tracing import Traced, traced

# Two primes that are the size of few axes: ops on equal shapes are merged, and should be so in both traces.
SIZES = (13, 17)


@dataclass(frozen=True)
class Rows:
    """A size that is `times` the number of rows of the batch."""

    times: int = 1

    def __str__(self) -> str:
        return "batch" if self.times == 1 else f"{self.times}*batch"


Dim: TypeAlias = "int | Rows"


@dataclass(frozen=True)
class Value:
    """The shape of an array, and the name of its dtype."""

    shape: tuple[Dim, ...]
    dtype: str

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape of an array that has no axis of the batch."""
        return tuple(size for size in self.shape if isinstance(size, int))

    @property
    def fixed(self) -> bool:
        return len(self.sizes) == len(self.shape)

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Constant:
    """A tensor of a program. An axis that is as long as the batch has one element here, which all rows share."""

    tensor: pt.Tensor
    slot: bool = False


@dataclass(frozen=True)
class Program:
    """A function of arrays in single assignment, as `powertrain.plugin.Graph` has it, with slots as constants."""

    values: tuple[Value, ...]
    arguments: tuple[int, ...]
    constants: Mapping[int, Constant]
    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    names: tuple[str, ...]  # of the outputs
    traced: Traced  # for the first of the two batch sizes

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        examples: Sequence[NDArray[Any]],
        ops: frozenset[str],
        dynamic: bool,
        names: Sequence[str] | None = None,
    ) -> Program:
        """Trace a function of arrays like the examples. `dynamic`: their first axis is the batch, of any size. `names`
        are those of its results."""
        if not dynamic:
            one = traced(function, examples, ops, names)
            return _Pair(one, one, (1, 1)).program()
        first, second = (traced(function, [_rows(array, size) for array in examples], ops, names) for size in SIZES)
        return cls.unified(first, second)

    @classmethod
    def unified(cls, first: Traced, second: Traced) -> Program:
        """From the traces of one function for batches of the two `SIZES`."""
        return _Pair(first, second, SIZES).program()


def _rows(array: NDArray[Any], size: int) -> NDArray[Any]:
    if array.ndim == 0 or len(array) == 0:
        raise OnnxError(
            f"[onnx] an example is {array.dtype}{list(array.shape)}; expected a first axis of one row or more, the "
            "batch; give it one, or pass dynamic_batch=False"
        )
    return np.resize(array, (size, *array.shape[1:]))


class _Pair:
    """The graphs of one function for two batch sizes."""

    def __init__(self, first: Traced, second: Traced, sizes: tuple[int, int]) -> None:
        self.first, self.second, self.sizes = first, second, sizes

    def program(self) -> Program:
        a, b = self.first.graph, self.second.graph
        self._same_ops(a, b)
        values = self._values(a, b)
        constants = {**self._constants(a, b), **self._slots(a)}
        nodes = tuple(self._node(one, other) for one, other in zip(a.nodes, b.nodes, strict=True))
        count = self.first.arguments
        return Program(values, a.inputs[:count], constants, nodes, a.outputs, self.first.names, self.first)

    def _same_ops(self, a: Graph, b: Graph) -> None:
        for one, other in zip(a.nodes, b.nodes, strict=False):
            if (one.op, one.inputs, one.outputs) != (other.op, other.inputs, other.outputs):
                raise self.varies(f"{one.op} with one batch size is {other.op} with another", one)
        if len(a.nodes) != len(b.nodes) or a.outputs != b.outputs:
            longer = max((a.nodes, b.nodes), key=len)
            raise self.varies("there are more ops with one batch size than with another", longer[-1])

    def _values(self, a: Graph, b: Graph) -> tuple[Value, ...]:
        made = {output: node for node in a.nodes for output in node.outputs}
        used = {*made, *a.inputs, *a.constants}
        found = []
        for number, (one, other) in enumerate(zip(a.values, b.values, strict=True)):
            if number not in used:  # of the checks, which are not exported
                found.append(Value((), one.dtype))
                continue
            shape = [
                self.number(size, another, made.get(number), "its result's shape")
                for size, another in zip(one.shape, other.shape, strict=True)
            ]
            found.append(Value(tuple(shape), one.dtype))
        return tuple(found)

    def _node(self, one: Node, other: Node) -> Node:
        attributes: dict[str, object] = {}
        for name, value in one.attributes.items():
            attributes[name] = self._attribute(value, other.attributes[name], one, name)
        return Node(one.op, attributes, one.inputs, one.outputs, one.where)

    def _attribute(self, one: Any, other: Any, node: Node, name: str) -> object:
        if isinstance(one, tuple) and isinstance(other, tuple) and len(one) == len(other):
            return tuple(self.number(a, b, node, name) for a, b in zip(one, other, strict=True))
        return self.number(one, other, node, name)

    def number(self, one: Any, other: Any, node: Node | None, what: str) -> Any:
        if one == other or (one != one and other != other):
            return one
        whole = isinstance(one, int) and isinstance(other, int)
        if whole and one * self.sizes[1] == other * self.sizes[0] and one % self.sizes[0] == 0:
            return Rows(one // self.sizes[0])
        raise self.varies(f"{what} is {one} for {self.sizes[0]} rows and {other} for {self.sizes[1]}", node)

    def _constants(self, a: Graph, b: Graph) -> dict[int, Constant]:
        """Constants that are alike for both sizes. Those as long as the batch must have one row's numbers in all."""
        readers = {value: node for node in reversed(a.nodes) for value in node.inputs if value is not None}
        found = {}
        for number, one in a.constants.items():
            other, shared = b.constants[number], []
            for tensor in (one, other):
                key = tuple(
                    slice(0, 1) if size != another else slice(None)
                    for size, another in zip(one.shape, other.shape, strict=True)
                )
                row = tensor[key] if key else tensor
                if not _same(pt.broadcast_to(row, tensor.shape), tensor):
                    raise self.varies("a constant differs from row to row of the batch", readers.get(number))
                shared.append(row)
            if not _same(*shared):
                raise self.varies("a constant depends on the batch size", readers.get(number))
            found[number] = Constant(shared[0])
        return found

    def _slots(self, a: Graph) -> dict[int, Constant]:
        behind = a.inputs[self.first.arguments :]
        return {number: Constant(tensor, slot=True) for number, tensor in zip(behind, self.first.slots, strict=True)}

    def varies(self, what: str, node: Node | None) -> OnnxError:
        at = f"{node.op}{f' at {node.where}' if node.where else ''}: " if node is not None else ""
        return OnnxError(
            f"[onnx] {at}{what}; expected a function of each row of the batch alone; take the batch size out of it, or "
            "export with dynamic_batch=False for batches of the example's size"
        )


def _same(a: pt.Tensor, b: pt.Tensor) -> bool:
    return a.shape == b.shape and np.array_equal(_bits(a), _bits(b))


def _bits(tensor: pt.Tensor) -> NDArray[Any]:
    held = np.ascontiguousarray((pt.astype(tensor, "float32") if tensor.dtype == pt.bfloat16 else tensor).numpy())
    return held.reshape(-1).view(np.uint8)
