"""isclose, allclose, array_equal, isin and nan_to_num against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree

NAN, INF = np.nan, np.inf
EDGES = np.array([0.0, -0.0, 1.0, 1.0 + 1e-6, 1e-9, -1e-9, 1e300, INF, -INF, NAN])


@pytest.mark.parametrize("equal_nan", [False, True])
@pytest.mark.parametrize("tolerances", [(1e-5, 1e-8), (0.0, 0.0), (0.1, 1.0)], ids=str)
def test_isclose_is_numpys(tolerances: tuple[float, float], equal_nan: bool) -> None:
    a, b = np.meshgrid(EDGES, EDGES)
    with np.errstate(invalid="ignore", over="ignore"):
        agrees(lambda a, b: pt.isclose(a, b, *tolerances, equal_nan), np.isclose(a, b, *tolerances, equal_nan), a, b)
        for got, want in ((a, a), (a, b)):
            agrees(
                lambda x, y: pt.allclose(x, y, *tolerances, equal_nan),
                np.allclose(got, want, *tolerances, equal_nan),
                got,
                want,
            )


@pytest.mark.parametrize(
    ("a", "b", "dtypes"),
    [
        ([2**31 - 1, 5], [2**31 - 2, 7], ("int64", "int64")), ([200, 3], [3, 200], ("uint8", "uint8")),
        ([1, 0], [1, 1], ("bool", "bool")), ([10**9], [10**9 + 50], ("int32", "int32")),
        ([1, 2], [1.0 + 1e-12, 2.5], ("int32", "float64")), ([1.0, 2.0], [1.0, 2.1], ("float16", "float16")),
        ([1 + 1j, 2], [1 + 1j, 2 + 1e-3j], ("complex64", "complex64")),
    ],
    ids=str,
)  # fmt: skip
def test_isclose_of_other_dtypes(a: Any, b: Any, dtypes: tuple[str, str]) -> None:
    left, right = np.array(a, dtypes[0]), np.array(b, dtypes[1])
    for tolerances in ((1e-5, 1e-8), (0.0, 1.0)):
        agrees(lambda x, y, t=tolerances: pt.isclose(x, y, *t), np.isclose(left, right, *tolerances), left, right)


def test_close_arrays_are_a_condition() -> None:
    assert pt.allclose([1.0, 2.0], [1.0, 2.0 + 1e-9]) and not pt.allclose([1.0], [1.1])
    with pytest.raises(pt.ShapeError, match=r"do not broadcast"):
        pt.isclose([1.0, 2.0], [1.0, 2.0, 3.0])


@pytest.mark.parametrize("equal_nan", [False, True])
def test_array_equal_is_numpys(equal_nan: bool) -> None:
    a = np.array([[1.0, NAN], [INF, 2.0]])
    for b in (a, a.T, a[:1], a.ravel(), np.nan_to_num(a)):
        agrees(lambda x, y: pt.array_equal(x, y, equal_nan), np.array_equal(a, b, equal_nan), a, b)
    agrees(pt.array_equal, np.True_, np.array([1, 2]), np.array([1.0, 2.0]))


@pytest.mark.parametrize("invert", [False, True])
@pytest.mark.parametrize(
    "dtypes",
    [("int64", "int64"), ("int8", "int32"), ("float32", "int8"), ("bool", "bool"), ("uint8", "float64")],
    ids=str,
)
def test_isin_is_numpys(dtypes: tuple[str, str], invert: bool) -> None:
    rng = np.random.default_rng(0)
    x, wanted = rng.integers(0, 9, (4, 5)).astype(dtypes[0]), rng.integers(0, 9, (2, 2)).astype(dtypes[1])
    for elements in (wanted, wanted.ravel()[:0], wanted[0, 0]):
        agrees(lambda x, y: pt.isin(x, y, invert), np.isin(x, elements, invert=invert), x, elements)


def test_nan_is_in_nothing() -> None:
    agrees(pt.isin, np.isin(EDGES, EDGES[::-1]), EDGES, EDGES[::-1])


@pytest.mark.parametrize("dtype", ["float64", "float32", "float16", "int32", "bool", "complex64"])
@pytest.mark.parametrize("numbers", [{}, {"nan": 7.0}, {"posinf": 1.0, "neginf": -2.0}], ids=str)
def test_nan_to_num_is_numpys(dtype: str, numbers: dict[str, float]) -> None:
    with np.errstate(invalid="ignore", over="ignore"):
        x = np.array([0.0, -0.0, 1.5, NAN, INF, -INF]).astype(dtype)
    if dtype == "complex64":
        x.imag = x.real[::-1]
    agrees(lambda x: pt.nan_to_num(x, **numbers), np.nan_to_num(x, **numbers), x, k=0)


def test_ends_of_bfloat16() -> None:
    got = pt.nan_to_num(pt.tensor([INF, -INF, NAN], dtype="bfloat16"))
    assert got.dtype.name == "bfloat16"
    assert got.astype("float32").numpy().tolist() == [3.3895313892515355e38, -3.3895313892515355e38, 0.0]


@pytest.mark.peers
def test_the_gradient_of_nan_to_num() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    gradients_agree(pt.nan_to_num, torch.nan_to_num, np.array([1.0, NAN, INF, -INF, -2.0]), k=0)
