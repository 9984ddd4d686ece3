"""Tensors of numbers in a regular order, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree


@pytest.mark.parametrize(
    "arguments", [(0, 3, 4), (0, 3, 4, False), (1, -2, 7, True, 2.0), (0, 0, 1), (2, 3, 0)], ids=str
)
def test_logspace_is_numpys(arguments: Any) -> None:
    np.testing.assert_array_equal(pt.logspace(*arguments).numpy(), np.logspace(*arguments).astype("float32"))
    exactly = pt.logspace(*arguments, dtype="float64").numpy()
    np.testing.assert_array_max_ulp(exactly, np.logspace(*arguments), 1)
    whole = np.linspace(*arguments[:4]) % 1 == 0
    np.testing.assert_array_equal(exactly[whole], np.logspace(*arguments)[whole])


@pytest.mark.parametrize("arguments", [(1, 1000, 4), (1, 256, 9, False), (-8, -1, 4), (4, 1, 3), (2, 3, 0)], ids=str)
def test_geomspace_is_numpys(arguments: Any) -> None:
    np.testing.assert_array_equal(pt.geomspace(*arguments).numpy(), np.geomspace(*arguments).astype("float32"))


def test_scales_that_are_refused() -> None:
    for name in ("logspace", "geomspace"):
        with pytest.raises(pt.ShapeError) as caught:
            getattr(pt, name)(1, 2, -1)
        assert str(caught.value) == f"[{name}] num = -1; expected a number of at least 0; 50 is usual"
    with pytest.raises(pt.ShapeError) as caught:
        pt.geomspace(0, 1)
    assert str(caught.value) == "[geomspace] start = 0, stop = 1; expected numbers other than 0; use linspace"


@pytest.mark.parametrize("increasing", [False, True])
@pytest.mark.parametrize("columns", [None, 0, 1, 3, 6])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "complex128"])
def test_vander_is_numpys(dtype: str, columns: int | None, increasing: bool) -> None:
    x = np.array([0.0, 1.0, -2.0, 3.0]).astype(dtype)
    want = np.vander(x, columns, increasing).astype("int64" if dtype == "int32" else dtype)
    agrees(lambda x: pt.vander(x, columns, increasing), want, x)


@pytest.mark.peers
@pytest.mark.parametrize("increasing", [False, True])
def test_the_gradient_of_vander(increasing: bool) -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    x = np.array([0.0, 1.0, -2.0, 0.5])
    powers = torch.arange(5) if increasing else torch.arange(5).flip(0)
    gradients_agree(lambda x: pt.vander(x, 5, increasing), lambda x: x[:, None] ** powers, x)


def test_vander_that_is_refused() -> None:
    with pytest.raises(pt.ShapeError) as caught:
        pt.vander(pt.ones((2, 2)))
    assert str(caught.value) == "[vander] x is [2, 2], N = 4; expected a vector and at least 0 columns; check them"


@pytest.mark.parametrize("name", ["tril_indices", "triu_indices"])
@pytest.mark.parametrize("arguments", [(3,), (4, 1), (3, -1, 5), (5, 2, 2), (0,), (2, 9)], ids=str)
def test_triangles_are_numpys(name: str, arguments: tuple[int, ...]) -> None:
    for got, want in zip(getattr(pt, name)(*arguments), getattr(np, name)(*arguments), strict=True):
        assert got.dtype.name == "int64"
        np.testing.assert_array_equal(got.numpy(), want)
    with pytest.raises(pt.ShapeError) as caught:
        getattr(pt, name)(-1, m=2)
    assert str(caught.value) == f"[{name}] n = -1, m = 2; expected sizes of at least 0; check them"


def test_a_triangle_picks_from_a_matrix() -> None:
    x = np.arange(9.0).reshape(3, 3)
    agrees(lambda x: x[pt.tril_indices(3)], x[np.tril_indices(3)], x, k=0)


def test_empty_and_identity() -> None:
    assert pt.empty((2, 3), "int8").numpy().tolist() == [[0] * 3] * 2
    assert pt.empty_like(pt.ones(2, dtype="float16")).dtype.name == "float16"
    np.testing.assert_array_equal(pt.identity(3).numpy(), np.identity(3))
