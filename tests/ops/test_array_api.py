"""The array API's names: all there, with the standard's arguments; their numbers are those of the ops."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import array_api as xp

# Of the standard 2024.12.
STANDARD = [
    "abs", "acos", "acosh", "add", "asin", "asinh", "atan", "atan2", "atanh", "bitwise_and", "bitwise_left_shift",
    "bitwise_invert", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "ceil", "clip", "copysign", "cos", "cosh",
    "divide", "equal", "exp", "expm1", "floor", "floor_divide", "greater", "greater_equal", "hypot", "isfinite",
    "isinf", "isnan", "less", "less_equal", "log", "log1p", "log2", "log10", "logaddexp", "logical_and",
    "logical_not", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "negative", "nextafter",
    "not_equal", "positive", "pow", "reciprocal", "remainder", "round", "sign", "signbit", "sin", "sinh", "square",
    "sqrt", "subtract", "tan", "tanh", "trunc", "matmul", "matrix_transpose", "tensordot", "vecdot",
    "broadcast_arrays", "broadcast_to", "concat", "expand_dims", "flip", "moveaxis", "permute_dims", "repeat",
    "reshape", "roll", "squeeze", "stack", "tile", "unstack", "argmax", "argmin", "count_nonzero", "nonzero",
    "searchsorted", "where", "unique_all", "unique_counts", "unique_inverse", "unique_values", "argsort", "sort",
    "cumulative_prod", "cumulative_sum", "max", "mean", "min", "prod", "std", "sum", "var", "all", "any", "diff",
    "take", "take_along_axis", "arange", "asarray", "empty", "empty_like", "eye", "from_dlpack", "full", "full_like",
    "linspace", "meshgrid", "ones", "ones_like", "tril", "triu", "zeros", "zeros_like", "astype", "can_cast", "finfo",
    "complex64", "conj", "imag", "real", "uint64", "iinfo", "isdtype", "result_type", "e", "inf", "nan", "newaxis",
    "pi",
]  # fmt: skip


def test_every_name_of_the_standard_is_there() -> None:
    assert [name for name in STANDARD if not hasattr(xp, name)] == []
    assert set(STANDARD) <= set(xp.__all__)
    assert pt.ones((2,)).__array_namespace__() is xp


X = np.array([[3.0, -1.0, 2.0], [0.5, 4.0, -2.0]])
CALLS: list[tuple[str, Any, Any]] = [
    ("sort", lambda: xp.sort(X, axis=0, descending=True), -np.sort(-X, axis=0)),
    ("argsort", lambda: xp.argsort(X), np.argsort(X)),
    ("clip", lambda: xp.clip(pt.asarray(X), -1, 2.5), np.clip(X, -1, 2.5)),
    ("take", lambda: xp.take(X, pt.tensor([2, 0]), axis=1), X[:, [2, 0]]),
    ("tril", lambda: xp.tril(X, k=1), np.tril(X, 1)),
    ("triu", lambda: xp.triu(X, k=1), np.triu(X, 1)),
    ("diff", lambda: xp.diff(pt.asarray(X), prepend=pt.zeros((2, 1), "float64")), np.diff(X, prepend=0.0)),
    ("diff", lambda: xp.diff(pt.asarray(X), n=0, prepend=pt.zeros((2, 1), "float64")), X),
    ("sum", lambda: xp.sum(X, axis=1, dtype=xp.float32), X.sum(1, dtype="float32")),
    ("prod", lambda: xp.prod(X, axis=0), X.prod(0)),
    ("cumulative_sum", lambda: xp.cumulative_sum(X, axis=1, include_initial=True), [[0, 3, 2, 4], [0, 0.5, 4.5, 2.5]]),
    ("linspace", lambda: xp.linspace(0, 1, 3, dtype=xp.float64), np.linspace(0, 1, 3)),
    ("astype", lambda: xp.astype(X, xp.int32), X.astype("int32")),
    ("expand_dims", lambda: xp.expand_dims(X, axis=1), X[:, None]),
    ("permute_dims", lambda: xp.permute_dims(X, (1, 0)), X.T),
    ("pow", lambda: xp.pow(X, 2), X**2),
    ("from_dlpack", lambda: xp.from_dlpack(X), X),
]  # fmt: skip


@pytest.mark.parametrize(("name", "call", "want"), CALLS, ids=[name for name, _, _ in CALLS])
def test_arguments_are_the_standards(name: str, call: Any, want: Any) -> None:
    np.testing.assert_allclose(call().numpy(), want, rtol=1e-6)


def test_dtypes_are_told_apart() -> None:
    assert xp.result_type(xp.int8, xp.uint8) == xp.int16
    assert xp.result_type(pt.ones((2,)), 3) == xp.float32
    assert xp.result_type(xp.int32, 1.5) == xp.float32
    assert xp.can_cast(xp.int8, xp.int32) and not xp.can_cast(xp.int32, xp.int8)
    assert xp.isdtype(xp.float32, "real floating") and xp.isdtype(xp.int8, ("bool", "integral"))
    assert not xp.isdtype(xp.uint8, "signed integer") and xp.isdtype(xp.bool, xp.bool)
    assert xp.finfo(xp.float32).eps == np.finfo("float32").eps and xp.iinfo(xp.int16).max == 32767
    assert xp.finfo(pt.bfloat16).eps == 2.0**-7
    info = xp.__array_namespace_info__()
    assert info.default_dtypes()["real floating"] == xp.float32
    signed, unsigned = {"int8", "int16", "int32", "int64"}, {"uint8", "uint16", "uint32", "uint64"}
    assert set(info.dtypes(kind="integral")) == signed | unsigned
    assert set(info.dtypes(kind="complex floating")) == {"complex64", "complex128"}
    assert not xp.can_cast(xp.uint64, xp.int64) and xp.can_cast(xp.uint32, xp.int64)
    assert xp.can_cast(xp.float32, xp.complex64) and not xp.can_cast(xp.complex64, xp.float64)
    assert xp.result_type(xp.complex64, xp.float64) == xp.complex128 and xp.result_type(xp.float64, 1j) == xp.complex128
    assert xp.finfo(xp.complex64).bits == 32
    with pytest.raises(pt.DTypeError, match=r"^\[isdtype\] kind = 'odd'; expected one of bool, signed integer"):
        xp.isdtype(xp.int8, "odd")


def test_integers_are_whole_finite_and_multiplied() -> None:
    x = pt.tensor([[1, 2], [3, 4]], dtype="int8")
    for function in (xp.ceil, xp.floor, xp.round, xp.trunc):
        assert function(x).dtype == xp.int8 and function(x).numpy().tolist() == x.numpy().tolist()
    assert xp.isfinite(x).numpy().all() and not xp.isinf(x).numpy().any() and not xp.isnan(x).numpy().any()
    assert xp.isnan(pt.tensor([np.nan, 1.0])).numpy().tolist() == [True, False]
    assert xp.matmul(x, x).numpy().tolist() == [[7, 10], [15, 22]] and xp.matmul(x, x).dtype == xp.int8
    assert xp.matmul(x, x[0]).numpy().tolist() == [5, 11] and xp.matmul(x[0], x).numpy().tolist() == [7, 10]
    assert xp.concat([x, x[:1]], axis=None).numpy().tolist() == [1, 2, 3, 4, 1, 2]
    assert not xp.can_cast(xp.int32, xp.float64) and xp.can_cast(xp.float32, xp.float64)


def test_what_a_tensor_has_for_the_standard() -> None:
    x = pt.ones((2, 3, 4))
    assert x.mT.shape == (2, 4, 3) and x.device == "cpu" and x.to_device("cpu") is x
    assert [10, 11, 12][pt.tensor(1)] == 11
