"""Tensors made of sizes, numbers and lists, and what is read from tensors, against NumPy: to the bit."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

import powertrain as pt

DTYPES = (
    "bool", "uint8", "int8", "int16", "int32", "int64", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    "complex64", "complex128",
)  # fmt: skip


def same(got: pt.Tensor, want: Any) -> None:
    assert got.shape == want.shape and got.dtype.name == want.dtype.name
    np.testing.assert_array_equal(got.numpy(), want)
    assert np.signbit(np.asarray(got).real).tolist() == np.signbit(want.real).tolist()


@pytest.mark.parametrize("endpoint", [True, False])
@pytest.mark.parametrize("num", [0, 1, 2, 3, 7, 50, 1001])
def test_evenly_spaced_numbers_are_numpys(num: int, endpoint: bool) -> None:
    rng = np.random.default_rng(num)
    ends = [(0, 1), (1, 0), (-3.5, 7), (0.1, 0.1), (0.0, 5e-324), (-1e300, 1e300), (2**60, -3)]
    for start, stop in [*ends, *rng.normal(size=(20, 2)).tolist()]:
        want = np.linspace(start, stop, num, endpoint)
        same(pt.linspace(start, stop, num, endpoint, dtype="float64"), want)
        with np.errstate(over="ignore"):
            same(pt.linspace(start, stop, num, endpoint), want.astype("float32"))
    assert pt.linspace(pt.tensor(0.5), np.float32(1.5), 3).tolist() == [0.5, 1.0, 1.5]


@pytest.mark.parametrize("shape", [(0, 0), (1, 1), (3, 3), (2, 5), (5, 2), (0, 3), (4, 0)], ids=str)
def test_diagonals_and_triangles_are_numpys(shape: tuple[int, int]) -> None:
    for k in (*range(-6, 7), 2**62, -(2**62)):
        same(pt.eye(*shape, k), np.eye(*shape, k, dtype="float32"))
        for name in ("tril_indices", "triu_indices"):
            near = max(-9, min(k, 9))  # NumPy's own sums overflow
            for got, want in zip(getattr(pt, name)(shape[0], k, shape[1]), getattr(np, name)(shape[0], near, shape[1]),
                                 strict=True):  # fmt: skip
                same(got, want)
    for dtype in DTYPES:
        same(pt.eye(3, dtype=dtype), np.eye(3, dtype=dtype))


def test_ranges_of_integers_are_numpys() -> None:
    rng = np.random.default_rng(0)
    for start, stop, step in rng.integers(-40, 40, (300, 3)).tolist():
        if step:
            same(pt.arange(start, stop, step), np.arange(start, stop, step))
    same(pt.arange(2**63 - 3, 2**63 + 2), np.arange(2**63 - 3, 2**63 + 2, dtype="uint64"))
    same(pt.arange(-(2**63), -(2**63) + 2), np.arange(-(2**63), -(2**63) + 2))
    assert pt.arange(0, 10**40, 10**40).tolist() == [0]
    assert pt.arange(np.int8(3)).tolist() == [0, 1, 2]
    for wrong in ((0, 10**30), (2**64, 2**64 + 1), (-1, 2**63 + 2, 2**63 + 1), (10**40, 0, -1), (0, 10**17)):
        with pytest.raises(pt.ShapeError) as caught:
            pt.arange(*wrong)
        assert str(caught.value).startswith(f"[arange] start = {wrong[0]}, stop = {wrong[1]}, step = ")
    with pytest.raises(pt.ShapeError, match=re.escape("[arange] step = 0; expected another number")):
        pt.arange(0, 3, 0)


@pytest.mark.parametrize("dtype", [*DTYPES, None])
def test_one_number_everywhere_is_numpys(dtype: str | None) -> None:
    x = pt.tensor(np.arange(6).reshape(2, 3), dtype="int16")
    for value in (0, 1, 7, True, 2.5, 0.1, -0.0, 2**30 + 1):
        whole = dtype not in ("float16", "float32", "float64", "complex64", "complex128", None)
        if whole and (isinstance(value, float) or value > 100 or (dtype == "bool" and value not in (0, 1))):
            continue
        with np.errstate(over="ignore"):
            same(pt.full((2, 3), value, dtype), np.full((2, 3), value, dtype or "float32"))
            if dtype is not None or (not isinstance(value, float) and value < 2**15):
                same(pt.full_like(x, value, dtype), np.full((2, 3), value, dtype or "int16"))
    same(pt.zeros_like(x, dtype), np.zeros((2, 3), dtype or "int16"))
    same(pt.ones((3,), dtype), np.ones(3, dtype or "float32"))
    for value in (256, -1):
        with pytest.raises(pt.Error, match=re.escape("[full]")):
            pt.full((2,), value, "uint8")


LISTS: list[Any] = [
    [1.0, 2.0], [1, 2], [True, False], [[1.0, 2.0], [3.0, 4.0]], ([1, 2], (3, 4)), [[[1]], [[2]]], [[True], [False]],
    [[1.0, 2], [3, 4]], [[1, True]], [], [[]], [[], []], [2**63], [[-1, 2**62]], [1 + 2j], [[1j, 2.0]],
    [[1.5], [float("nan")]], [np.float32(1.5), 2.0], [[np.int8(3)]], [[[[[[[[1.0]]]]]]]],
]  # fmt: skip


@pytest.mark.parametrize("numbers", LISTS, ids=repr)
def test_lists_are_what_numpy_makes_of_them(numbers: Any) -> None:
    want = np.asarray(numbers)
    if want.dtype == np.float64:
        want = want.astype("float32")
    if want.dtype == np.complex128:
        assert pt.tensor(numbers).dtype.is_complex
        return
    same(pt.tensor(numbers), want)
    same(pt.tensor(numbers, dtype="float64"), np.asarray(numbers).astype("float64"))


@pytest.mark.parametrize("numbers", [[[1, 2], [3]], [[1], 2], [1, [2]], [[1, 2], [3, [4]]]], ids=repr)
def test_rows_of_different_lengths_are_refused(numbers: Any) -> None:
    with pytest.raises(pt.DTypeError, match=re.escape("[tensor] received list that is no array")):
        pt.tensor(numbers)


def test_uneven_rows_ask_for_no_memory() -> None:
    rows: list[list[float]] = [[0.0] * 10**6, *([[0.0]] * 10**6)]
    with pytest.raises(pt.DTypeError, match=re.escape("[tensor] received list that is no array")):
        pt.tensor(rows)


@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16"])
def test_numbers_are_read_as_numpys(dtype: str) -> None:
    rng = np.random.default_rng(1)
    x = pt.astype(pt.tensor(rng.normal(size=(2, 3, 4)) * 3), dtype)
    want = np.asarray(x.astype("float32") if dtype == "bfloat16" else x)
    for view, array in ((x, want), (x[0], want[0]), (x[:, ::2, 1:], want[:, ::2, 1:]), (x[1, 2, 3], want[1, 2, 3])):
        assert view.tolist() == array.tolist()
        assert (view.shape, view.ndim, view.size) == (array.shape, array.ndim, array.size)
    one = x[1, 0, 2]
    number = want[1, 0, 2].item()
    assert one.item() == number and type(one.item()) is type(number)
    assert bool(one) is bool(number)
    if not x.dtype.is_complex:
        assert float(one) == float(number) and int(one) == int(number)
    assert pt.zeros((0, 3), dtype).tolist() == [] and pt.zeros((2, 0), dtype).tolist() == [[], []]
    assert x.dtype is getattr(pt, "bool_" if dtype == "bool" else dtype)


def test_large_integers_are_read_whole() -> None:
    assert pt.tensor([2**63 + 1, 2**64 - 1]).tolist() == [2**63 + 1, 2**64 - 1]
    assert pt.tensor([2**62 + 1])[0].item() == int(pt.tensor(2**62 + 1)) == 2**62 + 1


def test_reading_methods_refuse_arguments() -> None:
    x = pt.tensor([1.0])
    for name in ("item", "tolist"):
        with pytest.raises(pt.DTypeError) as caught:
            getattr(x, name)(1)
        assert str(caught.value) == (
            f"[{name}] received powertrain._core.Tensor, int; expected {name}(self: Tensor) -> object; check the "
            "arguments"
        )
        with pytest.raises(pt.DTypeError, match=re.escape(f"[{name}] received int; expected {name}(self: Tensor)")):
            getattr(pt.Tensor, name)(3)
        with pytest.raises(pt.DTypeError, match=re.escape(f"[{name}] received powertrain._core.Tensor, key=")):
            getattr(x, name)(key=2)
    with pytest.raises(pt.ShapeError, match=re.escape("[item] received f32[2]; expected one element")):
        pt.ones((2,)).item()


@pytest.mark.parametrize("dtype", [*DTYPES, "bfloat16"])
def test_places_that_are_not_zero_are_numpys(dtype: str) -> None:
    rng = np.random.default_rng(2)
    for shape in ((0,), (7,), (3, 4), (2, 3, 0), (2, 3, 4), (1, 1, 1, 1)):
        x = pt.astype(pt.tensor(rng.integers(-1, 2, shape) * 1.0), dtype)
        array = np.asarray(x.astype("float32") if dtype == "bfloat16" else x)
        for got, want in zip(pt.nonzero(x), np.nonzero(array), strict=True):
            same(got, want)
        same(pt.argwhere(x), np.argwhere(array))
        same(pt.flatnonzero(x), np.flatnonzero(array))
    turned = pt.astype(pt.tensor(np.array([[0, 2, 0], [3, 0, 4]])), dtype).T
    assert [place.tolist() for place in pt.nonzero(turned)] == [[0, 1, 2], [1, 0, 1]]
    for scalar in (0, 1):
        assert pt.argwhere(pt.astype(pt.tensor(scalar), dtype)).shape == (scalar, 0)


def test_nan_is_not_zero() -> None:
    x = pt.tensor([0.0, -0.0, float("nan"), 1e-45, float("inf")])
    assert pt.flatnonzero(x).tolist() == np.flatnonzero(np.asarray(x)).tolist() == [2, 3, 4]
    assert pt.flatnonzero(pt.tensor([0j, 1j, 1 + 0j])).tolist() == [1, 2]
