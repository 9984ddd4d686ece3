"""Products of vectors and matrices are those of matmul: no axis is put in front, and the bits are the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain import _core
from powertrain.ops import products

SIZES = (1, 7, 64, 1025, 5000)


def draw(*shape: int) -> Any:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype("float32")


def batched(a: pt.Tensor, b: pt.Tensor) -> bytes:
    """The product of two matrices as a batch of one."""
    return pt.matmul(a[None], b[None]).numpy().tobytes()


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("n", SIZES)
def test_vectors_have_the_bits_of_a_batch_of_matrices(n: int, dtype: str) -> None:
    x, y = (pt.astype(pt.tensor(draw(n) + shift), dtype) for shift in (0, 1))
    as_float = (lambda t: pt.astype(t, "float32")) if dtype == "bfloat16" else (lambda t: t)
    want = as_float(pt.matmul(x.reshape(1, 1, n), y.reshape(1, n, 1))).numpy().tobytes()
    for product in (pt.dot, pt.inner, lambda a, b: pt.tensordot(a, b, 1), lambda a, b: pt.einsum("i,i->", a, b)):
        found = product(x, y)
        assert found.shape == () and found.dtype == x.dtype
        assert as_float(found).numpy().tobytes() == want


@pytest.mark.parametrize("n", SIZES)
def test_matrices_have_the_bits_of_a_batch_of_one(n: int) -> None:
    a, b, v = pt.tensor(draw(3, n)), pt.tensor(draw(n, 5)), pt.tensor(draw(n))
    assert pt.tensordot(a, b, 1).numpy().tobytes() == batched(a, b)
    assert pt.einsum("ij,kj->ik", a, b.T).numpy().tobytes() == batched(a, b)
    assert pt.einsum("ij,jk->ki", a, b).numpy().tobytes() == pt.matmul(a, b).T.copy().numpy().tobytes()
    assert pt.dot(a, v).numpy().tobytes() == batched(a, v[:, None])
    assert pt.einsum("j,jk->k", v, b).numpy().tobytes() == batched(v[None], b)


def test_gradients_of_vectors() -> None:
    x, y = pt.tensor(draw(9)), pt.tensor(draw(9) * 2)
    for product in (pt.dot, pt.inner):
        assert pt.grad(lambda x, p=product: p(x, y))(x).tolist() == y.tolist()
        assert pt.compile(pt.grad(lambda x, p=product: p(x, y)))(x).tolist() == y.tolist()


def test_integers_are_exact() -> None:
    big = pt.tensor([2**40 + 1, 3])
    assert pt.dot(big, big).item() == pt.inner(big, big).item() == (2**40 + 1) ** 2 % 2**64 + 9
    assert pt.tensordot(big, pt.tensor([1.0, 1.0]), 1).dtype.name == "float32"


def test_a_plan_of_plain_matrices_is_one_call() -> None:
    plan = products._planned("ij,jk->ik", ((3, 4), (4, 5)))
    assert plan.pairs[0].matrices == ((), ()) and plan.pairs[0].product == plan.pairs[0].shape and not plan.last


def test_slots_lists_and_errors() -> None:
    slot = pt.Slot(pt.tensor([1.0, 2.0]), name="w")
    assert pt.dot(slot, [3.0, 4.0]).item() == pt.inner([1.0, 2.0], slot).item() + 6.0 == 11.0
    with pytest.raises(pt.ShapeError, match=r"\[tensordot\] a is \[2\], b is \[3\]"):
        pt.dot(slot, pt.ones(3))
    for _ in range(2):
        with pytest.raises(pt.ShapeError, match=r"\[tensordot\] axes = 3"):
            pt.tensordot(pt.ones((2, 2)), pt.ones((2, 2)), 3)
        with pytest.raises(_core.Error, match=r"axes"):
            pt.tensordot(pt.ones((2, 2)), pt.ones((2, 2)), ([0], [0, 1]))
