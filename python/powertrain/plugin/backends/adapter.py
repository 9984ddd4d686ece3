"""Between the core and a backend: arrays go in and out by one way, and what comes out is looked at before it counts."""

from __future__ import annotations

import functools
from collections.abc import Callable, Collection, Sequence
from typing import Any

import numpy as np

from powertrain import _core
from powertrain.plugin.backends.graph import Graph, Node, Value
from powertrain.plugin.bases import Backend
from powertrain.plugin.importing import in_words

OUT_OF_THE_WAY = "compile it without a backend"


class BackendError(_core.Error):  # type: ignore[misc, unused-ignore]
    """A backend that cannot be used, or that does not do what its protocol says."""


class Adapter:
    """A backend as the core sees it. One for each backend, since what slots hold elsewhere is known by it."""

    def __init__(self, backend: Any, name: str) -> None:
        self.backend, self.name = backend, name
        self.ops: Collection[str] = frozenset(backend.ops)
        self.dtypes: Collection[str] = frozenset(backend.dtypes)

    def place(self, tensor: Any) -> Any:
        """A tensor of the engine as an array of the backend."""
        dtype = tensor.dtype.name
        if dtype not in self.dtypes:
            raise self.lacks_dtype(f"an argument is {Value(tensor.shape, dtype)}")
        return self.backend.place_tensor(tensor)

    def fetch(self, array: Any) -> Any:
        """An array of the backend as a tensor of the engine."""
        dtype = dtype_name(array)
        held = np.asarray(self.backend.fetch(array))
        expected = "uint16" if dtype == "bfloat16" else dtype
        if held.shape != tuple(array.shape) or held.dtype.name != expected:
            raise BackendError(
                f"[backend {self.name}] fetch gave {held.dtype.name}{list(held.shape)} for an array of "
                f"{dtype}{list(array.shape)}; expected NumPy's array of it (bfloat16: its bits as uint16); fix fetch"
            )
        tensor = _core.asarray(held)
        return _core.same_bits_as(tensor, _core.DType.bfloat16) if dtype == "bfloat16" else tensor

    def compile(self, raw: tuple[Any, ...]) -> Callable[[Sequence[Any]], list[Any]]:
        """The backend's function for a traced program, once it is known to have a rule for all of it."""
        graph = Graph.of(raw)
        self.demand(graph)
        try:
            made = self.backend.compile(graph)
        except BackendError:
            raise
        except Exception as error:
            raise BackendError(
                f"[backend {self.name}] compile failed: {in_words(error)}; expected a callable; {OUT_OF_THE_WAY}"
            ) from error
        wanted = [graph.values[output] for output in graph.outputs]

        def run(arrays: Sequence[Any]) -> list[Any]:
            try:
                outputs = list(made(arrays))
            except Exception as error:
                raise BackendError(
                    f"[backend {self.name}] running the step failed: {in_words(error)}; expected arrays; "
                    f"{OUT_OF_THE_WAY}; nothing of this step was committed"
                ) from error
            self.look(outputs, wanted)
            return outputs

        return run

    def look(self, outputs: list[Any], wanted: list[Value]) -> None:
        """Refuse outputs of other types than the program's, before a slot holds one."""
        if len(outputs) != len(wanted):
            raise BackendError(
                f"[backend {self.name}] gave {len(outputs)} outputs; expected {len(wanted)}, those of the graph; "
                "fix its compile"
            )
        for number, (array, value) in enumerate(zip(outputs, wanted, strict=True)):
            found = Value(tuple(array.shape), dtype_name(array))
            if found != value:
                raise BackendError(
                    f"[backend {self.name}] gave {found} as output {number}; expected {value}; fix its compile"
                )

    def demand(self, graph: Graph) -> None:
        """Refuse a program with an op or a dtype that the backend does not have."""
        for node in graph.nodes:
            if node.op not in self.ops:
                raise BackendError(
                    f"[backend {self.name}] cannot run {node.op}{_operands(graph, node)}"
                    f"{f' at {node.where}' if node.where else ''}; expected ops that it has a rule for (powertrain "
                    f"plugins show backend:{self.name}); leave it out of the step, or {OUT_OF_THE_WAY}"
                )
            for output in node.outputs:
                if graph.values[output].dtype not in self.dtypes:
                    made = f"{node.op}{_operands(graph, node)} makes {graph.values[output]}"
                    raise self.lacks_dtype(f"{made}{f' at {node.where}' if node.where else ''}")
        for constant in graph.constants:
            if graph.values[constant].dtype not in self.dtypes:
                raise self.lacks_dtype(f"a constant is {graph.values[constant]}")

    def lacks_dtype(self, where: str) -> BackendError:
        known = ", ".join(sorted(self.dtypes))
        return BackendError(
            f"[backend {self.name}] {where}; expected {known}; convert it with astype, or {OUT_OF_THE_WAY}"
        )


def _operands(graph: Graph, node: Node) -> str:
    return f"({', '.join('None' if value is None else str(graph.values[value]) for value in node.inputs)})"


def dtype_name(array: Any) -> str:
    """`float32` of NumPy's, JAX's or anybody's array."""
    dtype = array.dtype
    return str(getattr(dtype, "name", dtype)).rpartition(".")[2]


def adapter_of(backend: Any) -> Adapter:
    """The adapter of a backend's name, or of a backend that was made with parameters.

    Errors    a name that no installed distribution offers; one that cannot run here: BackendError
    """
    if isinstance(backend, Adapter):
        return backend
    if isinstance(backend, str):
        return _by_name(backend)
    if not isinstance(backend, Backend):
        what = f"{backend.__name__}, a class" if isinstance(backend, type) else type(backend).__name__
        raise BackendError(
            f"[backend] received {what}; expected the name of a backend, or one made with its parameters; for "
            'example "xla"'
        )
    found = _ADAPTERS.get(id(backend))
    if found is None or found.backend is not backend:
        _ADAPTERS[id(backend)] = found = available(Adapter(backend, backend.name or type(backend).__name__))
    return found


# By identity: an adapter keeps its backend, so that no other can have the same.
_ADAPTERS: dict[int, Adapter] = {}


@functools.cache
def _by_name(name: str) -> Adapter:
    from powertrain.plugin.params import params_of
    from powertrain.plugin.registry import PluginError, registry

    try:
        plugin: Any = registry().load("backend", name)
    except PluginError as error:
        raise BackendError(f"[backend {name}] {error}") from error
    return available(Adapter(plugin.build(params_of(plugin)()), name))


def available(adapter: Adapter) -> Adapter:
    """The same, if it can run here."""
    reason = adapter.backend.available()
    if reason:
        raise BackendError(f"[backend {adapter.name}] it cannot run here: {reason}; or {OUT_OF_THE_WAY}")
    return adapter
