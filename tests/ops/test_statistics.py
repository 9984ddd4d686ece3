"""Weighted means, covariances and reductions that pass over NaN: NumPy's results, PyTorch's gradients."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree

RNG = np.random.default_rng(5)
AXES: list[Any] = [None, 0, -1, (0, 2), (-1, 1), ()]


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


def with_gaps(*shape: int) -> np.ndarray:
    x = normal(*shape)
    x[RNG.random(shape) < 0.3] = np.nan
    x[0] = np.nan  # rows of nothing else
    return x


PASSING = ("nansum", "nanmean", "nanmax", "nanmin", "nanvar", "nanstd")


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES, ids=str)
@pytest.mark.parametrize("name", PASSING)
def test_reductions_that_pass_over_nan_are_numpys(name: str, axis: Any, keepdims: bool) -> None:
    x = with_gaps(3, 4, 5)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        want = getattr(np, name)(x, axis=axis, keepdims=keepdims)
    agrees(lambda x: getattr(pt, name)(x, axis, keepdims), want, x)


@pytest.mark.parametrize("name", PASSING)
@pytest.mark.parametrize("dtype", ["float32", "float16", "int32"])
def test_reductions_of_other_dtypes(name: str, dtype: str) -> None:
    x = (10 * normal(40, 3)).astype(dtype)
    if dtype != "int32":
        x[::3] = np.nan
    kept = dtype == "int32" and name in ("nanmax", "nanmin", "nansum")
    want = getattr(np, name)(x.astype("int64" if kept else "float64"), axis=0)
    result = getattr(pt, name)(x, 0)
    known = {"nansum": pt.sum(pt.asarray(x), 0).dtype.name}
    assert result.dtype.name == known.get(name, dtype if kept or dtype != "int32" else "float32")
    agrees(lambda x: getattr(pt, name)(x, 0), want.astype(result.dtype.name), x)


def test_infinities_stay() -> None:
    x = np.array([[np.inf, np.nan, 1.0], [-np.inf, 2.0, np.nan]])
    for name in ("nansum", "nanmean", "nanmax", "nanmin"):
        agrees(lambda x, name=name: getattr(pt, name)(x, 1), getattr(np, name)(x, axis=1), x)


@pytest.mark.parametrize("correction", [0.0, 1.0, 0.5, 2.0])
def test_corrections_of_variances(correction: float) -> None:
    x = np.array([[1.0, 2.0, 4.0], [1.0, np.nan, 2.0], [3.0, np.nan, np.nan]])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in ("nanvar", "nanstd"):
            want = getattr(np, name)(x, axis=1, ddof=correction)
            want[[np.isfinite(row).sum() <= correction for row in x]] = np.nan
            agrees(lambda x, name=name: getattr(pt, name)(x, 1, correction=correction), want, x)


@pytest.mark.peers
def test_gradients_pass_over_nan() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    x = with_gaps(3, 4, 5)[1:]
    x[:, :, 0] = normal(2, 4)
    for name in ("nansum", "nanmean"):
        gradients_agree(
            lambda x, name=name: getattr(pt, name)(x, -1), lambda x, name=name: getattr(torch, name)(x, -1), x
        )
    there = ~np.isnan(x)
    gradients_agree(lambda x: pt.nanmax(x, -1), lambda x: torch.where(torch.tensor(there), x, -torch.inf).amax(-1), x)
    gradients_agree(lambda x: pt.nanmin(x, -1), lambda x: torch.where(torch.tensor(there), x, torch.inf).amin(-1), x)
    row = np.array([1.0, np.nan, 3.0, 7.0])
    gradients_agree(pt.nanvar, lambda x: x[[0, 2, 3]].var(correction=0), row)
    gradients_agree(pt.nanstd, lambda x: x[[0, 2, 3]].std(correction=0), row)
    assert pt.grad(lambda x: pt.nanstd(x))(pt.ones(3)).numpy().tolist() == [0.0] * 3


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize(("axis", "shape"), [(None, None), (None, (3, 4)), (0, (3,)), (1, (4,)), (-1, (3, 4))], ids=str)
def test_average_is_numpys(axis: Any, shape: Any, keepdims: bool) -> None:
    x = normal(3, 4)
    if shape is None:
        agrees(lambda x: pt.average(x, axis, keepdims=keepdims), np.average(x, axis, keepdims=keepdims), x)
        return
    w = RNG.random(shape)
    agrees(lambda x, w: pt.average(x, axis, w, keepdims), np.average(x, axis, w, keepdims=keepdims), x, w)


def test_average_over_two_axes_by_weights_of_both() -> None:
    x, w = normal(3, 4, 5), RNG.random((3, 5))
    agrees(lambda x, w: pt.average(x, (0, 2), w), (x * w[:, None]).sum((0, 2)) / w.sum(), x, w)
    with pytest.raises(pt.ShapeError) as caught:
        pt.average(x, 1, RNG.random(3))
    assert str(caught.value) == (
        "[average] weights is [3], x is [3, 4, 5]; expected the shape of x or [4]; reshape the weights"
    )


@pytest.mark.parametrize("dtype", ["float64", "float32", "complex128", "int64"])
@pytest.mark.parametrize("rowvar", [True, False])
def test_cov_and_corrcoef_are_numpys(dtype: str, rowvar: bool) -> None:
    x = (5 * normal(4, 6)).astype(dtype) * (1 + 1j if dtype == "complex128" else 1)
    x = (x + 1j * normal(4, 6)).astype(dtype) if dtype == "complex128" else x.astype(dtype)
    real = "float32" if dtype == "int64" else dtype
    for correction in (0, 1, 2):
        want = np.cov(x, rowvar=rowvar, ddof=correction).astype(real)
        agrees(lambda x, c=correction: pt.cov(x, rowvar=rowvar, correction=c), want, x, k=16)
    agrees(lambda x: pt.corrcoef(x, rowvar=rowvar), np.corrcoef(x, rowvar=rowvar).astype(real), x, k=16)
    agrees(pt.cov, np.cov(x[0]).astype(real), x[0], k=16)
    agrees(pt.corrcoef, np.corrcoef(x[0]).astype(real), x[0], k=16)
    agrees(lambda x, y: pt.cov(x, y), np.cov(x[0], x[1]).astype(real), x[0], x[1], k=16)


@pytest.mark.parametrize("correction", [0, 1])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("weighed", [False, True])
def test_weights_of_cov_are_numpys(correction: int, counted: bool, weighed: bool) -> None:
    x, f, a = normal(3, 6), RNG.integers(1, 5, 6), RNG.random(6)
    given = {**({"fweights": f} if counted else {}), **({"aweights": a} if weighed else {})}
    want = np.cov(x, ddof=correction, **given)
    agrees(lambda x: pt.cov(x, correction=correction, **given), want, x, k=16)
    with pytest.raises(pt.ShapeError) as caught:
        pt.cov(x, aweights=a[:2])
    assert str(caught.value) == "[cov] aweights is [2]; expected [6], one for each observation; check it"


@pytest.mark.peers
def test_gradients_of_weighted_statistics() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    x, w = normal(3, 6), RNG.random(6)
    gradients_agree(pt.cov, torch.cov, x)
    gradients_agree(lambda x, w: pt.cov(x, aweights=w), lambda x, w: torch.cov(x, aweights=w), x, w)
    gradients_agree(pt.corrcoef, torch.corrcoef, x)
    gradients_agree(lambda x, w: pt.average(x, 1, w), lambda x, w: (x * w).sum(1) / w.sum(), x, w)


def test_statistics_that_are_refused() -> None:
    with pytest.raises(pt.DTypeError) as caught:
        pt.nanvar(np.array([1j]))
    assert str(caught.value) == "[nanvar] received complex128; expected real numbers; take x.real or abs(x)"
    with pytest.raises(pt.ShapeError) as shaped:
        pt.cov(normal(2, 2, 2))
    assert str(shaped.value) == (
        "[cov] received [2, 2, 2]; expected a matrix with a variable for each row, or a vector; reshape it"
    )
    with pytest.raises(pt.ShapeError) as named:
        pt.nanmean(normal(2, 2), (0, -2))
    assert str(named.value) == "[nanmean] axis = (0, -2); expected each axis once; leave out the repeated one"
