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


def halves(lanes: Array, join: Any) -> Array:
    while lanes.shape[-1] > 1:
        half = lanes.shape[-1] // 2
        lanes = join(lanes[..., :half], lanes[..., half:])
    return lanes[..., 0]


def canonical(x: Array, join: Any = np.add, empty: float = 0.0) -> Array:
    """As docs/numerics.md has it: 64 lanes, or 16 for at most as many elements, in blocks of 1,024."""
    blocks = []
    for begin in range(0, x.shape[-1], 1024):
        block = x[..., begin : begin + 1024]
        count = 16 if x.shape[-1] <= 16 else 64
        lanes = np.full((*x.shape[:-1], count), empty, x.dtype)
        for at in range(0, block.shape[-1], count):
            piece = block[..., at : at + count]
            lanes[..., : piece.shape[-1]] = join(lanes[..., : piece.shape[-1]], piece)
        if count == 64:
            lanes = join(join(lanes[..., :16], lanes[..., 32:48]), join(lanes[..., 16:32], lanes[..., 48:]))
        blocks.append(halves(lanes, join))
    stack: list[tuple[int, Array]] = []
    for value in blocks:
        size = 1
        while stack and stack[-1][0] == size:
            value, size = join(stack.pop()[1], value), 2 * size
        stack.append((size, value))
    total = stack.pop()[1]
    while stack:
        total = join(stack.pop()[1], total)
    return total


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_row_is_summed_and_multiplied_in_the_order_of_the_documentation(dtype: str) -> None:
    for width in WIDTHS:
        x = drawn((ROWS, width), dtype, width).numpy() * np.float32(1e3)
        x[0] = -0.0
        near_one = (1 + drawn((ROWS, width), dtype, width).numpy() / 64).astype(dtype)
        for data, function, want in (
            (x, pt.sum, canonical(x)),
            (near_one, pt.prod, canonical(near_one, np.multiply, 1.0)),
        ):
            turned = pt.tensor(np.ascontiguousarray(data.T)).T
            spaced = pt.tensor(np.repeat(data, 2, axis=1))[:, ::2]
            for given in (pt.tensor(data), turned, spaced, pt.concat([pt.tensor(data)] * 2, axis=1)[:, :width]):
                assert function(given, axis=1).numpy().tobytes() == want.tobytes(), width
        assert pt.prod(pt.tensor(near_one)).numpy() == canonical(near_one.reshape(-1), np.multiply, 1.0)


@pytest.mark.parametrize("dtype", DTYPES)
def test_rows_that_are_neighbours_in_memory_have_the_bits_of_others(dtype: str) -> None:
    """More blocks than one, more rows than a strip, axes before and behind, and few rows."""
    functions = [pt.sum, pt.max, pt.min, pt.prod, pt.any, pt.all]
    for shape in ((70, 5, 16), (2, 5200, 33), (1, 2049, 130), (3, 40, 17), (2, 1, 40), (1, 300, 5)):
        x = drawn(shape, dtype, shape[1])
        turned = pt.permute_dims(x, (0, 2, 1))
        plain = pt.tensor(np.ascontiguousarray(turned.astype("float64").numpy())).astype(dtype)
        for function in functions:
            assert bits(function(turned, axis=2)) == bits(function(plain, axis=2)), (shape, function)
    x = drawn((6, 7, 4, 18), dtype)
    for function in functions:
        got = function(pt.permute_dims(x, (3, 0, 2, 1)), axis=(1, 2, 3))
        plain = pt.tensor(np.ascontiguousarray(np.transpose(x.astype("float64").numpy(), (3, 0, 2, 1)))).astype(dtype)
        assert bits(got) == bits(function(plain, axis=(1, 2, 3)))
        assert bits(function(pt.permute_dims(x, (0, 3, 1, 2)), axis=(2, 3))) == bits(
            function(pt.reshape(pt.permute_dims(x, (0, 3, 1, 2)), (6, 18, 28)), axis=2)
        )


