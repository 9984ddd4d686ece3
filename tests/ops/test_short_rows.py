"""Reductions, row programs and running sums over rows and lines of every length near the widths that kernels work in:
the order of each sum, extremes among NaN, ties and zeros, and equal bits for any strides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import powertrain as pt

Array = NDArray[Any]
WIDTHS = [*range(1, 34), 47, 48, 49, 63, 64, 65, 127, 128, 129, 1000, 1023, 1024, 1025, 2500]
DTYPES = ("float32", "float64", "float16", "bfloat16", "uint8", "int8", "int16", "int32", "int64", "uint32", "uint64")
ROWS = 37


def drawn(shape: tuple[int, ...], dtype: str, seed: int = 0) -> Any:
    rng = np.random.default_rng(seed)
    if "float" in dtype:
        return pt.tensor(rng.standard_normal(shape).astype(np.float32)).astype(dtype)
    return pt.tensor(rng.integers(0, 9, shape)).astype(dtype)


def bits(tensor: Any) -> bytes:
    return np.ascontiguousarray(
        tensor.astype("float32").numpy() if tensor.dtype.name == "bfloat16" else tensor.numpy()
    ).tobytes()


def halves(lanes: Array) -> Array:
    while lanes.shape[-1] > 1:
        half = lanes.shape[-1] // 2
        lanes = lanes[..., :half] + lanes[..., half:]
    return lanes[..., 0]


def canonical_sum(x: Array) -> Array:
    """As docs/numerics.md has it: 64 lanes, or 16 for at most as many elements, in blocks of 1,024."""
    blocks = []
    for begin in range(0, x.shape[-1], 1024):
        block = x[..., begin : begin + 1024]
        count = 16 if x.shape[-1] <= 16 else 64
        lanes = np.zeros((*x.shape[:-1], count), x.dtype)
        for at in range(0, block.shape[-1], count):
            piece = block[..., at : at + count]
            lanes[..., : piece.shape[-1]] += piece
        if count == 64:
            lanes = (lanes[..., :16] + lanes[..., 32:48]) + (lanes[..., 16:32] + lanes[..., 48:])
        blocks.append(halves(lanes))
    stack: list[tuple[int, Array]] = []
    for value in blocks:
        size = 1
        while stack and stack[-1][0] == size:
            value, size = stack.pop()[1] + value, 2 * size
        stack.append((size, value))
    total = stack.pop()[1]
    while stack:
        total = stack.pop()[1] + total
    return total


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_is_summed_in_the_order_of_the_documentation(dtype: str) -> None:
    for width in WIDTHS:
        x = drawn((ROWS, width), dtype, width).numpy() * np.float32(1e3)
        x[0] = -0.0
        got = pt.sum(pt.tensor(x), axis=1).numpy()
        assert got.tobytes() == canonical_sum(x).tobytes(), width


@pytest.mark.parametrize("dtype", DTYPES)
def test_extremes_and_their_places(dtype: str) -> None:
    for width in WIDTHS:
        x = drawn((ROWS, width), dtype, width)
        for data, axis in ((x, 1), (drawn((width, ROWS), dtype, width), 0)):
            plain = data.astype("float64").numpy() if "float" in dtype else data.numpy()
            for name in ("max", "min", "argmax", "argmin"):
                got = getattr(pt, name)(data, axis=axis)
                want = getattr(np, name)(plain, axis=axis)
                np.testing.assert_array_equal(got.astype("float64").numpy(), want.astype(np.float64), f"{name} {width}")


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_extremes_among_nan_infinities_and_ties(dtype: str) -> None:
    for width in WIDTHS:
        plain = np.random.default_rng(width).integers(-2, 3, (ROWS, width)).astype(np.float64)
        plain[1] = -np.inf
        plain[2] = np.inf
        for row in range(3, 9):
            plain[row, (row * 7) % width] = np.nan
            plain[row, (row * 11) % width] = np.nan
        plain[9, width - 1], plain[10, 0], plain[11] = np.nan, np.nan, np.nan
        x = pt.tensor(plain).astype(dtype)
        column = pt.tensor(np.ascontiguousarray(plain.T)).astype(dtype)
        for name in ("max", "min", "argmax", "argmin"):
            want = getattr(np, name)(plain, axis=1)
            for got in (
                getattr(pt, name)(x, axis=1),
                getattr(pt, name)(column, axis=0),
                getattr(pt, name)(column.T, axis=1),
            ):
                np.testing.assert_array_equal(got.astype("float64").numpy(), want, f"{name} {width}")


def test_the_largest_of_zeros_has_the_same_sign_in_any_layout() -> None:
    for width in WIDTHS:
        x = np.where(np.random.default_rng(width).random((ROWS, width)) < 0.5, np.float32(0.0), np.float32(-0.0))
        for function in (pt.max, pt.min):
            plain = bits(function(pt.tensor(x), axis=1))
            assert bits(function(pt.tensor(np.ascontiguousarray(x.T)).T, axis=1)) == plain
            assert bits(function(pt.tensor(np.repeat(x, 2, axis=1))[:, ::2], axis=1)) == plain


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("width", [1, 2, 3, 10, 16, 17, 33, 64, 100, 1000, 1024, 1100])
def test_strides_do_not_change_a_bit_of_row_programs(dtype: str, width: int) -> None:
    x = drawn((ROWS, width), dtype, 5)
    turned = pt.tensor(np.ascontiguousarray(x.astype("float64").numpy().T)).astype(dtype).T
    double = pt.tensor(np.repeat(np.repeat(x.astype("float64").numpy(), 2, axis=0), 3, axis=1)).astype(dtype)
    programs = [lambda t: pt.sum(t, axis=1), lambda t: pt.max(t, axis=1), lambda t: pt.argmin(t, axis=1)]
    if "float" in dtype:
        programs += [pt.softmax, lambda t: pt.var(t, axis=1), lambda t: pt.logsumexp(t, axis=1)]
    for program in programs:
        plain = bits(program(x))
        for other in (turned, double[::2, ::3], pt.concat([x, x], axis=1)[:, :width]):
            assert bits(program(other)) == plain
        assert bits(pt.compile(program)(turned)) == plain


@pytest.mark.parametrize("rows", [1, 2, 15, 16, 17, 33])
def test_few_rows_and_none(rows: int) -> None:
    for width in (1, 2, 10, 17, 40):
        x = drawn((rows, width), "float32", rows)
        np.testing.assert_array_equal(pt.argmax(x, axis=1).numpy(), x.numpy().argmax(1))
        np.testing.assert_array_equal(pt.max(x, axis=1).numpy(), x.numpy().max(1))
        np.testing.assert_allclose(pt.softmax(x).numpy().sum(1), 1, rtol=1e-6)
        assert pt.max(x[:0], axis=1).shape == pt.argmax(x[:0], axis=1).shape == (0,)
        assert pt.sum(x[:, :0], axis=1).numpy().tolist() == [0.0] * rows


COMPARISONS = ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")


@pytest.mark.parametrize("name", COMPARISONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_choice_by_a_comparison(name: str, dtype: str) -> None:
    rng = np.random.default_rng(0)
    a, b = (rng.integers(-2, 3, (5, 333)).astype(dtype) for _ in range(2))
    a[0, 3] = b[1, 4] = a[2, 5] = b[2, 5] = np.nan
    compare = getattr(pt, name)
    x, y = pt.tensor(a), pt.tensor(b)
    programs = {
        "of two": (lambda x, y: pt.where(compare(x, y), x, y), lambda m: np.where(m(a, b), a, b)),
        "of a number": (
            lambda x, y: pt.where(compare(x, 1.0), 2.0 * x, y),
            lambda m: np.where(m(a, dtype_one), 2 * a, b),
        ),
        "turned": (lambda x, y: pt.where(compare(1.0, x), x, 0.0), lambda m: np.where(m(dtype_one, a), a, 0)),
        "with others": (
            lambda x, y: pt.where(compare(x, y), x + y, x - y) * pt.where(compare(y, x), x, 3.0),
            lambda m: np.where(m(a, b), a + b, a - b) * np.where(m(b, a), a, 3),
        ),
    }
    dtype_one = np.ones((), dtype)
    for program, reference in programs.values():
        want = reference(getattr(np, name)).astype(dtype)
        np.testing.assert_array_equal(program(x, y).numpy(), want)
        np.testing.assert_array_equal(pt.compile(program)(x, y).numpy(), want)
    # A mask that others read too, and one of another class than the values.
    both = pt.compile(lambda x, y: (compare(x, y), pt.where(compare(x, y), x, y)))(x, y)
    np.testing.assert_array_equal(both[0].numpy(), getattr(np, name)(a, b))
    np.testing.assert_array_equal(both[1].numpy(), np.where(getattr(np, name)(a, b), a, b))
    whole = pt.tensor(np.arange(a.size).reshape(a.shape))
    chosen = pt.compile(lambda x, y, i: pt.where(compare(x, y), i, -i))(x, y, whole)
    np.testing.assert_array_equal(chosen.numpy(), np.where(getattr(np, name)(a, b), whole.numpy(), -whole.numpy()))


@pytest.mark.parametrize("dtype", [*DTYPES, "bool"])
@pytest.mark.parametrize("kind", ["cumulative_sum", "cumulative_prod"])
def test_neighbouring_lines_run_as_single_ones(dtype: str, kind: str) -> None:
    function = getattr(pt, kind)
    for lines in (1, 2, 3, 10, 15, 16, 17, 32, 33):
        for length in (1, 2, 50):
            x = (
                drawn((2, length, lines), "int64", lines).astype(dtype)
                if dtype == "bool"
                else drawn((2, length, lines), dtype)
            )
            alone = pt.stack([function(x[:, :, k], axis=1) for k in range(lines)], axis=2)
            assert bits(function(x, axis=1)) == bits(alone)
            assert bits(function(x, axis=1, reverse=True)) == bits(
                pt.flip(function(pt.flip(x, axis=1), axis=1), axis=1)
            )
            first = function(x, axis=1, include_initial=True)
            assert (
                bits(first[:, 1:]) == bits(alone)
                and (first[:, 0].astype("float64").numpy() == (kind == "cumulative_prod")).all()
            )
            turned = pt.permute_dims(x, (2, 1, 0))
            assert bits(function(turned, axis=1)) == bits(pt.permute_dims(alone, (2, 1, 0)))


@pytest.mark.parametrize("name", ["leaky_relu", "elu", "celu", "selu", "clip", "softshrink", "hardshrink", "threshold"])
@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_an_op_made_of_others_gives_the_same_at_every_call(name: str, dtype: str) -> None:
    rest = {"clip": {"min": -0.5, "max": 1.0}, "threshold": {"threshold": 0.1, "value": 2.0}}.get(name, {})
    function = pt.ops.functional.OPERATORS[name]
    x = drawn((7, 133), dtype)
    first = bits(function(x, **rest))
    for again in (
        function(x, **rest),
        function(x, **rest),
        function(x.T, **rest).T,
        pt.compile(lambda t: function(t, **rest))(x),
    ):
        assert bits(again) == first
    value, back = pt.vjp(lambda t: function(t, **rest), x)
    assert bits(value) == first
    assert back(x)[0].shape == x.shape
    for _ in range(3):
        with pytest.raises(pt.DTypeError):
            function(pt.tensor([True]).astype("complex64"), **rest)
