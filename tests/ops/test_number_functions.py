"""Divisors of integers, and floats as fractions and exponents: NumPy's results, to the bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree

RNG = np.random.default_rng(3)
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


def pell(most: int) -> list[int]:
    """Of two neighbours Euclid's algorithm by nearest remainders takes the most steps."""
    found = [1, 2]
    while 2 * found[-1] + found[-2] <= most:
        found.append(2 * found[-1] + found[-2])
    return found


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize("name", ["gcd", "lcm"])
def test_divisors_are_numpys(name: str, dtype: str) -> None:
    info = np.iinfo(dtype)
    special = [0, 1, info.max, info.max - 1, info.min, info.min + 1, *pell(info.max)[-3:]]
    a, b = (grid.ravel() for grid in np.meshgrid(np.array(special, dtype), np.array(special, dtype)))
    drawn = [RNG.integers(info.min, info.max, 200, dtype, endpoint=True) for _ in range(2)]
    small = [RNG.integers(0 if info.min == 0 else -60, 60, (13, 1)).astype(dtype), np.arange(1, 90, 7, dtype)]
    with np.errstate(all="ignore"):
        for first, second in ((a, b), drawn, small):
            agrees(getattr(pt, name), getattr(np, name)(first, second), first, second)


def test_divisors_promote_and_broadcast() -> None:
    a, b = RNG.integers(-50, 50, (3, 1), "int16"), RNG.integers(0, 50, 4, "uint8")
    assert pt.gcd(pt.asarray(a), pt.asarray(b)).dtype.name == "int16"
    agrees(lambda a: pt.lcm(a, 6), np.lcm(a, 6), a)
    agrees(lambda b: pt.gcd(12, b), np.gcd(12, b), b)
    assert pt.gcd(pt.zeros((0, 3), "int32"), 4).shape == (0, 3)


FLOATS = np.array(
    [0.0, -0.0, 1.0, -1.0, 0.5, 0.75, 2.0, np.nextafter(2.0, 0), np.nextafter(0.5, 0), np.inf, -np.inf, np.nan, 3e38]
)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_fractions_and_exponents_are_numpys(dtype: str) -> None:
    info = np.finfo(dtype)
    powers = 2.0 ** np.arange(-1074, 1024)
    with np.errstate(all="ignore"):
        x = np.concatenate([FLOATS, powers, -powers * 1.7, RNG.standard_normal(50)]).astype(dtype)
        x = np.append(x, [info.tiny, info.smallest_subnormal, -info.max]).astype(dtype)
        fraction, exponent = np.frexp(x)
        exponent[~np.isfinite(x)] = 0
    agrees(pt.frexp, (fraction, exponent), x, k=0)
    got, power = pt.frexp(pt.asarray(x))
    assert (str(got.dtype.name), power.dtype.name) == (dtype, "int32")
    assert np.array_equal(np.signbit(got.numpy()[~np.isnan(x)]), np.signbit(x[~np.isnan(x)]))
    agrees(pt.ldexp, x, fraction, exponent, k=0)


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_powers_of_two_round_once(dtype: str) -> None:
    """Into numbers that are denormal, and past both ends, where 2^n itself has no float."""
    x = np.concatenate([RNG.standard_normal(200), 2.0 ** RNG.uniform(-1070, 1020, 200), FLOATS])
    with np.errstate(all="ignore"):
        x = x.astype(dtype)
        n = RNG.integers(-2300, 2300, (40, 1))
        near = np.arange(-1100, 1100, 7)[:, None]
        for count in (n, near, n.astype("int16")):
            agrees(pt.ldexp, np.ldexp(x, count.astype("int32")), x, count, k=0)
    extreme = pt.ldexp(pt.tensor([1.0, -1.0]), pt.tensor([2**62, -(2**62)]))
    assert extreme.tolist() == [np.inf, 0.0]


def test_integers_are_computed_in_float32() -> None:
    assert pt.ldexp(pt.tensor([3, 1]), 2).numpy().tolist() == [12.0, 4.0]
    assert pt.ldexp(pt.tensor([3]), 2).dtype.name == pt.frexp(pt.tensor([3]))[0].dtype.name == "float32"
    assert [one.dtype.name for one in pt.frexp(pt.tensor([1.5], "bfloat16"))] == ["bfloat16", "int32"]


@pytest.mark.peers
def test_gradients_are_torchs() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    x, n = np.append(RNG.standard_normal(20) * 100, [1.0, -0.5]), RNG.integers(-9, 9, 22)
    gradients_agree(lambda x: pt.frexp(x)[0], lambda x: torch.frexp(x)[0], x)
    # Torch's ldexp has the slope 0 where n is below 0, since it takes 2^n of integers.
    gradients_agree(lambda x: pt.ldexp(x, n), lambda x: x * torch.tensor(2.0**n), x)


def test_numpy_calls_them() -> None:
    a, x = pt.tensor([12, 18]), pt.tensor([8.0, 90.0])
    found: list[Any] = [np.gcd(a, 8), np.lcm(4, a), np.ldexp(x, 2), np.frexp(x)[0], np.radians(x), np.heaviside(x, 1.0)]
    assert all(isinstance(one, pt.Tensor) for one in found)
    want = [np.gcd([12, 18], 8), np.lcm(4, [12, 18]), np.ldexp([8, 90], 2), np.frexp([8, 90])[0], np.radians([8, 90])]
    for got, right in zip(found, want, strict=False):
        np.testing.assert_allclose(got.numpy(), right, rtol=1e-6)


@pytest.mark.parametrize(("call", "kind", "message"), [
    (lambda: pt.gcd(1.5, 2), pt.DTypeError, "[gcd] a is float32; expected integers; convert it with astype"),
    (lambda: pt.lcm(3, pt.tensor([True])), pt.DTypeError,
     "[lcm] b is bool; expected integers; convert it with astype"),
    (lambda: pt.ldexp(1.0, 0.5), pt.DTypeError, "[ldexp] n is float32; expected integers; write x * pt.exp2(n)"),
    (lambda: pt.frexp(pt.tensor([1j], "complex64")), pt.DTypeError,
     "[frexp] x is complex64; expected real numbers; take pt.abs(x)"),
])  # fmt: skip
def test_what_is_refused(call: Any, kind: type[Exception], message: str) -> None:
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message
