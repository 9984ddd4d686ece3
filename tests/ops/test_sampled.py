"""Interpolation, integrals, slopes and convolutions of samples: NumPy's results, PyTorch's gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree

RNG = np.random.default_rng(17)


def normal(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape)


XP = np.array([-1.0, 0.0, 0.5, 2.0, 3.5])
X = np.array([[-3.0, -1.0, -0.7, 0.0, 0.2], [0.5, 1.9, 3.4, 3.5, 9.0]])


@pytest.mark.parametrize("ends", [{}, {"left": -5.0}, {"left": 1, "right": np.nan}], ids=str)
def test_interp_is_numpys(ends: dict[str, float]) -> None:
    fp = normal(5)
    agrees(lambda x, xp, fp: pt.interp(x, xp, fp, **ends), np.interp(X, XP, fp, **ends), X, XP, fp)
    edges = np.array([np.inf, -np.inf, np.nan])
    agrees(lambda x, xp, fp: pt.interp(x, xp, fp, **ends), np.interp(edges, XP, fp, **ends), edges, XP, fp)


def test_interp_of_few_and_equal_points() -> None:
    agrees(pt.interp, np.interp(X, [1.0], [7.0]), X, np.array([1.0]), np.array([7.0]))
    xp, fp = np.array([0.0, 1.0, 1.0, 2.0]), np.array([0.0, 1.0, 5.0, 6.0])
    x = np.array([0.5, 1.0, 1.5])
    agrees(pt.interp, np.interp(x, xp, fp), x, xp, fp)
    agrees(pt.interp, np.interp(2.0, [1, 3], [4, 5]).astype("float32"), np.int64(2), np.array([1, 3]), np.array([4, 5]))


@pytest.mark.parametrize("period", [2.0, -3.5, 360])
def test_interp_with_a_period_is_numpys(period: float) -> None:
    x, xp, fp = np.array([-180.0, -170, 0.3, 1.9, 185, 7.2]), np.array([1.5, -0.3, 0.2, 1.1]), normal(4)
    agrees(lambda x, xp, fp: pt.interp(x, xp, fp, period=period), np.interp(x, xp, fp, period=period), x, xp, fp, k=256)


@pytest.mark.peers
def test_gradients_of_interp() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    x, fp = np.array([-2.0, -0.4, 0.3, 1.2, 3.2, 5.0]), normal(5)

    def definition(x: Any, xp: Any, fp: Any, left: Any, right: Any) -> Any:
        i = torch.searchsorted(xp.detach(), x.detach(), right=True).clamp(1, 4)
        inside = fp[i - 1] + (fp[i] - fp[i - 1]) / (xp[i] - xp[i - 1]) * (x - xp[i - 1])
        return torch.where(x < xp[0], left, torch.where(x > xp[-1], right, inside))

    gradients_agree(pt.interp, definition, x, XP, fp, np.array(1.0), np.array(2.0))
    gradients_agree(pt.interp, lambda x, xp, fp: definition(x, xp, fp, fp[0], fp[-1]), x, XP, fp)


def test_interp_that_is_refused() -> None:
    for xp, fp in (([0.0, 1.0], [1.0]), ([], []), ([[1.0]], [[1.0]])):
        with pytest.raises(
            pt.ShapeError, match=r"^\[interp\] xp is .*; expected vectors of one size, at least 1; check"
        ):
            pt.interp(0.5, xp, fp)
    with pytest.raises(pt.ShapeError) as caught:
        pt.interp(0.5, [0.0, 1.0], [1.0, 2.0], period=0)
    assert str(caught.value) == "[interp] period = 0; expected another number; leave it out for none"


# ---------------------------------------------------------------- integrals and slopes


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_trapezoid_is_numpys(axis: int) -> None:
    y = normal(3, 4, 5)
    n = y.shape[axis]
    agrees(lambda y: pt.trapezoid(y, axis=axis), np.trapezoid(y, axis=axis), y, k=16)
    agrees(lambda y: pt.trapezoid(y, dx=0.3, axis=axis), np.trapezoid(y, dx=0.3, axis=axis), y, k=16)
    for x in (np.sort(normal(n)), normal(3, 4, 5)):
        agrees(lambda y, x: pt.trapezoid(y, x, axis=axis), np.trapezoid(y, x, axis=axis), y, x, k=16)
    with pytest.raises(pt.ShapeError) as caught:
        pt.trapezoid(y, normal(7), axis=axis)
    assert str(caught.value) == (
        f"[trapezoid] x is [7], y is [3, 4, 5]; expected a point for each place along axis {axis % 3}; pass {n} of them"
    )


SPACINGS: list[tuple[tuple[int, ...], tuple[Any, ...], Any]] = [
    ((6,), (), None), ((6,), (0.5,), None), ((6,), (np.array([0.0, 1.0, 1.5, 3.5, 4.0, 6.0]),), None),
    ((4, 5), (), None), ((4, 5), (2.0,), None), ((4, 5), (2.0, np.array([0.0, 1, 4, 5, 7])), None),
    ((4, 5), (np.array([0.0, 1, 3, 4]),), 0), ((4, 3, 5), (0.3, 2), (2, 0)), ((4, 5), (), -1), ((3, 3), (), 1),
]  # fmt: skip


@pytest.mark.parametrize("edge_order", [1, 2])
@pytest.mark.parametrize(("shape", "spacing", "axis"), SPACINGS, ids=str)
def test_slopes_are_numpys(shape: tuple[int, ...], spacing: Any, axis: Any, edge_order: Any) -> None:
    f = normal(*shape)
    want = np.gradient(f, *spacing, axis=axis, edge_order=edge_order)
    agrees(lambda f: pt.gradient(f, *spacing, axis=axis, edge_order=edge_order), want, f, k=16)


@pytest.mark.peers
@pytest.mark.parametrize("edge_order", [1, 2])
def test_gradients_of_slopes_and_integrals(edge_order: int) -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    f, x = normal(4, 5), np.array([0.0, 1, 4, 5, 7])
    gradients_agree(
        lambda f: pt.gradient(f, 0.7, x, edge_order=edge_order),
        lambda f: torch.gradient(
            f, spacing=(0.7 * torch.arange(4.0, dtype=torch.float64), torch.tensor(x)), edge_order=edge_order
        ),
        f,
    )
    gradients_agree(lambda f, x: pt.trapezoid(f, x), lambda f, x: torch.trapezoid(f, x), f, x)


def test_two_samples_have_one_slope() -> None:
    agrees(pt.gradient, np.gradient([1.0, 4.0]), np.array([1.0, 4.0]))


def test_slopes_that_are_refused() -> None:
    f = normal(4, 1)
    for call, text in [
        (lambda: pt.gradient(f), "f is [4, 1]; expected at least 2 samples along axis 1; name other axes"),
        (lambda: pt.gradient(f, 1, 2, 3), "received 3 spacings for 2 axes; expected none, one or one for each axis; "
         "pass a number or a vector for each"),
        (lambda: pt.gradient(f, axis=0, edge_order=3), "edge_order = 3; expected 1 or 2; 1 is usual"),
        (lambda: pt.gradient(f, [0.0, 1.0], axis=0), "a spacing is [2]; expected a number, or [4], the places of "
         "the samples; check it"),
    ]:  # fmt: skip
        with pytest.raises(pt.ShapeError) as caught:
            call()
        assert str(caught.value) == f"[gradient] {text}"


# ---------------------------------------------------------------- convolutions


@pytest.mark.parametrize("mode", ["full", "same", "valid"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "complex128"])
@pytest.mark.parametrize("sizes", [(1, 1), (7, 3), (3, 7), (8, 4), (4, 8), (5, 5), (6, 6), (40, 1)], ids=str)
def test_convolutions_are_numpys(sizes: tuple[int, int], dtype: str, mode: Any) -> None:
    a, v = (3 * normal(n) + (1j * normal(n) if dtype == "complex128" else 0) for n in sizes)
    a, v = a.astype(dtype), v.astype(dtype)
    agrees(lambda a, v: pt.convolve(a, v, mode), np.convolve(a, v, mode), a, v)
    agrees(lambda a, v: pt.correlate(a, v, mode), np.correlate(a, v, mode), a, v)


@pytest.mark.peers
@pytest.mark.parametrize("sizes", [(7, 3), (3, 8)], ids=str)
def test_gradients_of_convolutions(sizes: tuple[int, int]) -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    a, v = (normal(n) for n in sizes)

    def full(a: Any, v: Any) -> Any:
        return torch.nn.functional.conv1d(a[None, None], v.flip(0)[None, None], padding=len(v) - 1)[0, 0]

    gradients_agree(pt.convolve, full, a, v)
    gradients_agree(lambda a, v: pt.correlate(a, v, "full"), lambda a, v: full(a, v.flip(0)), a, v)


def test_sequences_that_are_refused() -> None:
    for name in ("convolve", "correlate"):
        with pytest.raises(pt.ShapeError) as caught:
            getattr(pt, name)(pt.ones(3), pt.ones((2, 2)))
        assert str(caught.value) == (
            f"[{name}] a is [3], v is [2, 2]; expected vectors with elements; use nn.functional.conv1d for batches"
        )
        with pytest.raises(pt.ShapeError) as caught:
            getattr(pt, name)(pt.ones(3), pt.ones(2), "wrap")
        assert str(caught.value) == (f"[{name}] mode = 'wrap'; expected 'full', 'same' or 'valid'; 'full' has all sums")
