"""The array API standard by its strict implementation: the same calls on both, for every dtype that both have.

Names, arguments, promotion, shapes, dtypes and values, on 0-d, empty, broadcast and ordinary arrays. What the strict
namespace refuses is no call of the standard, and is left out.
"""

from __future__ import annotations

import itertools
import warnings
import zlib
from collections.abc import Iterator
from typing import Any

import array_api_strict as strict
import numpy as np

import powertrain as pt
from conformance.adapter import NotOfferedError
from conformance.outcome import Outcome, arrays_agree
from powertrain import array_api as ours

DTYPES = ("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float32", "float64",
          "complex64", "complex128")  # fmt: skip
SHAPES: tuple[tuple[int, ...], ...] = ((), (0,), (5,), (2, 0), (3, 4), (2, 3, 4))
PAIRS = (((), ()), ((), (3,)), ((3, 4), (4,)), ((2, 1), (1, 3)), ((0, 2), (2,)))

UNARY = (
    "abs", "acos", "acosh", "asin", "asinh", "atan", "atanh", "bitwise_invert", "ceil", "cos", "cosh", "exp", "expm1",
    "floor", "isfinite", "isinf", "isnan", "log", "log1p", "log2", "log10", "logical_not", "negative", "positive",
    "reciprocal", "real", "imag", "conj", "round", "sign", "signbit", "sin", "sinh", "square", "sqrt", "tan", "tanh",
    "trunc", "matrix_transpose", "nonzero", "unique_values", "zeros_like", "ones_like", "sort", "argsort", "tril",
    "triu", "diff", "flip", "squeeze",
)  # fmt: skip
BINARY = (
    "add", "atan2", "bitwise_and", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor", "copysign",
    "divide", "equal", "floor_divide", "greater", "greater_equal", "hypot", "less", "less_equal", "logaddexp",
    "logical_and", "logical_or", "logical_xor", "maximum", "minimum", "multiply", "nextafter", "not_equal", "pow",
    "remainder", "subtract", "result_type", "broadcast_arrays", "matmul", "vecdot",
)  # fmt: skip
REDUCED = ("all", "any", "argmax", "argmin", "count_nonzero", "max", "mean", "min", "prod", "std", "sum", "var",
           "cumulative_sum", "cumulative_prod")  # fmt: skip
