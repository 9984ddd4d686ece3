"""The graph of a function, by a backend that keeps it and runs nothing; and the ops that its nodes name."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from powertrain import _core
from powertrain.ops.functional import OPERATORS
from powertrain.plugin.backends.adapter import Adapter
from powertrain.plugin.backends.graph import Graph
from powertrain.program.compiled import compile


@dataclass(frozen=True)
class Recorded:
    """What a function computes: its graph, whose inputs are the arrays and then the values of slots, here `slots`.

    Example
        >>> from powertrain.plugin import record
        >>> scale = pt.Slot(pt.tensor(2.0), name="scale")
        >>> [slot.item() for slot in record(lambda x: x * scale, [pt.ones((3,))], {"multiply"}).slots]
        [2.0]
    """

    graph: Graph
    slots: tuple[_core.Tensor, ...]


class _RecordedError(Exception):
    """Ends a call whose graph is known."""


class _Recorder(Adapter):
    """What the core takes for a backend."""

    def __init__(self, ops: Collection[str]) -> None:
        self.name, self.ops, self.dtypes = "record", frozenset(ops), frozenset()
        self.graph: Graph | None = None
        self.inputs: list[Any] = []

    def place(self, tensor: Any) -> Any:
        return tensor

    def compile(self, raw: tuple[Any, ...]) -> Callable[[Sequence[Any]], list[Any]]:
        self.graph = Graph.of(raw)

        def stop(arrays: Sequence[Any]) -> list[Any]:
            self.inputs = list(arrays)
            raise _RecordedError

        return stop


def record(function: Callable[..., object], arrays: Sequence[object], ops: Collection[str]) -> Recorded:
    """Trace a function of arrays, and give its graph. Nothing runs, and no slot changes.

    An op that `ops` lacks is expanded into what it is made of; one that is made of nothing else stays as it is.

    Example
        >>> from powertrain.plugin import record
        >>> [node.op for node in record(lambda x: pt.exp(x) * 2, [pt.ones((3,))], {"exp", "multiply"}).graph.nodes]
        ['exp', 'multiply']
    """
    recorder = _Recorder(ops)
    with contextlib.suppress(_RecordedError):
        compile(function, backend=recorder)(*arrays)
    assert recorder.graph is not None
    return Recorded(recorder.graph, tuple(recorder.inputs[len(arrays) :]))


def op(name: str) -> Callable[..., _core.Tensor]:
    """The function of an op by its name, as nodes of a graph have it; those too that only the engine calls.

    Errors    a name that no op has
    Example
        >>> from powertrain.plugin import op
        >>> op("conv2d_kernel")(pt.ones((1, 3, 3, 1)), pt.ones((2, 2, 1, 4))).shape
        (1, 2, 2, 4)
    """
    found = OPERATORS.get(name)
    if found is None:
        raise _core.Error(f"[op] no op is called {name}; expected one of those in a graph; check the name")
    return found
