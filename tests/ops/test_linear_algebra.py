"""NumPy's norms, condition numbers, least squares and chains of products, and SciPy's matrix exponential."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import linalg as scipy_linalg

import powertrain as pt
from array_checks import agrees, gradients_agree

RNG = np.random.default_rng(29)
INF = np.inf


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


VECTORS = [None, 2, 1, 0, INF, -INF, 3, -1, 0.5]
MATRICES = [None, "fro", "nuc", 1, -1, 2, -2, INF, -INF]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("ord", VECTORS, ids=str)
def test_norms_of_vectors_are_numpys(ord: Any, keepdims: bool) -> None:
    for x, axis in ((normal(5), None), (normal(5), 0), (normal(3, 4, 5), 1), (normal(3, 4, 5), -1)):
        want = np.linalg.norm(x, ord, axis, keepdims)
        agrees(lambda x, a=axis: pt.linalg.norm(x, ord, a, keepdims), want, x, k=32)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("ord", MATRICES, ids=str)
def test_norms_of_matrices_are_numpys(ord: Any, keepdims: bool) -> None:
    for x, axis in (
        (normal(4, 5), None),
        (normal(3, 4, 5), (0, 2)),
        (normal(3, 4, 5), (2, 1)),
        (normal(4, 4), (-2, -1)),
    ):
        want = np.linalg.norm(x, ord, axis, keepdims)
        agrees(lambda x, a=axis: pt.linalg.norm(x, ord, a, keepdims), want, x, k=64)


def test_the_norm_of_all_elements() -> None:
    for x in (normal(3, 4, 5), np.float64(-3.0), normal(2, 3).astype("complex128") * 1j):
        agrees(pt.linalg.norm, np.linalg.norm(x), x)
    x = normal(3, 4, 5)
    agrees(lambda x: pt.linalg.norm(x, keepdims=True), np.linalg.norm(x, keepdims=True), x)


def test_norms_that_are_refused() -> None:
    x = pt.ones((2, 3, 4))
    for call, text in [
        (lambda: pt.linalg.norm(x, 2), "ord = 2 of a tensor with 3 axes; expected a vector or a matrix; name the axis"),
        (lambda: pt.linalg.norm(x, "fro", 1), "ord = 'fro' of vectors; expected a number; 2 is usual"),
        (lambda: pt.linalg.norm(x, axis=(1, -2)), "axis = (1, -2); expected one axis, or two that differ; leave it out "
         "for all"),
    ]:  # fmt: skip
        with pytest.raises(pt.ShapeError) as caught:
            call()
        assert str(caught.value) == f"[norm] {text}"


@pytest.mark.parametrize("p", [None, 1, -1, 2, -2, INF, -INF, "fro", "nuc"], ids=str)
def test_condition_numbers_are_numpys(p: Any) -> None:
    x = normal(2, 4, 4)
    agrees(lambda x: pt.linalg.cond(x, p), np.linalg.cond(x, p), x, k=4096)
    if p in (None, 2, -2):
        agrees(lambda x: pt.linalg.cond(x, p), np.linalg.cond(x[:, :3], p), x[:, :3], k=4096)


def test_singular_matrices() -> None:
    for p in (None, 1, "fro"):
        assert pt.linalg.cond(pt.zeros((2, 2)), p).item() == INF
        assert np.isnan(pt.linalg.cond(pt.tensor([[1.0, np.nan], [0.0, 1.0]]), p).item())


@pytest.mark.parametrize("columns", [None, 1, 3])
@pytest.mark.parametrize(("m", "n"), [(6, 3), (3, 6), (4, 4)])
def test_least_squares_are_numpys(m: int, n: int, columns: int | None) -> None:
    a, b = normal(m, n), normal(m) if columns is None else normal(m, columns)
    x, residuals, rank, s = np.linalg.lstsq(a, b)
    got = pt.linalg.lstsq(a, b)
    agrees(lambda a, b: pt.linalg.lstsq(a, b).x, x, a, b, k=512)
    agrees(lambda a, b: pt.linalg.lstsq(a, b).singular_values, s, a, b, k=32)
    assert got.rank.item() == rank and got.rank.dtype.name == "int64"
    want = residuals.reshape(()) if columns is None and residuals.size else residuals
    if residuals.size:
        agrees(lambda a, b: pt.linalg.lstsq(a, b).residuals, want, a, b, k=512)


def test_least_squares_of_dependent_columns() -> None:
    a = normal(5, 2) @ normal(2, 4)
    b = normal(5, 2)
    x, _, rank, _ = np.linalg.lstsq(a, b)
    agrees(lambda a, b: pt.linalg.lstsq(a, b).x, x, a, b, k=4096)
    assert pt.linalg.lstsq(a, b).rank.item() == rank == 2
    for left, right in ((normal(4, 3), normal(3)), (normal(4), normal(4)), (normal(2, 4, 3), normal(3, 2))):
        with pytest.raises(pt.ShapeError) as caught:
            pt.linalg.lstsq(left, right)
        assert str(caught.value) == (
            f"[lstsq] a is {list(left.shape)}, b is {list(right.shape)}; expected [..., m, n] and [m] or [..., m, k]; "
            "transpose one of them"
        )


@pytest.mark.parametrize(
    "shapes",
    [
        [(3, 4), (4, 5)],
        [(3, 4), (4, 5), (5, 2)],
        [(4,), (4, 5), (5, 2), (2,)],
        [(10, 2), (2, 30), (30, 1), (1, 9), (9,)],
    ],
    ids=str,
)
def test_chains_of_products_are_numpys(shapes: list[tuple[int, ...]]) -> None:
    arrays = [normal(*shape) for shape in shapes]
    agrees(lambda *x: pt.linalg.multi_dot(x), np.linalg.multi_dot(arrays), *arrays, k=64)


def test_a_chain_is_multiplied_in_the_cheapest_order() -> None:
    from powertrain.linalg.extensions import _cheapest

    # Cormen et al., Introduction to Algorithms, 15.2: ((A1 (A2 A3)) ((A4 A5) A6))
    cuts = _cheapest([30, 35, 15, 5, 10, 20, 25])
    assert (cuts[0, 5], cuts[0, 2], cuts[3, 5]) == (2, 0, 4)


def test_chains_that_are_refused() -> None:
    for shapes, text in [
        ([(2, 3)], "received 1 factors; expected at least two; a single factor is its own product"),
        ([(2, 3), (4, 5)], "factor 1 is [4, 5]; expected matrices that fit, the first and the last may be vectors; "
         "transpose it"),
        ([(2, 3), (3,), (3, 2)], "factor 1 is [3]; expected matrices that fit, the first and the last may be vectors; "
         "transpose it"),
    ]:  # fmt: skip
        with pytest.raises(pt.ShapeError) as caught:
            pt.linalg.multi_dot([pt.ones(shape) for shape in shapes])
        assert str(caught.value) == f"[multi_dot] {text}"


@pytest.mark.parametrize("scale", [0.0, 1e-9, 0.1, 1.0, 5.0, 40.0])
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_exponentials_are_scipys(dtype: str, scale: float) -> None:
    x = (scale * normal(3, 4, 4)).astype(dtype)
    x[1] *= 0.01  # matrices of other norms keep their own number of squarings
    want = np.stack([scipy_linalg.expm(one.astype("float64")) for one in x]).astype(dtype)
    for got, right, size in zip(pt.linalg.matrix_exp(x).numpy(), want, np.abs(x).sum(-2).max(-1), strict=True):
        error = np.abs(got - right).max() / np.abs(right).max()
        assert error <= 16 * np.finfo(dtype).eps * (4 + size)
    eager, compiled = pt.linalg.matrix_exp(x).numpy(), pt.compile(pt.linalg.matrix_exp)(pt.asarray(x)).numpy()
    np.testing.assert_array_equal(eager, compiled)


def test_exponentials_without_a_result() -> None:
    x = np.stack([np.eye(2), 1e9 * np.eye(2), np.full((2, 2), np.nan)])
    got = pt.linalg.matrix_exp(x).numpy()
    np.testing.assert_allclose(got[0], np.e * np.eye(2), rtol=1e-14)
    assert np.isnan(got[1:]).all()
    assert pt.linalg.matrix_exp(pt.zeros((0, 0))).shape == (0, 0)
    with pytest.raises(pt.ShapeError) as caught:
        pt.linalg.matrix_exp(pt.ones((2, 3)))
    assert str(caught.value) == "[matrix_exp] x is [2, 3]; expected square matrices; check its last axes"


@pytest.mark.peers
def test_gradients() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    x, y, b = normal(4, 4), normal(6, 3), normal(6, 2)
    for ord in (None, 2, 1, INF, 3):
        gradients_agree(
            lambda x, o=ord: pt.linalg.norm(x, o, 1),
            lambda x, o=ord: torch.linalg.vector_norm(x, 2 if o is None else o, 1),
            x,
        )
    for ord in ("fro", "nuc", 1, 2, -2, INF):
        gradients_agree(
            lambda x, o=ord: pt.linalg.norm(x, o), lambda x, o=ord: torch.linalg.matrix_norm(x, o), x, k=4096
        )
    gradients_agree(pt.linalg.cond, torch.linalg.cond, x, k=1 << 20)
    for p in (1, "fro"):
        size = lambda x, p=p: torch.linalg.matrix_norm(x, p)  # noqa: E731
        gradients_agree(
            lambda x, p=p: pt.linalg.cond(x, p), lambda x, size=size: size(x) * size(torch.linalg.inv(x)), x, k=1 << 20
        )
    gradients_agree(lambda a, b: pt.linalg.lstsq(a, b).x, lambda a, b: torch.linalg.pinv(a) @ b, y, b, k=1 << 14)
    gradients_agree(
        lambda *a: pt.linalg.multi_dot(a), lambda *a: torch.linalg.multi_dot(a), x, normal(4, 2), normal(2, 5)
    )
    for scale in (0.01, 1.0, 4.0):
        gradients_agree(pt.linalg.matrix_exp, torch.linalg.matrix_exp, scale * x, k=1 << 14)
