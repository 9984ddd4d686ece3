"""Unsigned integers: ops give NumPy's values, eager and compiled, at the ends of the range too."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from calls import outputs, to_array
from kit import Array

DTYPES = ("uint8", "uint16", "uint32", "uint64")


def numbers(dtype: str, n: int = 40, seed: int = 0) -> Array:
    """Small ones, large ones, and the ends of the range."""
    most = int(np.iinfo(dtype).max)
    rng = np.random.default_rng(seed)
    ends = np.array([0, 1, 2, most, most - 1, most // 2, most // 2 + 1, most // 3], dtype)
    drawn = rng.integers(0, most, n - len(ends), dtype, endpoint=True)
    return rng.permutation(np.concatenate([ends, drawn]))


def check(function: Callable[..., Any], want: Any, *arrays: Array) -> None:
    """The op's values and dtypes are NumPy's, and a compiled step gives the same."""
    tensors = [pt.asarray(array) for array in arrays]
    compiled = pt.compile(lambda *xs: tuple(outputs(function(*xs))))
    wanted = want if isinstance(want, tuple) else (want,)
    for result in (outputs(function(*tensors)), outputs(compiled(*tensors))):
        for got, right in zip(result, wanted, strict=True):
            assert got.dtype.name == np.asarray(right).dtype.name
            np.testing.assert_array_equal(to_array(got), right)


BINARY: list[tuple[str, Callable[..., Any]]] = [
    ("add", np.add), ("subtract", np.subtract), ("multiply", np.multiply), ("floor_divide", np.floor_divide),
    ("remainder", np.remainder), ("maximum", np.maximum), ("minimum", np.minimum), ("less", np.less),
    ("less_equal", np.less_equal), ("greater", np.greater), ("greater_equal", np.greater_equal), ("equal", np.equal),
    ("not_equal", np.not_equal), ("bitwise_and", np.bitwise_and), ("bitwise_or", np.bitwise_or),
    ("bitwise_xor", np.bitwise_xor),
]  # fmt: skip


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(("op", "reference"), BINARY, ids=[op for op, _ in BINARY])
def test_of_two(op: str, reference: Callable[..., Any], dtype: str) -> None:
    a, b = numbers(dtype), numbers(dtype, seed=1)
    with np.errstate(all="ignore"):
        check(pt.ops.functional.OPERATORS[op], reference(a, b), a, b)
        check(pt.ops.functional.OPERATORS[op], reference(a[:, None], a), a[:, None], a)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("op", ["negative", "abs", "sign", "square", "bitwise_invert", "positive"])
def test_of_one(op: str, dtype: str) -> None:
    x = numbers(dtype)
    reference = np.invert if op == "bitwise_invert" else getattr(np, op)
    check(pt.ops.functional.OPERATORS[op], reference(x), x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_shifts_and_powers(dtype: str) -> None:
    x, places = numbers(dtype), np.random.default_rng(2).integers(0, 8 * np.dtype(dtype).itemsize + 3, 40).astype(dtype)
    check(pt.bitwise_left_shift, np.left_shift(x, places), x, places)
    check(pt.bitwise_right_shift, np.right_shift(x, places), x, places)
    small = (places % 7).astype(dtype)
    check(pt.pow, np.power(x, small), x, small)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [None, 0, 1])
def test_reductions(dtype: str, axis: int | None) -> None:
    x = numbers(dtype, 1200).reshape(30, 40)
    for op in ("sum", "prod", "max", "min", "argmax", "argmin"):
        check(lambda t, op=op: pt.ops.functional.OPERATORS[op](t, axis=axis), getattr(np, op)(x, axis=axis), x)
    check(lambda t: pt.any(t, axis=axis), np.any(x, axis=axis), x)
    check(lambda t: pt.all(t, axis=axis), np.all(x, axis=axis), x)
    along = 0 if axis is None else axis
    check(lambda t: pt.cumulative_sum(t, axis=along), np.cumsum(x, along), x)
    check(lambda t: pt.cumulative_prod(t, axis=along), np.cumprod(x, along), x)
    long = numbers(dtype, 5000)
    check(pt.sum, np.sum(long), long)
    check(pt.max, np.max(long), long)


@pytest.mark.parametrize("dtype", DTYPES)
def test_order_and_places(dtype: str) -> None:
    x = numbers(dtype, 200)
    check(pt.sort, np.sort(x), x)
    check(lambda t: pt.argsort(t, descending=True), np.argsort(np.iinfo(dtype).max - x, kind="stable"), x)
    check(pt.searchsorted, np.searchsorted(np.sort(x), x), np.sort(x), x)
    np.testing.assert_array_equal(pt.unique_values(x).numpy(), np.unique(x))
    index = np.array([3, 0, 3, 199], "uint8").astype(dtype)
    assert pt.asarray(x)[pt.asarray(index)].numpy().tolist() == x[index].tolist()
    check(lambda t: pt.take(t, pt.tensor([3, 0, 3])), x[[3, 0, 3]], x)
    check(lambda t: pt.where(t > 2, t, 2 * t), np.where(x > 2, x, 2 * x), x)
    sums = np.zeros(4, dtype)
    np.add.at(sums, np.arange(200) % 4, x)
    check(lambda t: pt.ops.functional.OPERATORS["scatter_add"](pt.arange(200) % 4, t, size=4), sums, x)
    check(lambda t: pt.concat([t, t[::-3]]), np.concatenate([x, x[::-3]]), x)
    check(lambda t: pt.ops.functional.OPERATORS["pad"](t, (1,), (2,)), np.pad(x, (1, 2)), x)


@pytest.mark.parametrize("dtype", DTYPES)
def test_fused_steps_wrap_where_single_calls_do(dtype: str) -> None:
    a, b = numbers(dtype), numbers(dtype, seed=1)
    with np.errstate(all="ignore"):
        want = ((a * b + a) // (b | np.array(1, dtype))) ^ np.maximum(-a, b)
    check(lambda x, y: ((x * y + x) // (y | 1)) ^ pt.maximum(-x, y), want, a, b)


@pytest.mark.parametrize("dtype", DTYPES)
def test_casts(dtype: str) -> None:
    x = numbers(dtype)
    for other in (*DTYPES, "int8", "int16", "int32", "int64", "float32", "float64", "bool"):
        check(lambda t, other=other: t.astype(other), x.astype(other), x)
    most = float(np.iinfo(dtype).max) * 0.99
    floats = np.array([0.0, 0.5, 1.0, 77.9, most, most / 3])
    for wide in ("float32", "float64"):
        check(lambda t: t.astype(dtype), floats.astype(wide).astype(dtype), floats.astype(wide))
    signed = np.array([-1, -100, 5, 127], "int8")
    check(lambda t: t.astype(dtype), signed.astype(dtype), signed)
    for end, value in ((0, 0), (1, int(np.iinfo(dtype).max))):
        assert pt.full((2,), value, dtype).numpy().tolist() == [value] * 2, end
        assert int(pt.full((), value, dtype)) == pt.full((), value, dtype).item() == value


PROMOTED = [
    ("uint8", "uint16", "uint16"), ("uint16", "uint64", "uint64"), ("uint8", "int8", "int16"),
    ("uint8", "int32", "int32"), ("uint16", "int16", "int32"), ("uint16", "int8", "int32"),
    ("uint32", "int64", "int64"), ("uint32", "int8", "int64"),
    ("uint64", "bool", "uint64"), ("uint64", "float32", "float32"),
]  # fmt: skip


@pytest.mark.parametrize(("left", "right", "wanted"), PROMOTED)
def test_promotion_is_the_array_apis(left: str, right: str, wanted: str) -> None:
    a, b = pt.ones((2,), left), pt.ones((2,), right)
    assert (a + b).dtype.name == (b + a).dtype.name == wanted


@pytest.mark.parametrize("signed", ["int8", "int16", "int32", "int64"])
def test_no_integer_holds_uint64_and_a_signed_one(signed: str) -> None:
    with pytest.raises(pt.DTypeError) as caught:
        pt.ones((2,), "uint64") + pt.ones((2,), signed)
    assert str(caught.value) == (
        f"[promotion] received uint64 and {signed}; expected dtypes that one integer dtype holds; convert one of them "
        "with astype"
    )


@pytest.mark.parametrize("dtype", DTYPES)
def test_python_numbers_take_the_dtype(dtype: str) -> None:
    x = pt.full((2,), 7, dtype)
    for op in (operator.add, operator.mul, operator.floordiv, operator.lshift):
        assert op(x, 2).dtype.name == dtype
    assert (x * 0.5).dtype.name == "float32"
    most = int(np.iinfo(dtype).max)
    assert (x * 0 + most).numpy().tolist() == [most] * 2
    assert pt.asarray(2**64 - 1).dtype.name == "uint64" and pt.asarray(2**64 - 1).item() == 2**64 - 1
    with pytest.raises(pt.OverflowError, match="an integer beyond 64 bits"):
        pt.asarray(2**64)


@pytest.mark.parametrize("dtype", DTYPES)
def test_between_libraries_without_a_copy(dtype: str) -> None:
    array = numbers(dtype).reshape(5, 8)[::-1, ::2]
    tensor = pt.asarray(array)
    assert tensor.dtype.name == dtype and np.shares_memory(tensor.numpy(), array)
    np.testing.assert_array_equal(np.from_dlpack(tensor), array)
    np.testing.assert_array_equal(np.asarray(tensor), array)
    assert "u" + dtype.removeprefix("uint") in repr(tensor)
