"""What a backend is given: a traced program as a function of arrays, with nothing in it but ops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeVar, cast

from powertrain import _core

# An array of the backend's own.
Held = TypeVar("Held")


@dataclass(frozen=True)
class Value:
    """The type of an array: its shape, and the name of its dtype.

    Example
        >>> from powertrain.plugin import Value
        >>> Value((2, 3), 'float32').shape
        (2, 3)
    """

    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        return f"{self.dtype}[{', '.join(map(str, self.shape))}]"


@dataclass(frozen=True)
class Node:
    """One call of an op.

    `attributes` has all of the op's, defaults too: numbers, bools, texts, tuples of integers, None; dtypes by name.
    `inputs` and `outputs` are numbers of values; an optional input that was left out is None. Inputs have the dtypes
    that the op computes with: what is promoted is a call of `cast` before. `where` is the line of the user's program.

    Example
        >>> from powertrain.plugin import Node
        >>> Node('exp', {}, (0,), (1,)).op
        'exp'
    """

    op: str
    attributes: Mapping[str, object]
    inputs: tuple[int | None, ...]
    outputs: tuple[int, ...]
    where: str = ""


@dataclass(frozen=True)
class Call:
    """What the rule of an op is told beside its operands: the attributes, and the types that it has to give.

    Example
        >>> from powertrain.plugin import Call, Value
        >>> Call('exp', {}, (Value((2,), 'float32'),)).op
        'exp'
    """

    op: str
    attributes: Mapping[str, object]
    results: tuple[Value, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """Of the first result."""
        return self.results[0].shape

    @property
    def dtype(self) -> str:
        """Of the first result."""
        return self.results[0].dtype

    def __getitem__(self, attribute: str) -> Any:
        return self.attributes[attribute]


@dataclass(frozen=True)
class Graph:
    """A program in single assignment: every number of a value is an input, a constant, or an output of one node.

    Nodes are in an order in which they can be run. The inputs are arguments of the user's call, then values of slots;
    the outputs its results, then new values of slots, then flags. None of this is to be told apart by a backend.

    Example
        >>> from powertrain.plugin import Graph, Node, Value
        >>> pair = Value((2,), "float32")
        >>> graph = Graph((pair, pair), (0,), {}, (Node("exp", {}, (0,), (1,)),), (1,))
        >>> graph.evaluate({"exp": lambda call, x: np.exp(x)}, [np.zeros(2)], {})
        [array([1., 1.])]
    """

    values: tuple[Value, ...]
    inputs: tuple[int, ...]
    constants: Mapping[int, _core.Tensor]  # tensors of the engine, by number of value
    nodes: tuple[Node, ...]
    outputs: tuple[int, ...]
    _last: Mapping[int, tuple[int, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        last = {value: at for at, node in enumerate(self.nodes) for value in node.inputs if value is not None}
        ends: dict[int, list[int]] = {}
        for value, at in last.items():
            if value not in self.outputs:
                ends.setdefault(at, []).append(value)
        object.__setattr__(self, "_last", {at: tuple(values) for at, values in ends.items()})

    @classmethod
    def of(cls, raw: tuple[object, ...]) -> Graph:
        """From what the core hands over."""
        values, inputs, constants, nodes, outputs = cast("tuple[Any, ...]", raw)
        return cls(
            tuple(Value(shape, dtype) for shape, dtype in values),
            inputs,
            MappingProxyType(constants),
            tuple(
                Node(op, MappingProxyType({name: _plain(value) for name, value in attributes.items()}), *rest)
                for op, attributes, *rest in nodes
            ),
            outputs,
        )

    def call(self, node: Node) -> Call:
        return Call(node.op, node.attributes, tuple(self.values[output] for output in node.outputs))

    def evaluate(
        self, rules: Mapping[str, Callable[..., object]], inputs: Sequence[Held], constants: Mapping[int, Held]
    ) -> list[Held]:
        """The outputs, node by node: `rules[op](call, *operands)` gives the node's result, or a tuple of several.

        A backend that compiles runs this once, on arrays that stand for others; one that does not, in each call.
        Arrays that nobody reads any more are let go of on the way.
        """
        held: dict[int, Held] = {**constants, **dict(zip(self.inputs, inputs, strict=True))}
        for at, node in enumerate(self.nodes):
            operands = [None if value is None else held[value] for value in node.inputs]
            made: Any = rules[node.op](self.call(node), *operands)
            several = made if isinstance(made, tuple) else (made,)
            held.update(zip(node.outputs, several, strict=True))
            for value in self._last.get(at, ()):
                held.pop(value, None)
        return [held[value] for value in self.outputs]


def _plain(value: Any) -> Any:
    return value.name if isinstance(value, _core.DType) else value
