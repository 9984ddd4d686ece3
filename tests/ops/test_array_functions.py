"""Functions over arrays that no op's case file covers: creation, indexing, search, products over named axes."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
import pytest

import powertrain as pt

X = np.arange(120.0).reshape(2, 3, 4, 5)
AT = np.array([1, 0, -1])
MASK = np.array([[True, False, True], [False, True, True]])
INDICES: list[Any] = [
    AT % 2, (slice(None), AT), (0, AT), (AT % 2, slice(None), AT), (slice(None), AT, AT),
    (slice(None), AT[:, None], AT), (slice(None), 1, AT), (1, slice(None), slice(1, 3), AT), MASK, (MASK, slice(1, 3)),
    (MASK, 0), (slice(None), np.array([True, False, True])), (None, AT % 2, None), (..., AT), (..., AT, AT),
    (AT % 2, ..., AT), [1, 0], ([0, 1], [1, 2]), (slice(None), None, AT, AT), X > 50,
    (..., np.array([False] * 5)), (np.int64(1), np.uint8(2)),
]  # fmt: skip


@pytest.mark.parametrize("index", INDICES, ids=str)
def test_indexing_with_arrays_is_numpys(index: Any) -> None:
    got = pt.asarray(X)[index].numpy()
    assert got.shape == X[index].shape
    np.testing.assert_array_equal(got, X[index])


@pytest.mark.parametrize("index", [(slice(None), AT, AT), (AT % 2, slice(None), AT), MASK], ids=str)
def test_the_gradient_of_indexing_goes_back_to_each_place(index: Any) -> None:
    weights = np.random.default_rng(0).standard_normal(X[index].shape)
    want = np.zeros(X.shape)
    np.add.at(want, index, weights)
    loss = lambda x: (x[index] * weights).sum()  # noqa: E731
    np.testing.assert_allclose(pt.grad(loss)(pt.asarray(X)).numpy(), want)
    np.testing.assert_allclose(pt.compile(pt.grad(loss))(pt.asarray(X)).numpy(), want)


def test_gradients_reach_an_array_through_a_view_of_it() -> None:
    """A view of borrowed memory is made of a copy, which is the same variable."""
    for view in (lambda x: pt.reshape(x, (-1,)), lambda x: x[1:], lambda x: x.T):
        x = pt.asarray(np.ones((2, 3)))
        assert pt.grad(lambda x, view=view: view(x).sum())(x).numpy().sum() == view(x).size


def test_positions_of_a_compiled_step_are_checked_when_it_runs() -> None:
    pick = pt.compile(lambda x, i, j: x[i, j])
    x, inside = pt.asarray(X), pt.tensor([0, -1])
    np.testing.assert_array_equal(pick(x, inside, inside).numpy(), X[[0, -1], [0, -1]])
    with pytest.raises(pt.IndexError, match="received an index out of range"):
        pick(x, inside, pt.tensor([0, 3])).numpy()


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (np.array([True, False, True]), "[index] received a mask of [3]; expected one of [2]"),
        (np.array([0.5]), "[index] received an index of float64; expected integers or a mask"),
        (([0, 1],) * 5, "[index] received 5 indices for 4 axes; expected at most 4"),
        ((..., ...), "[index] received (Ellipsis, Ellipsis); expected one ... at most"),
        ("a", "[index] received 'a'; expected integers, slices, None, ..., arrays of integers and masks"),
    ],
)
def test_indices_that_are_refused(index: Any, text: str) -> None:
    with pytest.raises(IndexError) as caught:
        pt.asarray(X)[index]
    assert str(caught.value) == f"{text}; see help(powertrain.take)"


def test_a_mask_of_a_compiled_step_is_refused() -> None:
    with pytest.raises(pt.TraceError, match=r"^\[index\] received a mask whose values are known only when"):
        pt.compile(lambda x: x[x > 0])(pt.asarray(X))


BITS = (operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift)


@pytest.mark.parametrize("op", BITS, ids=lambda op: op.__name__)
def test_operators_on_bits(op: Any) -> None:
    a, b = np.array([6, 3, 12]), np.array([1, 2, 3])
    x, y = pt.asarray(a), pt.asarray(b)
    for got, want in ((op(x, b), op(a, b)), (op(a, y), op(a, b)), (op(7, y), op(7, b))):
        np.testing.assert_array_equal(got.numpy(), want)
    if op in BITS[:3]:
        truth = np.array([[True, False], [True, True]])
        np.testing.assert_array_equal(op(pt.asarray(truth[0]), truth[1]).numpy(), op(truth[0], truth[1]))


def test_invert_and_plus() -> None:
    np.testing.assert_array_equal((~pt.tensor([True, False])).numpy(), [False, True])
    np.testing.assert_array_equal((~pt.tensor([5])).numpy(), [-6])
    np.testing.assert_array_equal((+pt.tensor([5.0])).numpy(), [5.0])


# ---------------------------------------------------------------- creation


def test_what_is_made_like_another() -> None:
    x = pt.ones((2, 3), dtype="float16")
    assert pt.zeros_like(x).dtype.name == "float16" and pt.zeros_like(x).shape == (2, 3)
    assert pt.ones_like(x, "int64").numpy().tolist() == [[1, 1, 1]] * 2
    assert pt.full_like([1, 2], 7).numpy().tolist() == [7, 7]


@pytest.mark.parametrize("arguments", [(3,), (2, 4), (4, 2, 1), (3, 3, -2), (0,)], ids=str)
def test_eye_is_numpys(arguments: tuple[int, ...]) -> None:
    np.testing.assert_array_equal(pt.eye(*arguments).numpy(), np.eye(*arguments))


@pytest.mark.parametrize("arguments", [(0, 1, 5), (0, 1, 5, False), (2, -3), (1, 1, 1), (0, 1, 0)], ids=str)
def test_linspace_is_numpys(arguments: Any) -> None:
    np.testing.assert_array_equal(pt.linspace(*arguments).numpy(), np.linspace(*arguments).astype("float32"))


@pytest.mark.parametrize("indexing", ["xy", "ij"])
@pytest.mark.parametrize("sizes", [(3,), (2, 3), (2, 3, 4)], ids=str)
def test_meshgrid_is_numpys(sizes: tuple[int, ...], indexing: Any) -> None:
    axes = [np.arange(float(n)) for n in sizes]
    for got, want in zip(pt.meshgrid(*axes, indexing=indexing), np.meshgrid(*axes, indexing=indexing), strict=True):
        np.testing.assert_array_equal(got.numpy(), want)


def test_shapes_that_do_not_fit_are_refused() -> None:
    with pytest.raises(pt.ShapeError, match=r"^\[broadcast_shapes\] shapes \[2\], \[3\] do not broadcast; expected"):
        pt.broadcast_arrays(pt.ones((2,)), pt.ones((3,)))
    assert [x.shape for x in pt.meshgrid(2.0, pt.arange(3))] == [(3, 1), (3, 1)]
    with pytest.raises(pt.ShapeError, match=r"^\[meshgrid\] an axis has shape \[2, 2\]; expected vectors; flatten it$"):
        pt.meshgrid(pt.ones((2, 2)))


# ---------------------------------------------------------------- what depends on values


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int8", "bool"])
def test_unique_is_numpys(dtype: str) -> None:
    x = np.random.default_rng(0).integers(0, 4, (5, 7))
    tensor = pt.tensor(x).astype(dtype)
    wide = tensor.astype("float32").numpy()
    found = pt.unique_all(tensor)
    assert found.values.dtype.name == dtype
    wanted = np.unique(wide, return_index=True, return_inverse=True, return_counts=True)
    np.testing.assert_array_equal(found.values.astype("float32").numpy(), wanted[0])
    np.testing.assert_array_equal(found.indices.numpy(), wanted[1])
    np.testing.assert_array_equal(found.inverse_indices.numpy(), wanted[2].reshape(x.shape))
    np.testing.assert_array_equal(found.counts.numpy(), wanted[3])
    assert pt.unique_counts(tensor).counts.numpy().sum() == 35
    np.testing.assert_array_equal(pt.unique_inverse(tensor).inverse_indices.numpy(), found.inverse_indices.numpy())


def test_every_nan_is_a_value_of_its_own() -> None:
    assert pt.unique_values(pt.tensor([np.nan, 1.0, np.nan])).shape == (3,)


def test_nonzero_is_numpys() -> None:
    x = np.random.default_rng(0).integers(0, 2, (4, 5))
    for got, want in zip(pt.nonzero(x), np.nonzero(x), strict=True):
        np.testing.assert_array_equal(got.numpy(), want)
    with pytest.raises(pt.ShapeError, match=r"^\[nonzero\] x is a scalar; expected at least one axis"):
        pt.nonzero(3)
    with pytest.raises(pt.TraceError, match=r"^\[nonzero\] received a tensor whose values are known only when"):
        pt.compile(lambda x: pt.nonzero(x)[0])(pt.asarray(x))


# ---------------------------------------------------------------- products over named axes

SUMS: list[tuple[str, list[tuple[int, ...]]]] = [
    ("ij,jk->ik", [(2, 3), (3, 4)]), ("ij,jk", [(2, 3), (3, 4)]), ("ii->i", [(3, 3)]), ("ii", [(3, 3)]),
    ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]), ("bhqd,bhkd->bhqk", [(2, 3, 4, 5), (2, 3, 6, 5)]),
    ("i,j,k->kji", [(2,), (3,), (4,)]), ("ijk->k", [(2, 3, 4)]), ("ij,ij,ij->j", [(2, 3)] * 3),
    ("a...,a...->...", [(3, 2, 1), (3, 5)]), ("i,i", [(0,), (0,)]), ("ij,jk,kl->il", [(2, 3), (3, 4), (4, 5)]),
    ("iij,jkk->ik", [(2, 2, 3), (3, 4, 4)]), (",i->i", [(), (3,)]), ("ba", [(2, 3)]),
]  # fmt: skip


@pytest.mark.parametrize("dtype", ["float64", "int64"])
@pytest.mark.parametrize(("subscripts", "shapes"), SUMS, ids=str)
def test_einsum_is_numpys(subscripts: str, shapes: list[tuple[int, ...]], dtype: str) -> None:
    rng = np.random.default_rng(0)
    operands = [(10 * rng.standard_normal(shape)).astype(dtype) for shape in shapes]
    got, want = pt.einsum(subscripts, *operands).numpy(), np.einsum(subscripts, *operands)
    assert got.dtype == want.dtype and got.shape == want.shape
    np.testing.assert_allclose(got, want, rtol=1e-12, atol=1e-9)


def test_the_gradient_of_einsum() -> None:
    rng = np.random.default_rng(0)
    a, b, g = rng.standard_normal((2, 3)), rng.standard_normal((4, 3)), rng.standard_normal((4, 2))
    loss = lambda a, b: (pt.einsum("ij,kj->ki", a, b) * g).sum()  # noqa: E731
    for step in (pt.grad(loss, argnums=(0, 1)), pt.compile(pt.grad(loss, argnums=(0, 1)))):
        da, db = step(pt.asarray(a), pt.asarray(b))
        np.testing.assert_allclose(da.numpy(), g.T @ b)
        np.testing.assert_allclose(db.numpy(), g @ a)


@pytest.mark.parametrize(
    ("subscripts", "text"),
    [
        ("ij,jk", "1 operands; expected 2"),
        ("ijk", "operand 0 of 2 axes; expected 3"),
        ("i", "operand 0 of 2 axes; expected 1"),
        ("i1", "operand 0 named 'i1'; expected letters, and ... once"),
        ("ij->ik", "a result 'ik'; expected letters of the operands, each once"),
        ("ii", "sizes 2 and 3 of one letter; expected equal sizes"),
    ],
)
def test_subscripts_that_are_refused(subscripts: str, text: str) -> None:
    with pytest.raises(pt.ShapeError) as caught:
        pt.einsum(subscripts, pt.ones((2, 3)))
    assert str(caught.value) == f"[einsum] subscripts {subscripts!r}: {text}; see help(pt.einsum)"


@pytest.mark.parametrize("cols", [48, 45])
def test_a_large_scatter_clears_the_rows_that_nothing_is_added_to(cols: int) -> None:
    """Past the caches, where a row is whole lines of memory."""
    size = (36 << 20) // (4 * cols)
    used = pt.full((size, cols), np.nan)  # whose memory is likely to be taken again
    del used
    index, updates = np.array([3, size - 1, 3]), np.random.default_rng(0).normal(size=(3, cols)).astype("f")
    found = pt.ops.functional.OPERATORS["scatter_add"](index, updates, size=size).numpy()
    np.testing.assert_array_equal(found[3], updates[0] + updates[2])
    np.testing.assert_array_equal(found[-1], updates[1])
    found = found.copy()
    found[[3, -1]] = 0
    assert not found.any()


@pytest.mark.parametrize("axes", [0, 1, 2, ([0, 2], [1, 0]), ([-1], [0])], ids=str)
def test_tensordot_is_numpys(axes: Any) -> None:
    rng = np.random.default_rng(0)
    a, b = rng.standard_normal((3, 3, 3)), rng.standard_normal((3, 3, 3))
    np.testing.assert_allclose(pt.tensordot(a, b, axes).numpy(), np.tensordot(a, b, axes), rtol=1e-12, atol=1e-12)


def test_tensordot_refuses_sizes_that_differ() -> None:
    with pytest.raises(pt.ShapeError) as caught:
        pt.tensordot(pt.ones((2, 3)), pt.ones((4, 3)), 1)
    assert str(caught.value) == (
        "[tensordot] a is [2, 3], b is [4, 3], axes 1 and 0; expected equal sizes; transpose one of them"
    )


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_neighbour_of_zero_towards_the_other_zero_is_that_one(dtype: str) -> None:
    x = np.array([0.0, -0.0, 0.0, -0.0, 0.0], dtype)
    y = np.array([-0.0, 0.0, 1.0, 1.0, -1.0], dtype)
    got = pt.nextafter(pt.tensor(x), pt.tensor(y)).numpy()
    np.testing.assert_array_equal(got.view(f"uint{8 * x.itemsize}"), np.nextafter(x, y).view(f"uint{8 * x.itemsize}"))
