"""Numbers that a narrower dtype cannot hold are rounded once, to nearest even, however they get there."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest

import powertrain as pt
from calls import to_array
from kit import Array

# Precision, and the exponent of the smallest number.
FORMATS = {"float16": (11, -24), "bfloat16": (8, -133)}
LARGEST = {"float16": 65504.0, "bfloat16": 3.3895313892515355e38}


def rounded(x: float, dtype: str) -> float:
    """By exact arithmetic."""
    precision, least = FORMATS[dtype]
    if x == 0 or not np.isfinite(x):
        return x
    exact = abs(Fraction(x))
    exponent = max(int(np.floor(np.log2(float(exact)))) - precision + 1, least)
    while exact >= Fraction(2) ** (exponent + precision):
        exponent += 1
    step = Fraction(2) ** exponent
    value = float(round(exact / step) * step)
    return float(np.copysign(np.inf if value > LARGEST[dtype] else value, x))


def close_to_halfway(dtype: str) -> Array:
    """Halfway cases, and what lies so little beside them that float32 does not see it."""
    precision, _ = FORMATS[dtype]
    rng = np.random.default_rng(9)
    low, high = (-14, 15) if dtype == "float16" else (-100, 120)
    whole = rng.integers(2 ** (precision - 1), 2**precision, 200).astype("float64")
    exponents = rng.integers(low, high, 200) - precision
    middle = np.ldexp(whole + 0.5, exponents)
    beside = [middle * (1 + sign * 2.0**-bits) for sign in (-1, 1) for bits in (25, 40, 52)]
    x = np.concatenate([middle, *beside, [0.0, -0.0, np.inf, np.nan, LARGEST[dtype] * 1.01]])
    return np.concatenate([x, -x])


WAYS: dict[str, Callable[[Array, str], pt.Tensor]] = {
    "astype": lambda x, dtype: pt.asarray(x).astype(dtype),
    "strided": lambda x, dtype: pt.asarray(np.stack([x, x], 1)[:, 0]).astype(dtype),
    "compiled": lambda x, dtype: pt.compile(lambda t: (t * 1.0).astype(dtype))(pt.asarray(x)),
    "compiled, read again": lambda x, dtype: pt.compile(lambda t: t.astype(dtype).astype("float64"))(pt.asarray(x)),
    "a number": lambda x, dtype: pt.stack([pt.tensor(float(one), dtype) for one in x[::9]]),
    "a number that meets a tensor": lambda x, dtype: pt.stack([pt.zeros((), dtype) + float(one) for one in x[::9]]),
    "a list": lambda x, dtype: pt.tensor(x.tolist(), dtype),
    "a slot": lambda x, dtype: slot_with(x, dtype),
}


def slot_with(x: Array, dtype: str) -> pt.Tensor:
    slot = pt.Slot(pt.zeros(x.shape, dtype))
    slot.value = x
    return slot.value


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("dtype", FORMATS)
def test_floats(dtype: str, way: str) -> None:
    x = close_to_halfway(dtype)
    got = to_array(WAYS[way](x, dtype)).astype("float64")
    want = np.array([rounded(float(one), dtype) for one in (x if len(got) == len(x) else x[::9])])
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize("dtype", FORMATS)
def test_a_running_sum(dtype: str) -> None:
    """Of parts that only float64 adds exactly."""
    parts = np.array([1.0, 2.0**-11, 2.0**-14 if dtype == "float16" else 2.0**-8, 2.0**-14])
    got = to_array(pt.cumulative_sum(pt.asarray(parts).astype(dtype))).astype("float64")
    np.testing.assert_array_equal(got, [rounded(float(one), dtype) for one in np.cumsum(parts)])


@pytest.mark.parametrize("dtype", ["int32", "int64", "uint32", "uint64"])
def test_integers_to_bfloat16(dtype: str) -> None:
    top = np.iinfo(dtype).max
    middles = [(2**7 + k) * 2**shift + 2 ** (shift - 1) for k in (0, 1, 126) for shift in range(18, 56)]
    x = [one + beside for one in middles for beside in (-1, 0, 1) if one + beside <= top]
    x += [-one for one in x] if dtype[0] == "i" else [top]
    got = to_array(pt.asarray(np.array(x, dtype)).astype("bfloat16")).astype("float64")

    def exactly(n: int) -> float:
        size = abs(n)
        shift = max(size.bit_length() - 8, 0)
        return float(np.copysign(float(round(Fraction(size, 2**shift)) * 2**shift), n))

    np.testing.assert_array_equal(got, [exactly(one) for one in x])
