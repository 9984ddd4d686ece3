"""A program as a graph of ONNX: each op by its rule, what is known before it runs as initializers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper

import powertrain as pt
from powertrain.plugin import Node
from powertrain_onnx.checking import Model
from powertrain_onnx.errors import OnnxError
from powertrain_onnx.evaluation import called
from powertrain_onnx.program import Program, Rows, Value
from powertrain_onnx.rules import COUNTED, MOVES, RULES
from powertrain_onnx.writer import IR_VERSION, OPSET, Call, Operand, Writer, onnx_dtype

# Narrow numbers are computed as the engine does, in a wider dtype, and rounded or wrapped once.
WIDER = {
    "float16": "float32", "uint8": "int32", "int8": "int32", "int16": "int32", "uint16": "int32", "uint32": "int64",
}  # fmt: skip
DTYPES = frozenset({*WIDER, "bool", "int32", "int64", "uint64", "float32", "float64"})
# Products of small constants are computed here; larger ones would make the file larger than its weights are.
MOST_FOLDED = 1 << 16


def model_of(
    program: Program, inputs: Sequence[str], slots: Mapping[str, pt.Slot], metadata: Mapping[str, object], name: str
) -> Model:
    """The program as a model of ONNX, with names for its inputs; `slots` say what weights are called."""
    conversion = _Conversion(program, inputs, slots)
    model = helper.make_model(
        conversion.graph(name),
        opset_imports=[helper.make_opsetid("", OPSET)],
        ir_version=IR_VERSION,
        producer_name="powertrain",
        producer_version=pt.__version__,
    )
    texts = {
        key: value if isinstance(value, str) else json.dumps(value, allow_nan=False) for key, value in metadata.items()
    }
    helper.set_model_props(model, texts)
    return Model(model, program.traced, conversion.inner(model.graph), tuple(one.name for one in model.graph.output))


class _Conversion:
    def __init__(self, program: Program, inputs: Sequence[str], slots: Mapping[str, pt.Slot]) -> None:
        self.program = program
        hints = {}
        for name, slot in slots.items():
            array = slot.value.numpy() if slot.dtype != pt.bfloat16 else np.zeros(0)
            hints[array.__array_interface__["data"][0], array.nbytes] = name
        self.writer = Writer(inputs[0] if inputs else "", hints)
        self.names = [self.writer.fresh(name) for name in inputs]
        self.held: dict[int, Operand] = {}
        self.reads = [value for node in program.nodes for value in node.inputs if value is not None]

    def graph(self, name: str) -> onnx.GraphProto:
        program, w = self.program, self.writer
        for number, label in zip(program.arguments, self.names, strict=True):
            self.held[number] = Operand(self.value(number), label)
        for number, constant in program.constants.items():
            self.held[number] = self.constant(number, constant.tensor)
        for node in program.nodes:
            self.write(node)
        w.call = Call("", {}, ())
        outputs = []
        for number, wanted in zip(program.outputs, program.names, strict=True):
            label = w.called(w.now(w.name(self.held[number])), wanted)
            outputs.append(_info(label, self.value(number)))
        inputs = [_info(label, self.value(number)) for number, label in zip(program.arguments, self.names, strict=True)]
        return w.graph(inputs, outputs, name)

    def inner(self, graph: onnx.GraphProto) -> dict[int, str]:
        """The names of what nodes of the program gave and nodes of the file give."""
        made = {name for node in graph.node for name in node.output}
        found = {number: self.writer.now(one.name) for number, one in self.held.items()}
        return {number: name for number, name in found.items() if name in made}

    def value(self, number: int, node: Node | None = None) -> Value:
        found = self.program.values[number]
        if found.dtype not in DTYPES:
            at = f"{node.op}{f' at {node.where}' if node.where else ''} makes " if node is not None else ""
            raise OnnxError(
                f"[onnx] {at}{found}; expected one of {', '.join(sorted(DTYPES))}; convert it with astype, or the "
                "model with model.float()"
            )
        return found

    def constant(self, number: int, tensor: pt.Tensor) -> Operand:
        value = self.value(number)
        if value.fixed:
            return Operand(value, tensor=tensor)
        name = self.writer.expand(tensor.numpy(), tensor.shape, value.shape)
        return Operand(value, name, tensor)

    def write(self, node: Node) -> None:
        operands = [None if value is None else self.held[value] for value in node.inputs]
        results = tuple(self.value(output, node) for output in node.outputs)
        call = Call(node.op, node.attributes, results, node.where)
        made = self.folded(call, operands) if self.foldable(call, operands) else self.written(call, operands)
        for output, value, result in zip(node.outputs, results, made, strict=True):
            if isinstance(result, pt.Tensor):
                self.held[output] = Operand(value, tensor=result, hint=_hint(operands))
            elif result is not None:
                self.held[output] = Operand(value, result, call=call, inputs=tuple(operands))
            elif output in self.reads or output in self.program.outputs:
                raise call.refused(
                    f"its result {node.outputs.index(output)} has no counterpart in ONNX; expected the first alone; "
                    "leave the other out"
                )

    def foldable(self, call: Call, operands: Sequence[Operand | None]) -> bool:
        known = all(one is None or one.known for one in operands)
        if not known or not all(value.fixed for value in call.results) or call.op == "random_uniform":
            return False
        size = max((int(np.prod(value.sizes)) for value in call.results), default=0)
        return size <= MOST_FOLDED or call.op in ("slice", "reshape", "astype")

    def folded(self, call: Call, operands: Sequence[Operand | None]) -> tuple[Any, ...]:
        """What the engine makes of constants."""
        tensors = [None if one is None else one.tensor for one in operands]
        return called(call.op, tensors, call.attributes)

    def written(self, call: Call, operands: Sequence[Operand | None]) -> tuple[Any, ...]:
        rule, w = RULES.get(call.op), self.writer
        if rule is None:
            shown = ", ".join("None" if one is None else str(one.value) for one in operands)
            raise call.refused(
                f"cannot be exported, of ({shown}); expected ops that have a rule in powertrain_onnx.rules or are made "
                "of such; leave it out of what is exported"
            )
        w.call = call
        if call.op in MOVES:
            return _several(rule(w, call, *operands))
        wider = {**WIDER, "bool": "int32"} if call.op in COUNTED else WIDER
        widened = [self.widened(one, wider) for one in operands]
        wide = tuple(Value(value.shape, WIDER.get(value.dtype, value.dtype)) for value in call.results)
        made = _several(rule(w, Call(call.op, call.attributes, wide, call.where), *widened))
        return tuple(
            w.cast(name, value.dtype) if name is not None and value.dtype in wider else name
            for name, value in zip(made, call.results, strict=True)
        )

    def widened(self, x: Operand | None, wider: Mapping[str, str]) -> Operand | None:
        if x is None or x.dtype not in wider:
            return x
        wide = wider[x.dtype]
        value = Value(x.shape, wide)
        if x.known:
            return Operand(value, tensor=pt.astype(x.tensor, wide), hint=x.hint)
        return Operand(value, self.writer.cast(x, wide), call=x.call, inputs=x.inputs)


def _several(made: Any) -> tuple[Any, ...]:
    return made if isinstance(made, tuple) else (made,)


def _hint(operands: Sequence[Operand | None]) -> str:
    return next((one.hint for one in operands if one is not None and one.hint), "")


def _info(name: str, value: Value) -> onnx.ValueInfoProto:
    shape = [str(size) if isinstance(size, Rows) else size for size in value.shape]
    return helper.make_tensor_value_info(name, onnx_dtype(value.dtype), shape)
