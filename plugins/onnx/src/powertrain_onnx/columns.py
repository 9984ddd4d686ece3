"""The columns of a table as inputs: gaps, categories, dates and scale inside of the file, as powertrain-tabular encodes
them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from powertrain.plugin import Trained
from powertrain_onnx.checking import K, Runtime, apart
from powertrain_onnx.errors import OnnxError

Learned = Sequence[Mapping[str, Any]]
KINDS = {"number": TensorProto.DOUBLE, "date": TensorProto.DOUBLE, "category": TensorProto.STRING}
ROWS = 256  # with which a file is tried
YEAR, WEEK = 365.2425, 7.0
SPARE = "encode/"  # what names begin with that the file adds


def learned_of(dataset: Any) -> Learned:
    """What the encoder of a table learned of each column."""
    if "encoder" not in dataset.state:
        raise OnnxError(
            f"[onnx] columns = true for {dataset.name}, which is not a table of powertrain-tabular; expected a "
            "table; leave columns out"
        )
    from powertrain_tabular.encoding import Encoder

    found: Learned = Encoder.from_state(dataset.state).learned
    return found


def with_columns(model: onnx.ModelProto, learned: Learned) -> onnx.ModelProto:
    """The model of encoded rows, its one input, with an input for each column in front: numbers and days since 1970 as
    double, NaN for gaps; texts as string, empty for gaps."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    front = _Front()
    parts = [front.encoded(one) for one in learned]
    names = [*front.inputs]
    _make_room(graph, names)
    rows = front.node("Concat", parts, axis=1)
    encoded = graph.input[0].name
    for node in graph.node:
        for at, name in enumerate(node.input):
            if name == encoded:
                node.input[at] = rows
    body = list(graph.node)
    del graph.node[:], graph.input[:]
    graph.node.extend([*front.nodes, *body])
    graph.initializer.extend(front.initializers)
    graph.input.extend(
        helper.make_tensor_value_info(name, KINDS[kind], ["batch"]) for name, kind in front.inputs.items()
    )
    return made


def rows_alone(model: onnx.ModelProto) -> onnx.ModelProto:
    """What `with_columns` was given, but for names: the model of encoded rows."""
    made = onnx.ModelProto()
    made.CopyFrom(model)
    graph = made.graph
    front = [node for node in graph.node if node.name.startswith(SPARE)]
    body = [node for node in graph.node if not node.name.startswith(SPARE)]
    read = {name for node in body for name in node.input}
    kept = [tensor for tensor in graph.initializer if tensor.name in read]
    rows = front[-1].output[0]
    width = next(one.type for one in onnx.shape_inference.infer_shapes(model).graph.value_info if one.name == rows)
    del graph.node[:], graph.input[:], graph.initializer[:]
    graph.node.extend(body)
    graph.initializer.extend(kept)
    graph.input.append(onnx.ValueInfoProto(name=rows, type=width))
    return made


def _make_room(graph: onnx.GraphProto, names: Sequence[str]) -> None:
    """Give what has the name of a column another one."""
    outputs = {one.name for one in graph.output}
    if outputs & set(names):
        raise OnnxError(
            f"[onnx] the column {sorted(outputs & set(names))[0]!r} has the name of the file's output; expected "
            "another; rename it"
        )
    taken = {one.name for one in graph.initializer} | {name for node in graph.node for name in node.output}
    new = {name: f"{SPARE}{name}" for name in taken & set(names)}
    for tensor in graph.initializer:
        tensor.name = new.get(tensor.name, tensor.name)
    for node in graph.node:
        for held in (node.input, node.output):
            for at, name in enumerate(held):
                held[at] = new.get(name, name)


