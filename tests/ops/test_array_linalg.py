"""The `linalg` extension and the arguments of the array API standard that the engine's own functions do not have."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import array_api as xp
from powertrain.array_api.creation import CopyError

RNG = np.random.default_rng(0)
SHAPES = [(4, 4), (2, 3, 3), (5, 3), (2, 3, 5)]


def near(got: Any, want: Any) -> None:
    want = np.asarray(want)
    assert got.shape == want.shape
    np.testing.assert_allclose(got.numpy(), want, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("shape", SHAPES)
def test_factorisations_multiply_back(shape: tuple[int, ...]) -> None:
    x = RNG.normal(size=shape)
    m, n = shape[-2:]
    k = min(m, n)
    for full in (False, True):
        u, s, vh = xp.linalg.svd(xp.asarray(x), full_matrices=full)
        assert u.shape[-2:] == ((m, m) if full else (m, k)) and vh.shape[-2:] == ((n, n) if full else (k, n))
        near(s, np.linalg.svd(x, compute_uv=False))
        near(xp.matmul(u[..., :k] * xp.expand_dims(s, -2), vh[..., :k, :]), x)
        for basis in (u, xp.matrix_transpose(vh)):
            square = xp.matmul(xp.matrix_transpose(basis), basis)
            near(square, np.broadcast_to(np.eye(square.shape[-1]), square.shape))
    near(xp.linalg.svdvals(xp.asarray(x)), np.linalg.svd(x, compute_uv=False))
    for mode in ("reduced", "complete"):
        q, r = xp.linalg.qr(xp.asarray(x), mode=mode)
        wanted = np.linalg.qr(x, mode=mode)  # type: ignore[call-overload]
        assert q.shape == wanted.Q.shape and r.shape == wanted.R.shape
        near(xp.matmul(q, r), x)
        square = xp.matmul(xp.matrix_transpose(q), q)
        near(square, np.broadcast_to(np.eye(square.shape[-1]), square.shape))


@pytest.mark.parametrize("shape", SHAPES)
def test_norms_ranks_and_inverses(shape: tuple[int, ...]) -> None:
    x = RNG.normal(size=shape)
    x[..., -1] = x[..., 0] * 2  # of less than full rank
    given = xp.asarray(x)
    for order in ("fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf):
        for keepdims in (False, True):
            got = xp.linalg.matrix_norm(given, ord=order, keepdims=keepdims)
            near(got, np.linalg.norm(x, order, axis=(-2, -1), keepdims=keepdims))  # type: ignore[call-overload]
    assert xp.linalg.matrix_rank(given).numpy().tolist() == np.linalg.matrix_rank(x).tolist()
    assert xp.linalg.matrix_rank(given, rtol=2.0).numpy().tolist() == np.linalg.matrix_rank(x, rtol=2.0).tolist()
    near(xp.linalg.pinv(given), np.linalg.pinv(x))
    assert (xp.linalg.pinv(given, rtol=2.0).numpy() == 0).all()


def test_powers_solutions_and_eigenvalues() -> None:
    x = RNG.normal(size=(2, 3, 3))
    for n in (-3, -1, 0, 1, 2, 5):
        near(xp.linalg.matrix_power(xp.asarray(x), n), np.linalg.matrix_power(x, n))
    symmetric = x + np.swapaxes(x, -1, -2)
    near(xp.linalg.eigvalsh(xp.asarray(symmetric)), np.linalg.eigvalsh(symmetric))
    values, vectors = xp.linalg.eigh(xp.asarray(symmetric))
    near(xp.matmul(xp.asarray(symmetric), vectors), vectors.numpy() * values.numpy()[:, None, :])
    vector, matrix = RNG.normal(size=3), RNG.normal(size=(3, 2))
    near(xp.linalg.solve(xp.asarray(x), xp.asarray(vector)), np.linalg.solve(x, vector))
    near(xp.linalg.solve(xp.asarray(x), xp.asarray(matrix)), np.linalg.solve(x, np.broadcast_to(matrix, (2, 3, 2))))
    near(xp.linalg.slogdet(xp.asarray(x)).logabsdet, np.linalg.slogdet(x).logabsdet)
    trace = xp.linalg.trace(xp.asarray(np.full((2, 2), 100, "int8")), dtype=xp.int32)
    assert trace.dtype == xp.int32 and trace.item() == 200


@pytest.mark.parametrize(
    ("value", "dtype"), [(True, xp.bool), (2, xp.int64), (2.5, xp.float32), (1 + 2j, xp.complex64)]
)
def test_full_has_the_default_dtype_of_its_kind(value: Any, dtype: Any) -> None:
    for shape in ((), (2, 3)):
        made = xp.full(shape, value)
        assert made.dtype == dtype and made.shape == shape and (made.numpy() == value).all()


@pytest.mark.parametrize(
    "make",
    [
        lambda **device: xp.zeros((2,), **device),
        lambda **device: xp.ones((2,), **device),
        lambda **device: xp.empty((2,), **device),
        lambda **device: xp.full((2,), 1, **device),
        lambda **device: xp.arange(2, **device),
        lambda **device: xp.linspace(0, 1, 2, **device),
        lambda **device: xp.eye(2, **device),
        lambda **device: xp.asarray([1, 2], **device),
        lambda **device: xp.astype(xp.ones((2,)), xp.int64, **device),
        lambda **device: xp.zeros_like(xp.ones((2,)), **device),
        lambda **device: xp.ones_like(xp.ones((2,)), **device),
        lambda **device: xp.full_like(xp.ones((2,)), 1, **device),
    ],
)
def test_devices(make: Callable[..., Any]) -> None:
    for device in (None, "cpu", xp.ones(()).device):
        assert make(device=device).device == "cpu"
    with pytest.raises(
        pt.Error, match=r"^\[device\] received 'gpu'; expected 'cpu', 'cuda' or 'cuda:1'; write 'cuda'$"
    ):
        make(device="gpu")


def test_a_copy_that_is_refused() -> None:
    array = np.ones(3)
    assert np.shares_memory(np.asarray(xp.asarray(array, copy=False)), array)
    for given, dtype in (([1.0, 2.0], None), (2.0, None), (array, xp.float32)):
        with pytest.raises(CopyError, match=r"^\[asarray\] copy = False of .* cannot share; expected an array of"):
            xp.asarray(given, dtype=dtype, copy=False)


def test_sorters_and_nothing_to_unstack() -> None:
    x, values = np.array([3.0, 1.0, 2.0]), np.array([0.0, 1.0, 2.5, 4.0])
    order = np.argsort(x)
    for side in ("left", "right"):
        got = xp.searchsorted(xp.asarray(x), xp.asarray(values), side=side, sorter=xp.asarray(order))
        assert got.numpy().tolist() == np.searchsorted(x, values, side=side, sorter=order).tolist()  # type: ignore[arg-type]
    assert xp.unstack(xp.zeros((2, 0, 3)), axis=1) == () and xp.unstack(xp.zeros((0,)), axis=-1) == ()
    assert [part.shape for part in xp.unstack(xp.zeros((2, 1)), axis=1)] == [(2,)]
    assert xp.reshape(xp.arange(4), (2, 2), copy=True).shape == (2, 2)


def test_whole_numbers_beyond_floats() -> None:
    large = 2**60 + 1
    assert pt.arange(large, large + 3).numpy().tolist() == [large, large + 1, large + 2]
    assert pt.arange(large + 4, large, -2).numpy().tolist() == [large + 4, large + 2]
    assert pt.tensor([2**63 + 1, 1], "uint64").numpy().tolist() == [2**63 + 1, 1]
    assert pt.tensor([2**63 + 1, 1]).dtype == pt.uint64
    with pytest.raises(pt.DTypeError, match="received list that is no array"):
        pt.tensor([2**63 + 1, -1])


def test_repeats_of_nothing() -> None:
    """A list without an element, for an axis without one."""
    assert pt.repeat(pt.zeros((0, 2)), [], 0).shape == (0, 2)
