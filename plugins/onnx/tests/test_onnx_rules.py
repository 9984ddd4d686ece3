"""Each rule beside the op's own reference: every case file, in ONNX Runtime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

pytest.importorskip("onnx", reason="ONNX is not installed")
pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")

from calls import reference, together
from kit import Case, case_files
from oracles import check
from powertrain.conformance.backend_cases import SPECS
from powertrain_onnx import OnnxError, export
from powertrain_onnx.checking import Runtime
from powertrain_onnx.rules import RULES

# Cases of each; they have odd sizes, empty and broadcast inputs, negative axes, special numbers.
MOST = 40
# Ops that no case file has, or that are written as parts of others.
ELSEWHERE = {"copy"}
# Of several results, those that ONNX gives.
RESULTS = {"attention": 1, "lstm_recurrence": 1, "max_pool2d_with_index": 1}
# ONNX Runtime's kernels: how much wider they are than the engine's.
LOOSE = {"layer_norm": 64, "log1p_exp": 64, "tanh": 32, "erf": 16, "exp": 8, "expm1": 128}
# Those whose error is that of a number of size 1, or of x, far below 0 too.
ABSOLUTE = {"sigmoid", "silu", "gelu_erf", "gelu_tanh"}
# Where the engine gives NaN for a row that holds one, ONNX says nothing.
DROPS_NAN = {"max", "min"}


def cases() -> list[Any]:
    made = []
    for name in sorted(RULES):
        module = case_files().get(name)
        if module is None:
            continue
        for number, case in enumerate(module.CASES[:MOST]):
            made.append(pytest.param(name, case, id=f"{name}-{number}"))
    return made


def of_tensors(name: str, case: Case) -> tuple[list[Any], Any]:
    """The arrays of a case in float32, and its op as a function of them."""
    tensors, function = together(name, [case])

    def results(*arguments: Any) -> Any:
        return tuple(function(*arguments)[0][: RESULTS.get(name)])

    return [tensor.numpy() for tensor in tensors], results


@pytest.mark.parametrize(("name", "case"), cases())
def test_a_rule_gives_what_the_op_does(name: str, case: Case) -> None:
    module = case_files()[name]
    arrays, function = of_tensors(name, case)
    try:
        made = export(function, tuple(arrays), dynamic_batch=False, check=False)
    except OnnxError as error:
        assert "; expected " in str(error) and f"[onnx] {name}" in str(error), error
        pytest.skip(f"refused: {error}")
    got = Runtime(made)(arrays)
    want, mag = reference(module, case, "float32")
    for one, value, size in zip(got, want, mag, strict=False):
        if value.dtype.kind in "biu":
            np.testing.assert_array_equal(one, value)
            continue
        if name in DROPS_NAN:
            lost = np.isnan(value)
            one, value, size = (np.where(lost, 0, array) for array in (one, value, size))
        if name in ABSOLUTE:
            size = np.maximum(1, np.abs(np.where(np.isfinite(arrays[0]), arrays[0], 1)))
        check(one, value, size, 2 * max(getattr(module, "K", 4), 4, LOOSE.get(name, 4)), one.dtype.name, name)


def test_every_rule_is_tried() -> None:
    tried = {param.values[0] for param in cases()}
    assert set(RULES) - tried == ELSEWHERE & set(RULES)
    assert set(RULES) <= set(SPECS)
