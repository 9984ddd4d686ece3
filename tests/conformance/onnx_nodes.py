"""ONNX's vectors: the models, inputs and outputs of its own backend test, through what reads ONNX files."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from onnx.backend.test.case.node import collect_testcases

import powertrain as pt
from conformance.adapter import NotOfferedError, offered, tensors_of
from conformance.opinfo import array_of
from conformance.outcome import Outcome, arrays_agree
from powertrain_onnx import OnnxError, OnnxModule, supported
from powertrain_onnx.reading.file import graph_of

# Models of several nodes: operators as functions of simpler ones.
EXPANDED = "functions"


@functools.cache
def cases() -> dict[str, list[Any]]:
    """The cases by the operator of their one node."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with np.errstate(all="ignore"):
            found = collect_testcases(None)
    by_op: dict[str, list[Any]] = {}
    for case in found:
        nodes = case.model.graph.node
        by_op.setdefault(nodes[0].op_type if len(nodes) == 1 else EXPANDED, []).append(case)
    return by_op


def names() -> list[str]:
    return sorted(set(cases()) & {*supported(), EXPANDED})


def not_offered() -> list[str]:
    return sorted(set(cases()) - {*supported(), EXPANDED})


def outcomes(name: str) -> Iterator[Outcome]:
    for case in cases()[name]:
        for inputs, wanted in case.data_sets:
            try:
                yield one(case, inputs, wanted)
            except NotOfferedError as missing:
                yield Outcome("not offered", case.name, str(missing))
            except OnnxError as missing:
                yield Outcome("not offered", case.name, str(missing).partition("] ")[2])
            except (pt.Error, TypeError, ValueError, IndexError) as error:
                yield Outcome("error", case.name, f"{type(error).__name__}: {error}")


def one(case: Any, inputs: Any, wanted: Any) -> Outcome:
    model = OnnxModule(graph_of(case.model)).eval()
    got = tensors_of(model(*(to_tensor(value) for value in inputs)), pt.Tensor)
    for ours, want in zip(got, wanted, strict=True):
        expected = to_numpy(want)
        if ours.dtype.name != np.dtype(np.asarray(want).dtype).name:
            return Outcome("dtype", case.name, f"{ours.dtype.name}, expected {np.asarray(want).dtype}")
        wrong = arrays_agree(array_of(ours), expected, expected)
        if wrong:
            return Outcome("values", case.name, wrong)
    return Outcome("passed", case.name)


def to_tensor(value: Any) -> Any:
    offered(isinstance(value, (np.ndarray, np.generic, float, int)), type(value).__name__)
    array = np.asarray(value)
    offered(hasattr(pt.DType, array.dtype.name) and array.dtype.name != "object", array.dtype.name)
    return pt.tensor(to_numpy(array), array.dtype.name)


def to_numpy(value: Any) -> Any:
    """bfloat16, which ONNX has from another library, as float32."""
    array = np.asarray(value)
    return array.astype("float32") if array.dtype.name == "bfloat16" else array
