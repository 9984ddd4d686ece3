"""The `predict` of a run as a graph: what it computes for a batch, without running it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain import _core
from powertrain.plugin.backends import Graph, Node, record
from powertrain.plugin.exporter import ExportError, Program
from powertrain.plugin.importing import in_words
from powertrain.random.default import drawing_from
from powertrain.train.evaluate.evaluation import evaluating, on_host
from powertrain.train.run.step import Step, TracedBatch

if TYPE_CHECKING:
    from powertrain.train.run.train_run import TrainRun

# Names of dtypes that NumPy has, in which weights and constants are written.
DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float32", "float64")
ELSEWHERE = "export it to a wheel, which holds the run itself"


def program_of(run: TrainRun, x: NDArray[Any], ops: Collection[str], transforms: bool) -> Program:
    """What a run computes for a batch like x; each op is one of `ops`."""
    if on_host(run.strategy):
        model = run.recipe.model
        who = f"the strategy {run.recipe.strategy.name}" if model is None else f"the model {model.name}"
        raise ExportError(
            f"[export] {who} computes its answers with NumPy, which a trace does not see, so there are no ops to "
            f"export; expected a model of the engine's ops, such as linear or mlp; {ELSEWHERE}"
        )

    def predict(x: Any) -> Any:
        seen = _through(run, x) if transforms else x
        outputs = run.strategy.predict(Step(), TracedBatch(("x",), (seen,)))
        outputs = run.evaluations.decision.calibrated(outputs)
        target = run.dataset.target if transforms else None
        return outputs if target is None else target.original(outputs)

    with drawing_from(run.generator), evaluating(run.table.modules):
        recorded = record(predict, [x], ops)
    return _program(recorded.graph, recorded.slots, list(_named(run)), ops)


def _through(run: TrainRun, x: Any) -> Any:
    """The batch through the transforms of the data, which are written for arrays of NumPy's."""
    for transform in run.dataset.transforms:
        try:
            x = transform(x)
        except Exception as error:
            raise ExportError(
                f"[export] the transform {type(transform).__name__} cannot be traced: {in_words(error)}; expected one "
                f"that is made of NumPy's functions of arrays alone; leave it out of the recipe, or {ELSEWHERE}"
            ) from error
    return x


def _named(run: TrainRun) -> Iterator[tuple[str, Any]]:
    """The slots of a run by name; those of the recipe's model by the names that its module has."""
    for role, module in run.table.modules.items():
        for name, slot in module.named_slots():
            yield (name if role == "model" else f"{role}.{name}"), slot
    yield from run.table.named.items()


def _program(graph: Graph, slots: Sequence[Any], named: list[tuple[str, Any]], ops: Collection[str]) -> Program:
    """The part of a traced step that its first output depends on, with the values of slots as constants."""
    output = graph.outputs[0]
    of_slots = _views(graph, dict(zip(graph.inputs[1:], slots, strict=True)))
    constants: dict[int, Any] = {**graph.constants, **of_slots}
    nodes: list[Node] = []
    read = {output}
    for node in reversed(graph.nodes):
        if node.outputs[0] in of_slots:
            continue
        if read & set(node.outputs):
            nodes.append(node)
            read |= {value for value in node.inputs if value is not None}
    nodes.reverse()
    _demand(graph, nodes, constants, read, ops)
    kept = {number: tensor for number, tensor in constants.items() if number in read}
    pruned = Graph(graph.values, graph.inputs[:1], kept, tuple(nodes), (output,))
    return Program(pruned, _names({number: kept[number] for number in of_slots if number in read}, named))


def _views(graph: Graph, slots: Mapping[int, Any]) -> dict[int, Any]:
    """The values of slots, and of the parameters that are pieces of a flat one."""
    found = dict(slots)
    for node in graph.nodes:
        if node.op in ("slice", "reshape") and node.inputs[0] in found:
            given = {name: value for name, value in node.attributes.items() if value is not None}
            found[node.outputs[0]] = _core.op_function(node.op)(found[node.inputs[0]], **given)
    return found


def _demand(
    graph: Graph, nodes: Sequence[Node], constants: Mapping[int, Any], read: Collection[int], ops: Collection[str]
) -> None:
    """Refuse the first op or dtype that an exporter does not have."""
    for node in nodes:
        types = ", ".join("None" if value is None else str(graph.values[value]) for value in node.inputs)
        where = f" at {node.where}" if node.where else ""
        if node.op not in ops:
            raise ExportError(
                f"[export] there is no rule for {node.op}({types}){where}; expected ops that the exporter has rules "
                f"for; write that line with other ops, or {ELSEWHERE}"
            )
        for value in (graph.values[number] for number in node.outputs):
            if value.dtype not in DTYPES:
                raise ExportError(
                    f"[export] {node.op}({types}){where} makes {value}; expected {', '.join(DTYPES)}; convert it with "
                    f"astype, or {ELSEWHERE}"
                )
    for number in constants:
        if number in read and graph.values[number].dtype not in DTYPES:
            raise ExportError(
                f"[export] a weight is {graph.values[number]}; expected {', '.join(DTYPES)}; convert the model with "
                f'model.to("float32"), {ELSEWHERE}'
            )


def _names(slots: Mapping[int, Any], named: list[tuple[str, Any]]) -> dict[int, str]:
    """Names of the slots that a graph reads, found by their values: of two that are equal, either name is right."""
    rest = [(name, np.asarray(slot.numpy())) for name, slot in named]
    found = {}
    for number, tensor in slots.items():
        value = np.asarray(tensor.numpy())
        at = next((at for at, (_, other) in enumerate(rest) if _same(value, other)), None)
        found[number] = f"slot.{number}" if at is None else rest.pop(at)[0]
    return found


def _same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    return a.shape == b.shape and a.dtype == b.dtype and a.tobytes() == b.tobytes()
