"""Products of vectors and matrices by NumPy's and PyTorch's names: their results and gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree

RNG = np.random.default_rng(13)


def draw(shape: tuple[int, ...], dtype: str = "float64") -> np.ndarray:
    x = 3 * RNG.standard_normal(shape)
    return (x + 1j * RNG.standard_normal(shape) if dtype.startswith("complex") else x).astype(dtype)


PRODUCTS: list[tuple[str, tuple[int, ...], tuple[int, ...]]] = [
    ("dot", (), (3,)), ("dot", (3,), (3,)), ("dot", (2, 3), (3,)), ("dot", (2, 3), (3, 4)), ("dot", (2, 3), (5, 3, 4)),
    ("inner", (), (3,)), ("inner", (3,), (3,)), ("inner", (2, 3), (4, 3)), ("inner", (2, 1, 3), (3,)),
    ("vdot", (3,), (3,)), ("vdot", (2, 3), (6,)), ("vdot", (), ()), ("dot", (0,), (0,)),
    ("kron", (3,), (2,)), ("kron", (2, 3), (4, 1)), ("kron", (3,), (2, 2)), ("kron", (2, 1, 3), (2,)),
    ("kron", (), (3,)),
    ("kron", (2, 0), (2, 2)),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "float32", "int64", "complex128"])
@pytest.mark.parametrize(("name", "left", "right"), PRODUCTS, ids=str)
def test_products_are_numpys(name: str, left: tuple[int, ...], right: tuple[int, ...], dtype: str) -> None:
    a, b = draw(left, dtype), draw(right, dtype)
    agrees(getattr(pt, name), getattr(np, name)(a, b), a, b)


@pytest.mark.peers
def test_gradients_of_products() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    for name, left, right in PRODUCTS:
        if name == "dot" and (len(left), len(right)) != (1, 1):
            continue  # PyTorch has it for vectors only
        if name == "vdot" and left != right:
            continue
        a, b = draw(left).reshape(-1 if name == "vdot" else left), draw(right).reshape(-1 if name == "vdot" else right)
        gradients_agree(getattr(pt, name), getattr(torch, name), a, b)
    gradients_agree(pt.dot, torch.matmul, draw((2, 3)), draw((3, 4)))


def test_a_product_of_too_many_axes() -> None:
    with pytest.raises(pt.ShapeError) as caught:
        pt.kron(pt.ones((1,) * 5), 1.0)
    assert str(caught.value) == (
        "[kron] a is [1, 1, 1, 1, 1], b is []; expected at most 4 axes; take slices one by one"
    )


# ---------------------------------------------------------------- sums with a product

SUMS: list[tuple[str, tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = [
    ("addmm", (2, 4), (2, 3), (3, 4)), ("addmm", (4,), (2, 3), (3, 4)), ("addmm", (), (2, 3), (3, 4)),
    ("addmv", (2,), (2, 3), (3,)), ("addmv", (), (2, 3), (3,)), ("addr", (2, 3), (2,), (3,)),
    ("addr", (3,), (2,), (3,)), ("baddbmm", (5, 2, 4), (5, 2, 3), (5, 3, 4)), ("baddbmm", (4,), (5, 2, 3), (5, 3, 4)),
]  # fmt: skip


@pytest.mark.parametrize("factors", [{}, {"beta": 0.5}, {"alpha": -2}, {"beta": 0, "alpha": 3}], ids=str)
@pytest.mark.parametrize(("name", "shape", "left", "right"), SUMS, ids=str)
def test_sums_with_a_product(name: str, shape: Any, left: Any, right: Any, factors: dict[str, float]) -> None:
    x, a, b = draw(shape), draw(left), draw(right)
    product = np.outer(a, b) if name == "addr" else a @ b
    if factors.get("beta") == 0:
        x = np.full(shape, np.nan)  # which counts for nothing
    want = factors.get("beta", 1) * np.nan_to_num(x) + factors.get("alpha", 1) * product
    agrees(lambda x, a, b: getattr(pt, name)(x, a, b, **factors), want, x, a, b)


@pytest.mark.peers
@pytest.mark.parametrize(("name", "shape", "left", "right"), SUMS, ids=str)
def test_gradients_of_sums_with_a_product(name: str, shape: Any, left: Any, right: Any) -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    both = (lambda *x, m=m: getattr(m, name)(*x, beta=0.7, alpha=-1.5) for m in (pt, torch))
    gradients_agree(*both, draw(shape), draw(left), draw(right))


def test_factors_of_other_axes() -> None:
    with pytest.raises(pt.ShapeError) as caught:
        pt.addmm(0.0, pt.ones((2, 3)), pt.ones(3))
    assert str(caught.value) == ("[addmm] the factors are [2, 3] and [3]; expected 2 and 2 axes; use matmul for others")


# ---------------------------------------------------------------- distances


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, np.inf, 0.0], ids=str)
@pytest.mark.parametrize(("left", "right"), [((5, 3), (4, 3)), ((2, 5, 3), (4, 3)), ((0, 3), (4, 3))], ids=str)
def test_distances_are_scipys(left: tuple[int, ...], right: tuple[int, ...], p: float) -> None:
    a, b = draw(left), draw(right)
    want = np.linalg.norm((a[..., :, None, :] - b[..., None, :, :]), ord=p, axis=-1)
    agrees(lambda a, b: pt.cdist(a, b, p), want, a, b, k=16)


def test_near_rows_keep_their_digits() -> None:
    a = 1e4 + np.zeros((3, 2))
    b = a + 1e-3
    agrees(pt.cdist, np.linalg.norm(a[:, None] - b[None], axis=-1), a, b)


@pytest.mark.peers
@pytest.mark.parametrize("p", [1.0, 2.0, 3.0], ids=str)
def test_gradients_of_distances(p: float) -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    a, b = draw((5, 3)), draw((4, 3))
    b[0] = a[1]  # a distance of 0
    gradients_agree(lambda a, b: pt.cdist(a, b, p), lambda a, b: torch.cdist(a, b, p), a, b)


def test_distances_of_rows_that_do_not_fit() -> None:
    for shape in [(3,), (4, 2)]:
        with pytest.raises(pt.ShapeError) as caught:
            pt.cdist(pt.ones((5, 3)), pt.ones(shape))
        assert str(caught.value) == (
            f"[cdist] x1 is [5, 3], x2 is {list(shape)}; expected rows of one size, [..., m, d] and [..., n, d]; "
            "reshape one of them"
        )
