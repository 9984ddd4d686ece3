"""Products of bf16 by the processor's own instruction: how near, and that nothing but K decides their bits."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import powertrain as pt

SHAPES = [(1, 1, 1), (1, 2, 1), (3, 8, 5), (13, 17, 16), (14, 64, 32), (100, 301, 77), (64, 784, 256), (257, 770, 130),
          (5, 8397, 33), (300, 1000, 1), (65, 513, 513)]  # fmt: skip


def bf16(x: Any) -> pt.Tensor:
    return pt.tensor(np.ascontiguousarray(x, np.float32)).astype("bfloat16")


def views(x: np.ndarray[Any, Any]) -> list[pt.Tensor]:
    """The same matrix with other strides."""
    room = np.full((x.shape[0], 2 * x.shape[1] + 1), np.nan)
    room[:, 1::2] = x
    wide = np.full((x.shape[0], x.shape[1] + 3), np.nan)
    wide[:, 1:-2] = x
    tall = np.full((2 * x.shape[0], x.shape[1]), np.nan)
    tall[::2] = x
    return [bf16(x), bf16(x.T).T, bf16(room)[:, 1::2], bf16(wide)[:, 1:-2], bf16(tall.T).T[::2]]


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_close_and_the_same_for_all_strides(shape: tuple[int, int, int]) -> None:
    m, k, n = shape
    rng = np.random.default_rng(m + k + n)
    a, b = rng.normal(size=(m, k)), rng.normal(size=(k, n))
    exact = bf16(a).astype("float64").numpy() @ bf16(b).astype("float64").numpy()
    size = np.abs(bf16(a).astype("float64").numpy()) @ np.abs(bf16(b).astype("float64").numpy())
    found = [
        pt.matmul(x, y, dots="hardware").astype("float32").numpy() for x, y in itertools.product(views(a), views(b))
    ]
    # Half a unit of bf16 for the one rounding of the result, and float32 sums below it.
    assert np.all(np.abs(found[0] - exact) <= np.abs(exact) * 2.0**-8 + size * 2.0**-20)
    for other in found[1:]:
        assert np.array_equal(other, found[0])


def test_batches_and_broadcasts() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(3, 1, 7, 33)), rng.normal(size=(2, 33, 5))
    found = pt.matmul(bf16(a), bf16(b), dots="hardware").astype("float32").numpy()
    for i, j in itertools.product(range(3), range(2)):
        one = pt.matmul(bf16(a[i, 0]), bf16(b[j]), dots="hardware").astype("float32").numpy()
        assert np.array_equal(found[i, j], one)
    row = pt.broadcast_to(bf16(np.full((1, 1), 0.5)), (4, 33))
    same = pt.matmul(row, bf16(b[0]), dots="hardware").astype("float32").numpy()
    want = pt.matmul(bf16(np.full((4, 33), 0.5)), bf16(b[0]), dots="hardware").astype("float32").numpy()
    assert np.array_equal(same, want)


def test_other_dtypes_are_exact_all_the_same() -> None:
    rng = np.random.default_rng(2)
    a, b = pt.tensor(rng.normal(size=(20, 30))), pt.tensor(rng.normal(size=(30, 10)))
    for dtype in ("float16", "float32", "float64"):
        x, y = a.astype(dtype), b.astype(dtype)
        assert np.array_equal(pt.matmul(x, y, dots="hardware").numpy(), pt.matmul(x, y).numpy())


def test_autocast_takes_them_and_an_exact_call_does_not() -> None:
    rng = np.random.default_rng(3)
    a, b = pt.tensor(rng.normal(size=(64, 999)).astype("f")), pt.tensor(rng.normal(size=(999, 64)).astype("f"))
    low = [x.astype("bfloat16") for x in (a, b)]
    with pt.autocast("bf16"):
        default, exact, linear = a @ b, pt.matmul(a, b, dots="exact"), pt.linear(a, b)
    want = pt.matmul(*low, dots="hardware").astype("float32").numpy()
    assert np.array_equal(default.astype("float32").numpy(), want)
    assert np.array_equal(linear.astype("float32").numpy(), want)
    assert np.array_equal(exact.astype("float32").numpy(), pt.matmul(*low).astype("float32").numpy())


def test_gradients_and_compiled_steps_take_them_too() -> None:
    rng = np.random.default_rng(4)
    a, b = (bf16(rng.normal(size=shape)) for shape in ((33, 65), (65, 17)))

    def gradients(x: pt.Tensor, y: pt.Tensor) -> tuple[pt.Tensor, ...]:
        return pt.grad(lambda x, y: pt.matmul(x, y, dots="hardware").astype("float32").sum(), argnums=(0, 1))(x, y)

    ones = bf16(np.ones((33, 17)))
    want = pt.matmul(ones, b.T, dots="hardware"), pt.matmul(a.T, ones, dots="hardware")
    for found in (gradients(a, b), pt.compile(gradients)(a, b)):
        for one, other in zip(found, want, strict=True):
            assert np.array_equal(one.astype("float32").numpy(), other.astype("float32").numpy())
