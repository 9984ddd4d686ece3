"""The exporter `onnx` of trained runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx

from powertrain.plugin import Exporter, Trained, param
from powertrain_onnx import columns
from powertrain_onnx.checking import Model, Runtime, checked
from powertrain_onnx.deciding import add_class
from powertrain_onnx.errors import OnnxError
from powertrain_onnx.export import Array, tried
from powertrain_onnx.files import write
from powertrain_onnx.graph import model_of
from powertrain_onnx.program import SIZES, Program
from powertrain_onnx.rules import RULES
from powertrain_onnx.tracing import Traced, unguarded

INPUT = "x"


@dataclass(frozen=True)
class OnnxParams:
    transforms: bool = param(True, doc="false: the file takes what the model sees, after the transforms of the data")
    columns: bool = param(False, doc="of a table: one input for each column, texts too, in place of encoded rows")


class Onnx(Exporter):
    """Writes what a run answers as one file of ONNX, with the transforms of its data in front.

    The batch is of any size. Class labels and columns stand in the metadata, as JSON. Where the run has a threshold, a
    second output `class` has the number of the class of each example.
    """

    Params = OnnxParams
    suffix = ".onnx"

    def __init__(self, params: OnnxParams | None = None) -> None:
        self.params = params or OnnxParams()

    def write(self, trained: Trained, path: Path) -> None:
        write(path, self.model(trained).SerializeToString())

    def model(self, trained: Trained) -> onnx.ModelProto:
        """The model of a run, tried beside it."""
        x = trained.examples if self.params.transforms else trained.transformed(trained.examples)
        output = "logits" if trained.dataset.kind.classes else "output"
        first, second = (self._traced(trained, x, size, output) for size in SIZES)
        program = Program.unified(first, second)
        slots = {
            name if role == "model" else f"{role}.{name}": slot
            for role, module in trained.modules.items()
            for name, slot in module.named_slots()
        }
        made = model_of(program, (INPUT,), slots, _metadata(trained, self.params), trained.name)
        checked(made.proto)
        if self.params.transforms:
            tried(made, lambda rows: [trained.predict(rows)], [x], True)
        proto = self._of_columns(trained, made) if self.params.columns else made.proto
        if trained.decision.threshold is not None:
            add_class(proto, trained.decision.margin)
            checked(proto)
        return proto

    def _of_columns(self, trained: Trained, model: Model) -> onnx.ModelProto:
        if not self.params.transforms:
            raise OnnxError(
                "[onnx] columns = true with transforms = false; expected the transforms, which come behind columns; "
                "leave one out"
            )
        learned = columns.learned_of(trained.dataset)
        made = columns.with_columns(model.proto, learned)
        checked(made)
        columns.compare(made, trained, learned, model.eps)
        return made

    def _traced(self, trained: Trained, x: Array, size: int, output: str) -> Traced:
        found = trained.program(size, frozenset(RULES), transforms=self.params.transforms)
        rows = np.resize(x, (size, *x.shape[1:]))
        return Traced(unguarded(found.graph), (rows,), (), (output,))

    def load(self, trained: Trained, path: Path) -> Callable[[Array], Array] | None:
        proto = onnx.load(path, load_external_data=False)
        runtime = Runtime(columns.rows_alone(proto) if self.params.columns else proto)
        if self.params.transforms:
            dtype = trained.examples.dtype  # of the file's input: bytes, where the data are
            return lambda x: runtime([np.asarray(x, dtype=np.float32 if self.params.columns else dtype)])[0]
        target = trained.dataset.target

        def answers(x: Array) -> Array:
            outputs = runtime([np.ascontiguousarray(trained.transformed(x))])[0]
            return outputs if target is None else target.original(outputs)

        return answers


def _metadata(trained: Trained, params: OnnxParams) -> Mapping[str, Any]:
    dataset = trained.dataset
    found: dict[str, Any] = {"task": dataset.task, "run": trained.name}
    if dataset.labels:
        found["labels"] = list(dataset.labels)
    found |= trained.decision.table()
    if dataset.columns:
        found["columns"] = list(dataset.columns)
    if not params.transforms and dataset.transforms:
        found["transforms_before"] = [type(one).__name__ for one in dataset.transforms]
    return {f"powertrain.{name}": value for name, value in found.items()}