# Calls with arguments, of an array x of shape (3, 4) and an index.
WITH: dict[str, list[Any]] = {
    "astype": [lambda xp, x: xp.astype(x, xp.float64), lambda xp, x: xp.astype(x, xp.int32)],
    "broadcast_to": [lambda xp, x: xp.broadcast_to(x, (2, 3, 4))],
    "clip": [lambda xp, x: xp.clip(x, 1, 3), lambda xp, x: xp.clip(x, max=2)],
    "concat": [lambda xp, x: xp.concat([x, x], axis=1), lambda xp, x: xp.concat([x, x], axis=None)],
    "cumulative_sum": [lambda xp, x: xp.cumulative_sum(x, axis=1, include_initial=True)],
    "diff": [lambda xp, x: xp.diff(x, axis=0, n=2)],
    "expand_dims": [lambda xp, x: xp.expand_dims(x, axis=1), lambda xp, x: xp.expand_dims(x, axis=-1)],
    "fft": [lambda xp, x: xp.fft.fft(x), lambda xp, x: xp.fft.ifft(x, n=5, axis=0, norm="ortho"),
            lambda xp, x: xp.fft.rfft(x), lambda xp, x: xp.fft.irfft(x), lambda xp, x: xp.fft.hfft(x),
            lambda xp, x: xp.fft.ihfft(x), lambda xp, x: xp.fft.fftn(x), lambda xp, x: xp.fft.ifftn(x, axes=(0,)),
            lambda xp, x: xp.fft.rfftn(x), lambda xp, x: xp.fft.irfftn(x, s=(3, 5), axes=(0, 1)),
            lambda xp, x: xp.fft.fftshift(x), lambda xp, x: xp.fft.ifftshift(x, axes=(1,))],
    "flip": [lambda xp, x: xp.flip(x, axis=0)],
    "full_like": [lambda xp, x: xp.full_like(x, 1)],
    "moveaxis": [lambda xp, x: xp.moveaxis(x, 0, 1)],
    "permute_dims": [lambda xp, x: xp.permute_dims(x, (1, 0))],
    "repeat": [lambda xp, x: xp.repeat(x, 2, axis=1), lambda xp, x: xp.repeat(x, 2)],
    "reshape": [lambda xp, x: xp.reshape(x, (2, 6)), lambda xp, x: xp.reshape(x, (-1,))],
    "roll": [lambda xp, x: xp.roll(x, 1), lambda xp, x: xp.roll(x, (1, 2), axis=(0, 1))],
    "searchsorted": [lambda xp, x: xp.searchsorted(xp.sort(x[0, :]), x[1, :])],
    "sort": [lambda xp, x: xp.sort(x, axis=0, descending=True)],
    "argsort": [lambda xp, x: xp.argsort(x, axis=0, descending=True)],
    "stack": [lambda xp, x: xp.stack([x, x], axis=-1)],
    "std": [lambda xp, x: xp.std(x, axis=0, correction=1.0)],
    "take": [lambda xp, x: xp.take(x, xp.asarray([2, 0]), axis=1)],
    "take_along_axis": [lambda xp, x: xp.take_along_axis(x, xp.asarray([[2, 0], [1, 1], [0, 3]]), axis=1)],
    "tensordot": [lambda xp, x: xp.tensordot(x, xp.matrix_transpose(x), axes=1)],
    "tile": [lambda xp, x: xp.tile(x, (2, 1, 2))],
    "tril": [lambda xp, x: xp.tril(x, k=-1)],
    "triu": [lambda xp, x: xp.triu(x, k=1)],
    "unique_all": [lambda xp, x: xp.unique_all(x)],
    "unique_counts": [lambda xp, x: xp.unique_counts(x)],
    "unique_inverse": [lambda xp, x: xp.unique_inverse(x)],
    "unstack": [lambda xp, x: xp.unstack(x, axis=1)],
    "vecdot": [lambda xp, x: xp.vecdot(x, x, axis=-1)],
    "where": [lambda xp, x: xp.where(x == x[0, :], x, x[:, :1])],
    "meshgrid": [lambda xp, x: xp.meshgrid(x[0, :], x[:, 0], indexing="ij")],
    "indexing": [lambda xp, x: x[1, :], lambda xp, x: x[..., 1:3], lambda xp, x: x[::-1, None, 2],
                 lambda xp, x: x[x == x[0, 0]]],
    "operators": [lambda xp, x: x + 1, lambda xp, x: 2 * x, lambda xp, x: x < 2, lambda xp, x: -x,
                  lambda xp, x: x @ x.T],
}  # fmt: skip
CREATION: dict[str, list[Any]] = {
    "arange": [lambda xp, d: xp.arange(3, dtype=d), lambda xp, d: xp.arange(1, 9, 2, dtype=d)],
    "asarray": [lambda xp, d: xp.asarray([[1, 0], [0, 1]], dtype=d)],
    "empty": [lambda xp, d: xp.empty((0, 2), dtype=d)],
    "eye": [lambda xp, d: xp.eye(3, 4, k=1, dtype=d)],
    "full": [lambda xp, d: xp.full((2,), 1, dtype=d)],
    "linspace": [lambda xp, d: xp.linspace(0, 3, 4, dtype=d)],
    "ones": [lambda xp, d: xp.ones((2, 3), dtype=d)],
    "zeros": [lambda xp, d: xp.zeros((2, 3), dtype=d)],
    "can_cast": [lambda xp, d: xp.can_cast(d, xp.float64), lambda xp, d: xp.can_cast(xp.int16, d)],
    "isdtype": [lambda xp, d: xp.isdtype(d, "integral"), lambda xp, d: xp.isdtype(d, ("bool", "real floating"))],
}  # fmt: skip


def names() -> list[str]:
    known = {*UNARY, *BINARY, *REDUCED, *WITH, *CREATION}
    return sorted(name for name in known if name in ("indexing", "operators") or hasattr(ours, name))


