"""Sums down columns, as gradients of weights are, come from the program that computes their rows: with equal bits."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

import powertrain as pt

RNG = np.random.default_rng(5)
LAYER_NORM = pt.ops.functional.OPERATORS["layer_norm"]
RMS_NORM = pt.ops.functional.OPERATORS["rms_norm"]
GROUP_NORM = pt.ops.functional.OPERATORS["group_norm"]
SHAPES = ((2048, 96), (2309, 65), (2, 4400, 7), (2100, 1500))


def tensor(*shape: int, dtype: str = "float32") -> pt.Tensor:
    return pt.tensor(RNG.normal(size=shape).astype(dtype))


def gradients(call: Callable[..., pt.Tensor], n: int) -> Callable[..., list[pt.Tensor]]:
    def both(g: pt.Tensor, *inputs: pt.Tensor) -> list[pt.Tensor]:
        value, back = pt.vjp(call, *inputs[:n])
        return [value, *back(g)]

    return both


CALLS: dict[str, tuple[Callable[..., pt.Tensor], int]] = {
    "layer_norm": (LAYER_NORM, 3),
    "rms_norm": (RMS_NORM, 2),
    "affine": (lambda x, w, b: pt.tanh(x) * w + b, 3),
}


def operands(call: str, shape: tuple[int, ...], dtype: str = "float32") -> list[pt.Tensor]:
    count = CALLS[call][1]
    return [tensor(*shape, dtype=dtype) for _ in range(2)] + [tensor(shape[-1], dtype=dtype) for _ in range(count - 1)]


def in_bytes(results: list[pt.Tensor]) -> list[bytes]:
    return [result.numpy().tobytes() for result in results]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("call", CALLS)
def test_the_bits_are_those_of_a_sum_of_its_own(call: str, shape: tuple[int, ...]) -> None:
    both = gradients(*CALLS[call])
    given = operands(call, shape)
    apart = in_bytes(pt.compile(both, fuse=False)(*given))
    for threads in (1, 2, 4):
        pt.set_threads(threads)
        assert in_bytes(pt.compile(both)(*given)) == apart, threads
        for _ in range(3):  # the first eager call goes op by op
            assert in_bytes(both(*given)) == apart, threads


@pytest.mark.parametrize("shape", [(162, 1), (30, 700, 1), (1, 5), (2000, 2)])
def test_a_single_column_is_summed_as_a_row(shape: tuple[int, ...]) -> None:
    x, axes = tensor(*shape, dtype="float64"), tuple(range(len(shape) - 1))
    want = pt.sum(pt.exp(x), axis=axes, keepdims=True).numpy().tobytes()
    for threads in (1, 2, 7):
        pt.set_threads(threads)
        got = pt.compile(lambda x: pt.sum(pt.exp(x), axis=axes, keepdims=True))(x)
        assert got.numpy().tobytes() == want, threads


def test_of_two_blocks_in_float64() -> None:
    both = gradients(LAYER_NORM, 3)
    g, x, w, b = operands("layer_norm", (4500, 33), "float64")
    pt.set_threads(1)
    _, dx, dw, db = pt.compile(both)(g, x, w, b)
    rows, back = x.numpy(), g.numpy()
    scale = 1 / np.sqrt(rows.var(1, keepdims=True) + 1e-5)
    value = (rows - rows.mean(1, keepdims=True)) * scale
    h = back * w.numpy()
    slope = (h - h.mean(1, keepdims=True) - value * (h * value).mean(1, keepdims=True)) * scale
    np.testing.assert_allclose(dw.numpy(), (back * value).sum(0), rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(db.numpy(), back.sum(0), rtol=1e-11, atol=1e-10)
    np.testing.assert_allclose(dx.numpy(), slope, rtol=1e-10, atol=1e-12)


def test_a_second_derivative_has_the_bits_of_calls_of_their_own() -> None:
    w = tensor(48)

    def penalty(w: pt.Tensor, x: pt.Tensor) -> pt.Tensor:
        return pt.sum(pt.grad(lambda v: pt.sum(pt.tanh(LAYER_NORM(x, v)) ** 2))(w) ** 2)

    pt.set_threads(1)
    x = tensor(1100, 48)
    both = [pt.compile(pt.grad(penalty), fuse=fuse)(w, x).numpy().tobytes() for fuse in (False, True)]
    assert both[0] == both[1]


def test_nothing_is_kept_for_a_sum_of_columns_alone() -> None:
    pt.set_threads(1)
    step = pt.compile(gradients(LAYER_NORM, 3))
    given = operands("layer_norm", (2048, 768))
    step(*given)
    launches = [line.split()[1] for line in step.describe().splitlines() if line[:5].strip().isdigit()]
    assert "sum" not in launches and "fused" in launches
    arena = step.programs[0]["arena_bytes"]
    assert arena < 2048 * 768 * 4, "the products of g and the normalized rows went through memory"


# Sums over the rows of each example alone, around the blocks of 256 rows, and too few rows or examples to go along.
EXAMPLES = ((40, 31, 8), (40, 49, 24), (33, 256, 16), (20, 15, 20, 18), (16, 600, 8), (3, 2, 9, 700, 10), (9, 4200, 6))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16"])
@pytest.mark.parametrize("shape", EXAMPLES)
def test_sums_of_each_example_have_the_bits_of_sums_of_their_own(shape: tuple[int, ...], dtype: str) -> None:
    axes = tuple(range(1 if len(shape) < 5 else 2, len(shape) - 1))

    def centered(x: pt.Tensor, w: pt.Tensor) -> tuple[pt.Tensor, ...]:
        rows = x - pt.mean(x, axis=axes, keepdims=True)
        kept = pt.sum(pt.square(rows), axis=axes, keepdims=True)
        return rows * pt.rsqrt(kept + 1) * w, kept, pt.sum(rows * w, axis=axes, keepdims=True)

    given = tensor(*shape, dtype=dtype), tensor(shape[-1], dtype=dtype)
    apart = in_bytes(list(pt.compile(centered, fuse=False)(*given)))
    for threads in (1, 2, 4, 7):
        pt.set_threads(threads)
        assert in_bytes(list(pt.compile(centered)(*given))) == apart, threads


@pytest.mark.parametrize("shape", [(40, 7, 7, 24), (16, 28, 28, 16), (64, 300, 12)])
def test_group_norm_and_its_gradient_have_those_bits_too(shape: tuple[int, ...]) -> None:
    both = gradients(lambda x, w, b: GROUP_NORM(x, w, b, num_groups=4), 3)
    given = [tensor(*shape), tensor(*shape), tensor(shape[-1]), tensor(shape[-1])]
    apart = in_bytes(pt.compile(both, fuse=False)(*given))
    for threads in (1, 2, 4, 7):
        pt.set_threads(threads)
        assert in_bytes(pt.compile(both)(*given)) == apart, threads


def test_sums_of_other_rows_stay_apart() -> None:
    """Over each example and over all: one program has sums of as many rows alone."""
    x = tensor(64, 100, 24)

    def both(x: pt.Tensor) -> list[pt.Tensor]:
        y = pt.exp(x)
        return [pt.sum(y, axis=1, keepdims=True), pt.sum(y, axis=(0, 1), keepdims=True), pt.sum(y, axis=1)]

    apart = in_bytes(pt.compile(both, fuse=False)(x))
    for threads in (1, 2):
        pt.set_threads(threads)
        assert in_bytes(pt.compile(both)(x)) == apart, threads


def test_squares_are_not_kept_for_a_group_norm() -> None:
    pt.set_threads(1)
    step = pt.compile(lambda x: GROUP_NORM(x, num_groups=4))
    step(tensor(64, 28, 28, 16))
    assert step.programs[0]["arena_bytes"] < 1.5 * 64 * 28 * 28 * 16 * 4, "the squares went through memory"


def test_a_product_takes_no_sums_of_columns_along() -> None:
    """On one thread, where sums of few rows go along too, of a product that their rows alone read in the end."""
    pt.set_threads(1)
    pt.random.seed(0)
    model = pt.nn.Sequential(pt.nn.TransformerBlock(8, 2), pt.nn.Flatten(), pt.nn.Linear(48, 2))
    x, y = tensor(32, 6, 8), RNG.integers(0, 2, 32)
    both = pt.nn.value_and_grad(model, lambda: pt.nn.functional.cross_entropy(model(x), y))
    apart, together = pt.compile(lambda: both(), fuse=False)(), pt.compile(lambda: both())()
    assert together[0].numpy().tobytes() == apart[0].numpy().tobytes()
    for name, grad in apart[1].items():
        assert together[1][name].numpy().tobytes() == grad.numpy().tobytes(), name
