"""Quantiles of several shares and axes, and those that pass over NaN: NumPy's results, PyTorch's gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree

RNG = np.random.default_rng(23)
AXES: list[Any] = [None, 0, -1, (0, 2), (-1, 1)]
SHARES: list[Any] = [0.5, 0, 1, [0.1, 0.25, 0.9], [[0.3, 0.4]], []]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("q", SHARES, ids=str)
def test_quantiles_are_numpys(q: Any, axis: Any, keepdims: bool) -> None:
    x = RNG.standard_normal((3, 4, 5))
    agrees(lambda x: pt.quantile(x, q, axis, keepdims), np.quantile(x, q, axis, keepdims=keepdims), x)
    x[RNG.random(x.shape) < 0.3] = np.nan
    x[0] = np.nan
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # Share by share: NumPy 2.4 loses an axis of a q with two axes here.
        parts = [np.nanquantile(x, share, axis, keepdims=keepdims) for share in np.ravel(q)]
        middle = np.nanmedian(x, axis, keepdims=keepdims)
    want = np.reshape(parts, (*np.shape(q), *np.shape(middle)))
    agrees(lambda x: pt.nanquantile(x, q, axis, keepdims), want, x)
    agrees(lambda x: pt.nanmedian(x, axis, keepdims), middle, x)


@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
def test_quantiles_of_other_dtypes(dtype: str) -> None:
    x = (10 * RNG.standard_normal(31)).astype(dtype)
    kept = "float32" if dtype == "int32" else dtype
    for name in ("quantile", "nanquantile"):
        want = getattr(np, name)(x.astype("float64"), [0.2, 0.5]).astype(kept)
        agrees(lambda x, name=name: getattr(pt, name)(x, [0.2, 0.5]), want, x, k=1)


def test_infinities_are_elements() -> None:
    x = np.array([np.inf, 1.0, np.nan, -np.inf, 2.0])
    agrees(pt.nanmedian, np.float64(1.5), x)
    agrees(lambda x: pt.nanquantile(x, [0.0, 1.0]), np.array([-np.inf, np.inf]), x)


@pytest.mark.peers
def test_gradients() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    x = RNG.standard_normal((4, 7))
    q = [0.1, 0.5, 0.8]
    wanted = torch.tensor(q, dtype=torch.float64)
    gradients_agree(lambda x: pt.quantile(x, q, 1), lambda x: torch.quantile(x, wanted, 1), x)
    gradients_agree(lambda x: pt.quantile(x, 0.3, (0, 1)), lambda x: torch.quantile(x.reshape(-1), 0.3), x)
    x[:, ::3] = np.nan
    gradients_agree(lambda x: pt.nanquantile(x, q, 1), lambda x: torch.nanquantile(x, wanted, 1), x)


def test_quantiles_that_are_refused() -> None:
    for q in (1.5, [0.5, -0.1], float("nan")):
        with pytest.raises(pt.ShapeError) as caught:
            pt.quantile(pt.ones(3), q)
        assert str(caught.value) == f"[quantile] q = {q}; expected shares from 0 to 1; a percentage is q / 100"
    with pytest.raises(pt.DTypeError) as typed:
        pt.quantile(pt.ones(3), [1j])
    assert str(typed.value) == "[quantile] q is complex128; expected shares from 0 to 1; 0.5 is the median"
    with pytest.raises(pt.ShapeError) as caught:
        pt.nanmedian(pt.ones((0, 3)), 0)
    assert str(caught.value) == "[nanmedian] x is [0, 3]; expected elements along the axes; name others"
    with pytest.raises(pt.TraceError, match=r"^\[quantile\] received a tensor whose values are known only when"):
        pt.compile(lambda x, q: pt.quantile(x, q))(pt.ones(3), pt.tensor(0.5))