@pytest.mark.parametrize("dtype", ["bool", "uint8", "int8"])
def test_any_and_all_of_bytes(dtype: str) -> None:
    for width in (1, 2, 3, 15, 16, 63, 64, 65, 511, 512, 513, 1024, 1500):
        lone = np.zeros((40, width), dtype)
        lone[np.arange(1, 40), np.arange(1, 40) * 37 % width] = (
            1 if dtype == "bool" else 128 if dtype == "uint8" else -128
        )
        for data in (lone, lone == 0, np.ones_like(lone), np.zeros_like(lone)):
            x = pt.tensor(data)
            for given, want in ((x, data), (x[::3], data[::3]), (x[:, ::2], data[:, ::2]), (x[1:, 1:], data[1:, 1:])):
                np.testing.assert_array_equal(pt.any(given, axis=1).numpy(), want.any(axis=1))
                np.testing.assert_array_equal(pt.all(given, axis=1).numpy(), want.all(axis=1))
            assert pt.any(x).item() == data.any() and pt.all(x).item() == data.all()
            np.testing.assert_array_equal(pt.any(x, axis=0).numpy(), data.any(axis=0))
    empty = pt.zeros((3, 0), dtype=dtype)
    assert (
        pt.any(empty, axis=1).numpy().tolist() == [False] * 3 and pt.all(empty, axis=1).numpy().tolist() == [True] * 3
    )


def test_logic_of_masks_of_every_length() -> None:
    rng = np.random.default_rng(0)
    for n in (1, 15, 16, 17, 63, 64, 65, 100, 128, 191, 1000, 5000):
        a, b, c = (rng.random(n) < 0.5 for _ in range(3))
        x, y, z = (pt.tensor(v) for v in (a, b, c))
        for name in ("logical_and", "logical_or", "logical_xor", *COMPARISONS, "bitwise_and", "bitwise_or"):
            want = getattr(np, name)(a, b)
            np.testing.assert_array_equal(getattr(pt, name)(x, y).numpy(), want)
            np.testing.assert_array_equal(getattr(pt, name)(x, y[:1]).numpy(), getattr(np, name)(a, b[:1]))
        np.testing.assert_array_equal(pt.logical_not(x).numpy(), ~a)
        np.testing.assert_array_equal(pt.where(x, y, z).numpy(), np.where(a, b, c))
        np.testing.assert_array_equal(pt.compile(lambda x, y, z: (x & y) | ~z)(x, y, z).numpy(), (a & b) | ~c)


@pytest.mark.parametrize("dtype", ["float32", "float64", "bfloat16", "uint8", "int64"])
def test_calls_of_transposed_and_spaced_tensors(dtype: str) -> None:
    for rows, cols in ((16, 16), (17, 33), (40, 100), (130, 64), (3, 70), (70, 3), (128, 1030)):
        x = drawn((cols, rows), dtype)
        plain = np.ascontiguousarray(x.astype("float64").numpy().T)
        copy = pt.tensor(plain).astype(dtype)
        for function in (lambda t: t + t, lambda t: t * t - t, pt.softmax) if "float" in dtype else (lambda t: t + t,):
            assert bits(function(x.T)) == bits(function(copy))
            wide = pt.tensor(np.repeat(plain, 2, axis=1)).astype(dtype)
            assert bits(function(wide[:, ::2])) == bits(function(copy))
            assert bits(function(wide[:, 1::2][1:])) == bits(function(copy[1:]))


@pytest.mark.parametrize("dtype", [*DTYPES, "bool"])
def test_indices_along_axes_of_every_layout(dtype: str) -> None:
    rng = np.random.default_rng(0)
    for shape, axis in (((5, 7), 1), ((5, 7), 0), ((3, 4, 6), 1), ((2, 3, 5), 2), ((9,), 0)):
        x = drawn(shape, "int64").astype(dtype)
        count = list(shape)
        count[axis] = 11
        index = rng.integers(-shape[axis], shape[axis], count)
        for given in (pt.tensor(index), pt.tensor(index.astype(np.int32)), pt.tensor(np.ascontiguousarray(index.T)).T):
            for of in (
                x,
                pt.permute_dims(
                    pt.permute_dims(x, tuple(range(x.ndim))[::-1]) + 0
                    if dtype != "bool"
                    else pt.permute_dims(x, tuple(range(x.ndim))[::-1]) | False,
                    tuple(range(x.ndim))[::-1],
                ),
            ):
                got = pt.take_along_axis(of, given, axis=axis).astype("float64").numpy()
                np.testing.assert_array_equal(
                    got, np.take_along_axis(x.astype("float64").numpy(), index % shape[axis], axis)
                )


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
            rows = pt.tensor(np.ascontiguousarray(pt.permute_dims(x, (0, 2, 1)).astype("float64").numpy())).astype(
                dtype
            )
            assert bits(function(rows, axis=2)) == bits(pt.permute_dims(alone, (0, 2, 1)))
            assert bits(function(rows, axis=2, reverse=True)) == bits(
                pt.flip(function(pt.flip(rows, axis=2), axis=2), axis=2)
            )


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