def not_offered() -> list[str]:
    public = [name for name in dir(strict) if not name.startswith("_") and callable(getattr(strict, name))]
    return sorted(name for name in public if name[0].islower() and not hasattr(ours, name))


def outcomes(name: str) -> Iterator[Outcome]:
    for number, (where, call) in enumerate(calls(name)):
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                want = flat(call(strict, np.random.default_rng([zlib.crc32(name.encode()), number])))
        except Exception:  # no call of the standard
            continue
        try:
            got = flat(call(ours, np.random.default_rng([zlib.crc32(name.encode()), number])))
            yield agreed(where, got, want)
        except NotOfferedError as missing:
            yield Outcome("not offered", where, str(missing))
        except (pt.Error, TypeError, ValueError, IndexError, AttributeError) as error:
            yield Outcome("error", where, f"{type(error).__name__}: {error}")


def array(xp: Any, rng: Any, dtype: str, shape: tuple[int, ...]) -> Any:
    values = rng.integers(0, 5, shape) if "int" in dtype or dtype == "bool" else rng.standard_normal(shape) * 2
    if "complex" in dtype:
        values = values + 1j * rng.standard_normal(shape)
    return xp.asarray(np.asarray(values).astype(dtype))


def calls(name: str) -> Iterator[tuple[str, Any]]:
    for dtype in DTYPES:
        if name in UNARY:
            for shape in SHAPES:
                yield f"{name} {dtype}{list(shape)}", (lambda xp, rng, dtype=dtype, shape=shape: getattr(xp, name)(
                    array(xp, rng, dtype, shape), **({"axis": 0} if name == "squeeze" else {})))  # fmt: skip
        if name in REDUCED:
            yield from reduced(name, dtype)
        for at, call in enumerate(WITH.get(name, [])):
            yield f"{name} {dtype} call {at}", (
                lambda xp, rng, dtype=dtype, call=call: call(xp, array(xp, rng, dtype, (3, 4))))  # fmt: skip
        for at, call in enumerate(CREATION.get(name, [])):
            yield f"{name} {dtype} call {at}", lambda xp, rng, dtype=dtype, call=call: call(xp, getattr(xp, dtype))
    if name in BINARY:
        for left, right, (a, b) in itertools.product(DTYPES, DTYPES, PAIRS):
            yield f"{name} {left}{list(a)} {right}{list(b)}", (
                lambda xp, rng, left=left, right=right, a=a, b=b: getattr(xp, name)(
                    array(xp, rng, left, a), array(xp, rng, right, b)))  # fmt: skip


def reduced(name: str, dtype: str) -> Iterator[tuple[str, Any]]:
    running = name.startswith("cumulative")
    for shape, axis, keep in itertools.product(SHAPES, (None, 0, -1, (0, 1)), (False, True)):
        rest = {"axis": axis} if running else {"axis": axis, "keepdims": keep}
        yield (
            f"{name} {dtype}{list(shape)} {rest}",
            lambda xp, rng, shape=shape, rest=rest: getattr(xp, name)(array(xp, rng, dtype, shape), **rest),
        )


def flat(result: Any) -> list[Any]:
    return [item for part in result for item in flat(part)] if isinstance(result, (tuple, list)) else [result]


def agreed(where: str, got: list[Any], want: list[Any]) -> Outcome:
    if len(got) != len(want):
        return Outcome("values", where, f"{len(got)} results, expected {len(want)}")
    for mine, theirs in zip(got, want, strict=True):
        if not hasattr(theirs, "dtype"):  # a dtype, or the answer to a question
            if str(getattr(mine, "name", mine)).split(".")[-1] != str(theirs).split(".")[-1]:
                return Outcome("dtype", where, f"{mine}, expected {theirs}")
            continue
        expected = np.asarray(theirs._array)
        if mine.dtype.name != expected.dtype.name:
            return Outcome("dtype", where, f"{mine.dtype.name}, expected {expected.dtype.name}")
        wrong = arrays_agree(np.array(mine.numpy()), expected, expected)
        if wrong:
            return Outcome("values", where, wrong)
    return Outcome("passed", where)
