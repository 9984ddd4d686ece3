"""ONNX's vectors: the inputs and outputs of each operator of its own suite, for those that correspond."""

from __future__ import annotations

import functools
import inspect
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx.backend.test.case.node import collect_testcases

import powertrain as pt
from conformance.adapter import NotOfferedError, offered, tensors_of
from conformance.onnx_calls import CALLS
from conformance.opinfo import array_of
from conformance.outcome import Outcome, arrays_agree


@functools.cache
def cases() -> dict[str, list[Any]]:
    """The cases of one node each, by operator."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with np.errstate(all="ignore"):
            found = collect_testcases(None)
    by_op: dict[str, list[Any]] = {}
    for case in found:
        if len(case.model.graph.node) == 1 and case.model.graph.node[0].domain == "":
            by_op.setdefault(case.model.graph.node[0].op_type, []).append(case)
    return by_op


def names() -> list[str]:
    return sorted(set(cases()) & set(CALLS))


def not_offered() -> list[str]:
    return sorted(set(cases()) - set(CALLS))


def outcomes(name: str) -> Iterator[Outcome]:
    for case in cases()[name]:
        for inputs, wanted in case.data_sets:
            try:
                yield one(name, case, inputs, wanted)
            except NotOfferedError as missing:
                yield Outcome("not offered", case.name, str(missing))
            except (pt.Error, TypeError, ValueError, IndexError) as error:
                yield Outcome("error", case.name, f"{type(error).__name__}: {error}")


def one(name: str, case: Any, inputs: Any, wanted: Any) -> Outcome:
    node = case.model.graph.node[0]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    attributes = {key: value.decode() if isinstance(value, bytes) else value for key, value in attributes.items()}
    parameters = inspect.signature(CALLS[name]).parameters
    unknown = [key for key in attributes if key not in parameters]
    offered(not unknown, ", ".join(unknown))
    rest = iter(inputs)
    given = [to_tensor(next(rest)) if key else None for key in node.input]
    try:
        inspect.signature(CALLS[name]).bind(*given, **attributes)
    except TypeError:
        raise NotOfferedError(f"{len(given)} inputs") from None
    got = tensors_of(CALLS[name](*given, **attributes), pt.Tensor)
    if len(got) < len(wanted):
        raise NotOfferedError(f"{len(wanted)} outputs")
    for ours, want in zip(got, wanted, strict=False):
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
