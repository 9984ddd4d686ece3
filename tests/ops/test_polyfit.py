"""Polynomials through points: NumPy's coefficients, and gradients of the normal equations in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree

RNG = np.random.default_rng(7)
X, Y, MANY, W = RNG.uniform(-2, 3, 25), RNG.standard_normal(25), RNG.standard_normal((25, 3)), RNG.uniform(0.5, 2, 25)


@pytest.mark.parametrize("deg", [0, 1, 3, 5])
@pytest.mark.parametrize("weighted", [False, True], ids=["plain", "weighted"])
def test_coefficients_are_numpys(deg: int, weighted: bool) -> None:
    w = W if weighted else None
    for y in (Y, MANY):
        agrees(lambda x, y: pt.polyfit(x, y, deg, w=w), np.polyfit(X, y, deg, w=w), X, y, k=1e4)


@pytest.mark.parametrize("y", [Y, MANY], ids=["one", "three"])
def test_what_comes_with_them_is_numpys(y: np.ndarray) -> None:
    want = np.polyfit(X, y, 2, full=True)
    got = pt.polyfit(X, y, 2, full=True)
    residuals = np.squeeze(want[1]) if y.ndim == 1 else want[1]
    agrees(lambda: got[:4], [want[0], residuals, want[2], want[3]], k=1e4, compiled=False)
    assert got[4] == pytest.approx(want[4])
    for cov in (True, "unscaled"):
        want = np.polyfit(X, y, 2, w=W, cov=cov)
        wide = np.broadcast_to(want[1], (3, 3, 3)) if y.ndim == 2 else want[1]  # NumPy leaves the last axis at 1
        agrees(lambda cov=cov: pt.polyfit(X, y, 2, w=W, cov=cov), [want[0], wide], k=1e4, compiled=False)


def test_a_polynomial_comes_back() -> None:
    p = [2.0, -1.0, 0.5]
    x = pt.linspace(-1, 1, 9)
    np.testing.assert_allclose(pt.polyfit(x, pt.polyval(p, x), 2).numpy(), p, rtol=1e-5)
    assert pt.polyfit([1, 2, 3], [1, 2, 3], 1).dtype.name == "float32"
    short = pt.polyfit(pt.zeros(4), pt.ones(4), 1)  # of one point four times: the smallest solution
    np.testing.assert_allclose(short.numpy(), [0.0, 1.0], atol=1e-6)


@pytest.mark.peers
def test_gradients() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")

    def definition(x: Any, y: Any, w: Any) -> Any:
        powers = torch.stack([x**2, x, torch.ones_like(x)], 1) * w[:, None]
        return torch.linalg.solve(powers.T @ powers, powers.T @ (y * w))

    gradients_agree(lambda x, y, w: pt.polyfit(x, y, 2, w=w), definition, X, Y, W, k=1e5)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: pt.polyfit(X, Y[1:], 1),
     "[polyfit] x is [25], y is [24], deg = 1; expected [n] and [n] or [n, k], and a degree of at least 0; check them"),
    (lambda: pt.polyfit(X, Y, -1),
     "[polyfit] x is [25], y is [25], deg = -1; expected [n] and [n] or [n, k], and a degree of at least 0; check "
     "them"),
    (lambda: pt.polyfit(X, Y, 1, w=W[2:]), "[polyfit] w is [23], x is [25]; expected one for each; check it"),
    (lambda: pt.polyfit(X[:3], Y[:3], 2, cov=True),
     "[polyfit] cov of 3 points; expected more points than the 3 coefficients; write cov='unscaled'"),
])  # fmt: skip
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(pt.ShapeError) as caught:
        call()
    assert str(caught.value) == message
