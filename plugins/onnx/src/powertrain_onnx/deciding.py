"""The class that a run with a threshold answers with, as a second output of its file."""

from __future__ import annotations

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from powertrain_onnx.errors import OnnxError

OUTPUT = "class"
SPARE = "decide/"  # what names begin with that the file adds


def add_class(model: onnx.ModelProto, margin: float) -> None:
    """Give a model of two logits the output `class`, int64[batch]: 1 where the second is a margin above."""
    graph = model.graph
    if OUTPUT in [one.name for one in graph.input]:
        raise OnnxError(
            f"[onnx] the column {OUTPUT!r} has the name of the file's second output; expected another; rename it"
        )
    logits = graph.output[0]
    batch = logits.type.tensor_type.shape.dim[0].dim_param

    def constant(name: str, array: object) -> str:
        graph.initializer.append(numpy_helper.from_array(np.asarray(array), SPARE + name))
        return SPARE + name

    def node(op: str, inputs: list[str], output: str, **attributes: object) -> str:
        graph.node.append(helper.make_node(op, inputs, [output], name=f"{SPARE}{op}_{len(graph.node)}", **attributes))
        return output

    wide = node("Cast", [logits.name], f"{SPARE}wide", to=TensorProto.DOUBLE)
    signs = constant("signs", np.array([-1.0, 1.0]))  # the product is the second less the first
    apart = node("MatMul", [wide, signs], f"{SPARE}apart")
    above = node("GreaterOrEqual", [apart, constant("margin", np.float64(margin))], f"{SPARE}above")
    node("Cast", [above], OUTPUT, to=TensorProto.INT64)
    graph.output.append(helper.make_tensor_value_info(OUTPUT, TensorProto.INT64, [batch]))
