"""An exported model beside the engine: in ONNX Runtime, by `err <= K eps mag`, mag being the largest answer."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray

from powertrain_onnx.errors import OnnxError
from powertrain_onnx.evaluation import evaluated
from powertrain_onnx.tracing import Traced

Array = NDArray[Any]
# Both sum in float32, in orders of their own.
K = 256
INSTALL = 'pip install "powertrain[onnx]"'
LARGEST = 1 << 31  # bytes that a file of protobuf holds


@dataclass(frozen=True)
class Model:
    """A model of ONNX with the programs that it came from, and the names in it of their values."""

    proto: onnx.ModelProto
    traced: Traced  # for the first of two batch sizes
    names: Mapping[int, str]
    outputs: tuple[str, ...]

    @property
    def eps(self) -> float:
        """Of the narrowest floats that it computes in: behind a scale of targets the outputs are float64, whose digits
        beyond float32's nobody computed."""
        made = {self.traced.graph.values[output].dtype for node in self.traced.graph.nodes for output in node.outputs}
        return max((float(np.finfo(dtype).eps) for dtype in ("float32", "float64") if dtype in made), default=0.0)


def checked(proto: onnx.ModelProto) -> None:
    """ONNX's own checks, with shapes and types inferred for every node."""
    size = proto.ByteSize()
    if size >= LARGEST:
        raise OnnxError(
            f"[onnx] the model has {size:,} bytes; expected less than {LARGEST:,}, which one file of ONNX holds; "
            "export a smaller model"
        )
    try:
        onnx.checker.check_model(proto, full_check=True)
    except Exception as error:  # of several classes, all of onnx
        raise OnnxError(f"[onnx] onnx.checker refuses the model: {error}; expected a valid one; report this") from error


class Runtime:
    """A model in ONNX Runtime, on the CPU."""

    def __init__(self, proto: onnx.ModelProto, optimized: bool = True) -> None:
        if importlib.util.find_spec("onnxruntime") is None:
            raise OnnxError(
                "[onnx] ONNX Runtime is not installed; expected it, since a model is compared with the engine before "
                f"it is written; install it: {INSTALL}; or pass check=False"
            )
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        if not optimized:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        try:
            self.session = onnxruntime.InferenceSession(
                proto.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:
            raise OnnxError(
                f"[onnx] ONNX Runtime cannot load the model: {error}; expected ops that it has kernels for; use float32"
            ) from error
        self.inputs = [one.name for one in self.session.get_inputs()]

    def __call__(self, arrays: Sequence[Array]) -> list[Array]:
        return list(self.session.run(None, dict(zip(self.inputs, arrays, strict=True))))


def apart(got: Array, want: Array, eps: float = 0.0) -> float:
    """How far two arrays are from each other, in eps of the largest number, that of their dtype at least; of integers 0
    or infinity."""
    if got.shape != want.shape or got.dtype != want.dtype:
        return np.inf
    if want.dtype.kind != "f":
        return 0.0 if np.array_equal(got, want) else np.inf
    if not want.size:
        return 0.0
    finite = np.isfinite(want)
    same = np.where(finite, True, (got == want) | (np.isnan(got) & np.isnan(want)))
    if not same.all() or not np.isfinite(got[finite]).all():
        return np.inf
    size = np.abs(want[finite]).max(initial=0.0)
    error = np.abs(got[finite].astype(np.float64) - want[finite]).max(initial=0.0)
    unit = max(eps, float(np.finfo(want.dtype).eps))
    return float(error / (unit * max(float(size), float(np.finfo(want.dtype).tiny))))


def compared(
    model: Model, runtime: Runtime, function: Callable[..., Sequence[Array]], arrays: Sequence[Array]
) -> float:
    """How far the model and the engine are apart for a batch; an error that names the op beyond K."""
    try:
        got = runtime(arrays)
    except Exception as error:
        raise OnnxError(
            f"[onnx] ONNX Runtime fails for a batch of {_forms(arrays)}: {error}; expected a model that runs for every "
            "batch size; report this"
        ) from error
    want = function(*arrays)
    worst = 0.0
    for name, one, other in zip(model.outputs, got, want, strict=True):
        found = apart(one, other, model.eps)
        if not found <= K:
            raise OnnxError(
                f"[onnx] {name} of a batch of {_forms(arrays)} is {found:.3g} eps of its largest number from the "
                f"engine's; expected at most {K}{culprit(model)}; leave that op out, or report it"
            )
        worst = max(worst, found)
    return worst


def _forms(arrays: Sequence[Array]) -> str:
    return ", ".join(f"{array.dtype}{list(array.shape)}" for array in arrays)


def culprit(model: Model) -> str:
    """The first op whose result is another one in ONNX Runtime, for the examples of the trace, in words."""
    values = evaluated(model.traced, model.traced.examples)
    wanted = {number: name for number, name in model.names.items() if name}
    got = dict(zip(wanted, _inner(model.proto, list(wanted.values()), model.traced.examples), strict=True))
    for node in model.traced.graph.nodes:
        for output in node.outputs:
            if output in got and not apart(got[output], values[output].numpy(), model.eps) <= K:
                return f"; {node.op}{f' at {node.where}' if node.where else ''} is the first that differs"
    return ""


def _inner(proto: onnx.ModelProto, names: Sequence[str], arrays: Sequence[Array]) -> list[Array]:
    """What values inside a model are."""
    opened = onnx.ModelProto()
    opened.CopyFrom(proto)
    del opened.graph.output[:]
    opened.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    return Runtime(opened, optimized=False)(arrays)


def demand_rows(model: Model, runtime: Runtime, arrays: Sequence[Array]) -> None:
    """Refuse a model whose answer for a row depends on the other rows of the batch."""
    whole = runtime(arrays)
    alone = runtime([array[:1] for array in arrays])
    for name, one, other in zip(model.outputs, whole, alone, strict=True):
        if other.shape[:1] != (1,) or one.shape[:1] != arrays[0].shape[:1]:
            raise OnnxError(
                f"[onnx] {name} is {list(one.shape)} for a batch of {len(arrays[0])}; expected a first axis of the "
                "batch; return one row for each, or export with dynamic_batch=False"
            )
        if not apart(other, one[:1], model.eps) <= K:
            raise OnnxError(
                f"[onnx] {name} of a row depends on the other rows of its batch{_mixing(model, arrays)}; expected a "
                "function of each row alone; use statistics that training kept, as model.eval() does, or export with "
                "dynamic_batch=False"
            )


def _mixing(model: Model, arrays: Sequence[Array]) -> str:
    """The first op whose result for the first row changes with the others, in words."""
    rows = len(arrays[0])
    names = [name for node in model.proto.graph.node for name in node.output]
    alone = [np.repeat(array[:1], rows, axis=0) for array in arrays]
    for name, one, other in zip(names, *(_inner(model.proto, names, batch) for batch in (arrays, alone)), strict=True):
        lead = one.shape[0] if one.ndim else 0
        if not lead or lead % rows or one.shape != other.shape:
            continue
        first = slice(0, lead // rows)
        if not apart(other[first], one[first], model.eps) <= K:
            node = next(node for node in model.proto.graph.node if name in node.output)
            return f": {node.name.partition('/')[0]}{f' at {node.doc_string}' if node.doc_string else ''}"
    return ""