class _Front:
    """The nodes that encode columns."""

    def __init__(self) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.initializers: list[onnx.TensorProto] = []
        self.inputs: dict[str, str] = {}

    def node(self, op: str, inputs: Sequence[str], **attributes: Any) -> str:
        name = f"{SPARE}{op}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, list(inputs), [name], name=name, **attributes))
        return name

    def constant(self, array: Any) -> str:
        name = f"{SPARE}constant_{len(self.initializers)}"
        self.initializers.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def number(self, value: float) -> str:
        return self.constant(np.float64(value))

    def column(self, name: str, kind: str) -> str:
        if self.inputs.setdefault(name, kind) != kind:
            raise OnnxError(f"[onnx] the column {name!r} is read as {self.inputs[name]} and as {kind}; expected one")
        return name

    def encoded(self, one: Mapping[str, Any]) -> str:
        """The features of one column, float32[batch, features]."""
        if one["kind"] == "category":
            return self.category(one)
        made = self.date(one) if one["kind"] == "date" else self.numbers(one)
        beside = [self.node("Unsqueeze", [name, self.constant(np.array([1]))]) for name in made]
        whole = beside[0] if len(beside) == 1 else self.node("Concat", beside, axis=1)
        return self.node("Cast", [whole], to=TensorProto.FLOAT)

    def numbers(self, one: Mapping[str, Any]) -> list[str]:
        x = self.combined(one["combine"]) if "combine" in one else self.column(one["name"], "number")
        missing = self.node("IsNaN", [x])
        x = self.node("Where", [missing, self.number(one["fill"]), x])
        if one["fences"] is not None:
            low, high = (self.number(value) for value in one["fences"])
            x = self.node("Min", [self.node("Max", [x, low]), high])
        if one["log"]:
            above = self.node("Max", [x, self.number(0)])
            x = self.node("Log", [self.node("Add", [above, self.number(1)])])
        x = self.node("Div", [self.node("Sub", [x, self.number(one["mean"])]), self.number(one["deviation"])])
        return [x, self.node("Cast", [missing], to=TensorProto.DOUBLE)] if one["gaps"] else [x]

    def combined(self, text: str) -> str:
        """A product or quotient of two columns; a quotient by zero is a gap."""
        sign = "*" if "*" in text else "/"
        a, b = (self.column(part.strip(), "number") for part in text.split(sign))
        if sign == "*":
            return self.node("Mul", [a, b])
        empty = self.node("Equal", [b, self.number(0)])
        return self.node("Where", [empty, self.number(np.nan), self.node("Div", [a, b])])

    def date(self, one: Mapping[str, Any]) -> list[str]:
        days = self.column(one["name"], "date")
        start, missing = self.number(one["start"]), self.node("IsNaN", [days])
        # Runs of version 0.1 know no gaps of dates: those are the first day.
        days = self.node("Where", [missing, self.number(one.get("fill", one["start"])), days])
        made = [self.node("Div", [self.node("Sub", [days, start]), self.number(one["span"])])]
        for length in (YEAR, WEEK):
            # Where in the year or week, as an angle: small, so that float32 holds it.
            turn = self.node("Mod", [days, self.number(length)], fmod=1)
            angle = self.node("Mul", [turn, self.number(2 * np.pi / length)])
            narrow = self.node("Cast", [angle], to=TensorProto.FLOAT)
            made += [self.node("Cast", [self.node(op, [narrow])], to=TensorProto.DOUBLE) for op in ("Cos", "Sin")]
        return [*made, self.node("Cast", [missing], to=TensorProto.DOUBLE)] if one.get("gaps") else made

    def category(self, one: Mapping[str, Any]) -> str:
        text = self.node("Unsqueeze", [self.column(one["name"], "category"), self.constant(np.array([1]))])
        levels = self.constant(np.array([list(one["levels"])], dtype=object))
        is_level = self.node("Cast", [self.node("Equal", [text, levels])], to=TensorProto.FLOAT)
        any_level = self.node("ReduceMax", [is_level, self.constant(np.array([1]))], keepdims=1)
        other = self.node("Sub", [self.constant(np.float32(1)), any_level])
        each = self.node("Concat", [is_level, other], axis=1)
        if one["how"] == "one-hot":
            return each
        count = len(one["levels"]) + 1
        values = np.arange(count) if one["how"] == "ordinal" else np.array([*one["shares"], one["other"]])
        return self.node("MatMul", [each, self.constant(values.astype(np.float32)[:, None])])


def compare(model: onnx.ModelProto, trained: Trained, learned: Learned, eps: float) -> None:
    """Refuse a file that answers drawn columns otherwise than the encoder and the run do."""
    from powertrain_tabular.encoding import Encoder
    from powertrain_tabular.frame import Column, Frame

    columns, runtime = drawn(learned, ROWS), Runtime(model)
    frame = Frame({
        name: Column("category", np.where(values == "", np.array(None), values)) if values.dtype == object
        else Column(_kind_of(learned, name), values) for name, values in columns.items()
    })  # fmt: skip
    want = trained.predict(Encoder(list(map(dict, learned)))(frame))
    found = apart(runtime([columns[name] for name in runtime.inputs])[0], want, eps)
    if not found <= K:
        raise OnnxError(
            f"[onnx] with columns as inputs the answers are {found:.3g} eps of the largest from the run's; expected at "
            f"most {K}; leave columns out, or report it"
        )


def _kind_of(learned: Learned, name: str) -> Any:
    return next((one["kind"] for one in learned if one["name"] == name and "combine" not in one), "number")


def drawn(learned: Learned, rows: int) -> dict[str, NDArray[Any]]:
    """Columns to try a file with: numbers, gaps, every level and a text that is none, days."""
    draw = np.random.Generator(np.random.Philox(key=3))
    kinds: dict[str, Mapping[str, Any]] = {}
    for one in learned:
        if "combine" in one:
            sign = "*" if "*" in one["combine"] else "/"
            for part in one["combine"].split(sign):
                kinds.setdefault(part.strip(), {"kind": "number", "fill": 1.0, "deviation": 1.0})
        else:
            kinds[one["name"]] = one
    made: dict[str, NDArray[Any]] = {}
    for name, one in kinds.items():
        if one["kind"] == "category":
            levels = np.array([*one["levels"], "a text that is none of them"], dtype=object)
            made[name] = levels[np.arange(rows) % len(levels)]
            continue
        near, far = (one["fill"], 3.0) if one["kind"] == "number" else (one["start"], one["span"])
        values = near + far * draw.normal(size=rows)
        made[name] = np.where(draw.random(rows) < 0.1, np.nan, values)
    return made
