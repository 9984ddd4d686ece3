"""The powers that are written most have the bits of the operations that they stand for, whatever stands beside them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt

RNG = np.random.default_rng(11)
EDGES = (0.0, -0.0, 1.0, -1.0, np.inf, -np.inf, np.nan, 1e-40, -1e-40, 1e-30, -1e30, 3e38, 2.0, -0.3)
SAME: dict[float, Callable[[Any], Any]] = {
    2: lambda x: x * x,
    3: lambda x: x * x * x,
    1: lambda x: x,
    -1: lambda x: 1 / x,
    0.5: np.sqrt,
}


def numbers(dtype: str) -> Any:
    """Of both signs, in a number that no vector divides."""
    return np.concatenate([RNG.normal(size=1003), np.exp(RNG.normal(size=300) * 9)]).astype(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("power", SAME)
def test_the_bits_are_those_of_the_operation(power: float, dtype: str) -> None:
    x = np.abs(numbers(dtype)) if power == 0.5 else numbers(dtype)
    wanted = SAME[power](x).tobytes()
    given = pt.tensor(x)
    for call in (
        lambda x: x**power,
        pt.compile(lambda x: x**power),
        lambda x: pt.pow(x, pt.full(x.shape, power, dtype)),
    ):
        assert call(given).numpy().tobytes() == wanted


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_each_element_has_its_own_power(dtype: str) -> None:
    x = np.abs(numbers(dtype))
    powers = RNG.choice([2, 3, 1, -1, 0.5, 2.5, -3, 0, 7], size=x.shape).astype(dtype)
    found = pt.pow(pt.tensor(x), pt.tensor(powers)).numpy()
    for power in np.unique(powers):
        alone = pt.pow(pt.tensor(x), float(power)).numpy()
        assert found[powers == power].tobytes() == alone[powers == power].tobytes(), power
    with np.errstate(over="ignore"):
        wanted = np.power(x.astype(np.float64), powers).astype(dtype)
    np.testing.assert_allclose(found, wanted, rtol=4e-7 if dtype == "float32" else 1e-15, atol=1e-44)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("power", [*SAME, 2.5, 0.0, 4.0])
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_edges_are_those_of_c(power: float, dtype: str) -> None:
    x = np.array(EDGES, dtype)
    found, wanted = pt.pow(pt.tensor(x), power).numpy(), np.power(x, np.full_like(x, power))
    np.testing.assert_allclose(found, wanted, rtol=3e-7)
    known = ~np.isnan(wanted)
    assert (np.signbit(found) == np.signbit(wanted))[known].all()


def test_slopes_and_halves() -> None:
    x = pt.tensor(numbers("float32"))
    np.testing.assert_array_equal(pt.grad(lambda x: pt.sum(x**2))(x).numpy(), 2 * x.numpy())
    with np.errstate(over="ignore"):
        narrow = x.numpy().astype(np.float16)
        wide = narrow.astype(np.float32)
        np.testing.assert_array_equal((pt.tensor(narrow) ** 2).numpy(), (wide * wide).astype(np.float16))
