"""The incomplete gamma functions: their gradients by x, tails with all digits, and neighbours that change no bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy import special

import powertrain as pt

RNG = np.random.default_rng(0)
A, X = RNG.uniform(0.3, 60.0, 65), RNG.uniform(0.2, 60.0, 65)


@pytest.mark.parametrize(("op", "sign"), [(pt.igamma, 1.0), (pt.igammac, -1.0)])
def test_the_gradient_by_x_is_the_density(op: Any, sign: float) -> None:
    cotangent = RNG.normal(size=65)
    _, pull = pt.vjp(lambda x: op(A, x), pt.tensor(X))
    want = sign * cotangent * np.exp((A - 1) * np.log(X) - X - special.gammaln(A))
    (found,) = pull(pt.tensor(cotangent))
    np.testing.assert_allclose(found.numpy(), want, rtol=1e-11)
    again = pt.grad(lambda x: (pt.grad(lambda x: op(A, x).sum())(x) * cotangent).sum())(pt.tensor(X))
    np.testing.assert_allclose(again.numpy(), want * ((A - 1) / X - 1), rtol=1e-9)
    compiled = pt.compile(pt.grad(lambda x: op(A, x).sum()))(pt.tensor(X))
    assert np.array_equal(compiled.numpy(), pt.grad(lambda x: op(A, x).sum())(pt.tensor(X)).numpy())


def test_a_gradient_by_a_is_refused() -> None:
    for name in ("igamma", "igammac"):
        with pytest.raises(pt.DTypeError) as caught:
            pt.grad(lambda a: getattr(pt, name)(a, 2.0).sum())(pt.tensor(A))  # noqa: B023
        assert str(caught.value) == (
            f"[{name}] received a gradient to take by a; expected one by x alone; write pt.stop_gradient(a)"
        )


def test_tails_keep_their_digits() -> None:
    a, far = np.array([5.0, 25.0, 100.0]), np.array([60.0, 90.0, 220.0])
    np.testing.assert_allclose(pt.igammac(a, far).numpy(), special.gammaincc(a, far), rtol=1e-11)
    low = np.array([0.01, 3.0, 40.0])
    np.testing.assert_allclose(pt.igamma(a, low).numpy(), special.gammainc(a, low), rtol=1e-11)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_neighbours_change_no_bits(dtype: str) -> None:
    a, x = A.astype(dtype), X.astype(dtype)
    for op in (pt.igamma, pt.igammac):
        together = op(a, x).numpy()
        assert np.array_equal(together, [op(a[i : i + 1], x[i : i + 1]).item() for i in range(len(a))])
