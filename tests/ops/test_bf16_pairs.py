"""Products of bf16 by the processor's own instructions: how near, and that nothing but K decides their bits."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import powertrain as pt
import powertrain.nn.functional as F

SHAPES = [(1, 1, 1), (1, 2, 1), (3, 8, 5), (13, 17, 16), (14, 64, 32), (100, 301, 77), (64, 784, 256), (257, 770, 130),
          (5, 8397, 33), (300, 1000, 1), (65, 513, 513), (32, 64, 48), (48, 8193, 16),
          (2, 96, 1000), (520, 2048, 96)]  # fmt: skip


def has_tiles() -> bool:
    """Whether products go through the tile registers: AMX, which Linux alone lends to a process."""
    information = Path("/proc/cpuinfo")
    if os.environ.get("POWERTRAIN_AMX") == "0":
        return False
    return pt.isa() == "avx512" and information.exists() and "amx_bf16" in information.read_text(encoding="utf-8")


needs_tiles = pytest.mark.skipif(not has_tiles(), reason="this processor has no tile registers (AMX) for bf16")


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


def test_sums_of_blocks_that_cancel_to_subnormal_numbers() -> None:
    m, k, n = 20, 8300, 101  # 1.5 and -1 times the least normal number, in two blocks of K, whichever instructions sum
    a, b = np.zeros((m, k)), np.zeros((k, n))
    a[:, 0], a[:, 8200], b[0], b[8200] = 1.5 * 2.0**-63, -(2.0**-63), 2.0**-63, 2.0**-63
    a[3, 8200], b[0, 100] = 0, 2.0**20
    want = (a @ b).astype(np.float32)
    assert np.count_nonzero(np.abs(want) < np.finfo(np.float32).tiny) == (m - 1) * (n - 1)
    for left, right in itertools.product(views(a), views(b)):
        found = pt.matmul(left, right, dots="hardware").astype("float32").numpy()
        assert np.array_equal(found, bf16(want).astype("float32").numpy())


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
        default, exact, linear = a @ b, pt.matmul(a, b, dots="exact"), F.linear(a, b)
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


def by_tiles(a: np.ndarray[Any, Any], b: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """The order of the tile registers: in steps of 32, even and odd numbers apart; groups of 8,192 add ascending."""
    total = None
    for begin in range(0, a.shape[1], 8192):
        group = np.zeros((a.shape[0], b.shape[1]), np.float32)
        for step in range(begin, min(begin + 8192, a.shape[1]), 32):
            parts = [np.zeros_like(group), np.zeros_like(group)]
            for k in range(step, min(step + 32, begin + 8192, a.shape[1])):
                parts[k % 2] = parts[k % 2] + a[:, k, None] * b[None, k]  # of bf16: exact products
            group = group + (parts[0] + parts[1])
        total = group if total is None else total + group
    assert total is not None
    return total


@needs_tiles
@pytest.mark.parametrize("shape", [(5, 7, 3), (33, 100, 20), (16, 512, 48), (3, 8192, 2), (3, 20000, 5)], ids=str)
def test_the_order_of_tiles(shape: tuple[int, int, int]) -> None:
    m, k, n = shape
    rng = np.random.default_rng(m)
    a, b = bf16(rng.normal(size=(m, k))), bf16(rng.normal(size=(k, n)))
    want = bf16(by_tiles(a.astype("float32").numpy(), b.astype("float32").numpy()))
    found = pt.matmul(a, b, dots="hardware")
    assert np.array_equal(found.astype("float32").numpy(), want.astype("float32").numpy())


@needs_tiles
def test_tiles_sum_even_and_odd_numbers_apart() -> None:
    # Any single chain loses the 1 beside 2**30.
    a, b = bf16([[1.0, 2.0**30, 0.0, -(2.0**30)]]), bf16(np.ones((4, 1)))
    assert pt.matmul(a, b, dots="hardware").item() == 1
    assert pt.matmul(a, b).item() == 0


def test_the_same_for_any_number_of_threads() -> None:
    rng = np.random.default_rng(5)
    before = pt.get_threads()
    operands = [(bf16(rng.normal(size=(m, k))), bf16(rng.normal(size=(k, n))))
                for m, k, n in ((300, 700, 500), (64, 20000, 100), (1000, 64, 1000), (1024, 1024, 512))]  # fmt: skip
    try:
        found = []
        for threads in (1, 2, 4, 7):
            pt.set_threads(threads)
            found.append([pt.matmul(a, b, dots="hardware").astype("float32").numpy() for a, b in operands])
    finally:
        pt.set_threads(before)
    for other in found[1:]:
        assert all(np.array_equal(one, two) for one, two in zip(found[0], other, strict=True))


def test_infinities_and_nans_stay_in_their_rows_and_columns() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.normal(size=(37, 45)), rng.normal(size=(45, 39))
    a[3, 44], a[36, 0], b[7, 38] = np.inf, np.nan, -np.inf
    found = pt.matmul(bf16(a), bf16(b), dots="hardware").astype("float32").numpy()
    with np.errstate(invalid="ignore"):
        want = bf16(a).astype("float64").numpy() @ bf16(b).astype("float64").numpy()
    assert np.array_equal(np.isnan(found), np.isnan(want))
    assert np.array_equal(found[np.isinf(want)], want[np.isinf(want)])
    rest = np.isfinite(want)
    assert np.all(np.abs(found[rest] - want[rest]) <= np.abs(want[rest]) * 2.0**-8 + 1e-4)


FOLLOWERS: dict[str, Callable[[pt.Tensor, dict[str, pt.Tensor]], pt.Tensor]] = {
    "bias": lambda y, p: y + p["bias"],
    "gradient": lambda y, p: pt.relu(p["x"]) * y,
    "tanh": lambda y, p: pt.tanh(y),
    "cast": lambda y, p: y.astype("float32"),
    "wide": lambda y, p: y.astype("float32") * p["wide"],
    "second gradient": lambda y, p: p["wide"] + y.astype("float32"),
}


@pytest.mark.parametrize("dots", ["hardware", "exact"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("follower", FOLLOWERS)
def test_what_follows_a_product_of_16_bits_sees_it_rounded(follower: str, dtype: str, dots: str) -> None:
    """Compiled, the product does it (an epilogue); eagerly each call is one of its own."""
    after = FOLLOWERS[follower]

    def both(left: pt.Tensor, right: pt.Tensor, parts: dict[str, pt.Tensor]) -> pt.Tensor:
        return after(pt.matmul(left, right, dots=dots), parts)

    rng = np.random.default_rng(7)
    for m, k, n in ((16, 8, 32), (33, 65, 17), (300, 300, 100), (1040, 40, 1056)):
        a, b, bias, x = (pt.tensor(rng.normal(size=s)).astype(dtype) for s in ((m, k), (k, n), (n,), (m, n)))
        parts = {"bias": bias, "x": x, "wide": pt.tensor(rng.normal(size=(m, n)).astype("f"))}
        for left in (a, pt.tensor(np.ascontiguousarray(a.astype("float32").numpy().T)).astype(dtype).T):
            eager, compiled = both(left, b, parts), pt.compile(both)(left, b, parts)
            assert np.array_equal(eager.astype("float32").numpy(), compiled.astype("float32").numpy())
