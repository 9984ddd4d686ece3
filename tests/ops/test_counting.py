"""Counts in bins, positions in flat memory and searches whose result depends on values: against NumPy and PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree

RNG = np.random.default_rng(19)


@pytest.mark.parametrize("dtype", ["int64", "int8", "uint8", "uint64"])
@pytest.mark.parametrize("minlength", [0, 3, 20])
def test_bincount_is_numpys(dtype: str, minlength: int) -> None:
    for x in (RNG.integers(0, 9, 30).astype(dtype), np.array([], dtype)):
        want = np.bincount(x.astype("int64"), minlength=minlength)
        agrees(lambda x: pt.bincount(x, minlength=minlength), want, x, compiled=False)
        w = RNG.standard_normal(x.shape)
        want = np.bincount(x.astype("int64"), w, minlength).astype("float64")  # of no weights NumPy makes integers
        agrees(lambda x, w: pt.bincount(x, w, minlength), want, x, w, compiled=False)


def test_a_length_lets_compiled_steps_count() -> None:
    x, w = RNG.integers(0, 5, 30), RNG.standard_normal(30)
    agrees(lambda x: pt.bincount(x, length=7), np.bincount(x, minlength=7), x)
    agrees(lambda x, w: pt.bincount(x, w, length=7), np.bincount(x, w, 7), x, w)
    for outside in (-1, 7):
        with pytest.raises(pt.IndexError, match="received an index out of range"):
            pt.bincount(np.array([0, outside]), length=7).numpy()
    with pytest.raises(pt.TraceError) as caught:
        pt.compile(pt.bincount)(x)
    assert str(caught.value).startswith(
        "[bincount] received a tensor whose values are known only when the compiled step runs; expected one with "
        "values, for they decide the shape of the result; pass length, how many counts there are"
    )


@pytest.mark.peers
def test_the_gradient_of_counted_weights() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")
    x, w = RNG.integers(0, 5, 30), RNG.standard_normal(30)

    def definition(w: Any) -> Any:
        return torch.zeros(7, dtype=torch.float64).index_add(0, torch.tensor(x), w)

    gradients_agree(lambda w: pt.bincount(x, w, minlength=7), definition, w)
    x = np.linspace(0, 0.99, 30)
    gradients_agree(
        lambda w: pt.histogram(x, [0.0, 0.5, 1.0], weights=w)[0],
        lambda w: torch.stack([w[x < 0.5].sum(), w[x >= 0.5].sum()]),
        w,
    )


def test_counts_that_are_refused() -> None:
    for call, kind, text in [
        (lambda: pt.bincount([0.5]), pt.DTypeError, "received float32; expected integers; convert it with astype"),
        (lambda: pt.bincount([[1]]), pt.ShapeError, "x is [1, 1]; expected a vector; reshape it to (-1,)"),
        (lambda: pt.bincount([1, -2]), pt.ShapeError, "x has -2; expected integers from 0 on; check them"),
        (lambda: pt.bincount([1], [1, 2]), pt.ShapeError, "weights is [2], x is [1]; expected one for each; "
         "check them"),
        (lambda: pt.bincount([1], length=-1), pt.ShapeError, "length = -1; expected at least 0; pass how many counts "
         "there are"),
    ]:  # fmt: skip
        with pytest.raises(kind) as caught:
            call()
        assert str(caught.value) == f"[bincount] {text}"


# ---------------------------------------------------------------- histograms


BINS = [{}, {"bins": 3}, {"bins": 7, "range": (-1, 2)}, {"bins": np.array([-1.0, 0.0, 0.1, 2.5])}]


@pytest.mark.parametrize("density", [False, True])
@pytest.mark.parametrize("weighed", [False, True])
@pytest.mark.parametrize("bins", BINS, ids=str)
@pytest.mark.parametrize("dtype", ["float64", "float32", "int64"])
def test_histogram_is_numpys(dtype: str, bins: dict[str, Any], weighed: bool, density: bool) -> None:
    x = (2 * RNG.standard_normal((20, 3))).astype(dtype)
    weights = RNG.random((20, 3)).astype("float32" if dtype == "float32" else "float64") if weighed else None
    counts, edges = np.histogram(x, weights=weights, density=density, **bins)
    edge_type = "float32" if dtype == "float32" else "float64"
    if density or weighed:
        counts = counts.astype(edge_type)
    agrees(lambda x: pt.histogram(x, weights=weights, density=density, **bins), [counts, edges.astype(edge_type)], x,
           compiled="range" in bins or ("bins" in bins and not isinstance(bins["bins"], int)))  # fmt: skip


def test_edges_belong_to_bins_as_numpys_do() -> None:
    for x in (np.arange(11.0), np.array([2.0, 2.0]), np.array([]), np.linspace(0, 1, 101)):
        counts, edges = np.histogram(x)
        agrees(pt.histogram, [counts, edges], x, compiled=False)
    x = np.array([np.nan, 0.5, -np.inf, np.inf, 1.0])
    agrees(lambda x: pt.histogram(x, 2, (0, 1))[0], np.array([0, 2]), x)


def test_histograms_that_are_refused() -> None:
    x = np.array([1.0, np.nan])
    for call, text in [
        (lambda: pt.histogram(x, 0), "bins = 0; expected at least 1; 10 is usual"),
        (lambda: pt.histogram(x), "range = (nan, nan); expected finite numbers in order; pass range for elements that "
         "are not"),
        (lambda: pt.histogram(x, range=(2, 1)), "range = (2.0, 1.0); expected finite numbers in order; pass range for "
         "elements that are not"),
        (lambda: pt.histogram(x, [1.0]), "bins is [1]; expected two edges or more; or a number"),
        (lambda: pt.histogram(x, [1.0, 0.0]), "bins are out of order; expected edges that rise; sort them"),
        (lambda: pt.histogram(x, [0.0, 1.0], weights=[1.0]), "weights are [1], x is [2]; expected one for each "
         "element; check them"),
    ]:  # fmt: skip
        with pytest.raises(pt.ShapeError) as caught:
            call()
        assert str(caught.value) == f"[histogram] {text}"
    with pytest.raises(pt.TraceError, match=r"^\[histogram\] received .*; pass range, or the edges as bins"):
        pt.compile(lambda x: pt.histogram(x)[0])(x)


@pytest.mark.parametrize("right", [False, True])
@pytest.mark.parametrize("bins", [[0.0, 1.0, 2.0], [2.0, 1.0, 1.0, -1.0], [1.0, 1.0], [], [3]], ids=str)
def test_digitize_is_numpys(bins: list[float], right: bool) -> None:
    x = np.array([[-2.0, 0.0, 0.5], [1.0, 2.0, 3.0], [np.inf, np.nan, 1.5]])
    row = np.array(bins, "float64" if not bins else None)
    agrees(lambda x: pt.digitize(x, row, right), np.digitize(x, row, right), x)


def test_bins_that_are_refused() -> None:
    for bins, text in (
        ([0, 2, 1], "bins neither rise nor fall; expected edges in order; sort them"),
        ([[0, 1]], "bins is [1, 2]; expected a vector; reshape it"),
    ):
        with pytest.raises(pt.ShapeError) as caught:
            pt.digitize([0.5], bins)
        assert str(caught.value) == f"[digitize] {text}"


# ---------------------------------------------------------------- positions


@pytest.mark.parametrize("shape", [(4, 5), (60,), (3, 1, 4), (2, 2, 2, 2)], ids=str)
def test_positions_are_numpys(shape: tuple[int, ...]) -> None:
    places = RNG.integers(0, np.prod(shape), (2, 7))
    parts = np.unravel_index(places, shape)
    agrees(lambda x: pt.unravel_index(x, shape), list(parts), places)
    agrees(lambda *x: pt.ravel_multi_index(x, shape), places, *parts)
    far = [part * 3 - 4 for part in parts]
    for mode in ("wrap", "clip"):
        agrees(lambda *x, m=mode: pt.ravel_multi_index(x, shape, m), np.ravel_multi_index(far, shape, mode), *far)


def test_positions_outside() -> None:
    for outside in (-1, 6):
        with pytest.raises(pt.IndexError, match="received an index out of range"):
            pt.unravel_index([0, outside], (2, 3))[0].numpy()
        with pytest.raises(pt.IndexError, match="received an index out of range"):
            pt.ravel_multi_index(([0, 1], [0, outside]), (2, 6)).numpy()
    with pytest.raises(pt.ShapeError) as caught:
        pt.ravel_multi_index(([0],), (2, 3))
    assert str(caught.value) == (
        "[ravel_multi_index] received 1 positions for 2 axes; expected one for each axis; check dims"
    )


# ---------------------------------------------------------------- searches


def test_places_of_what_is_not_zero_are_numpys() -> None:
    for x in (RNG.integers(0, 2, (4, 5)), np.zeros((0, 3)), np.float32(2.0), np.array([True, False])):
        agrees(pt.argwhere, np.argwhere(x), x, compiled=False)
        agrees(pt.flatnonzero, np.flatnonzero(x), x, compiled=False)
    for name in ("argwhere", "flatnonzero", "unique_consecutive"):
        with pytest.raises(pt.TraceError, match=rf"^\[{name}\] received a tensor whose values are known only when"):
            pt.compile(getattr(pt, name))(pt.ones(3))


@pytest.mark.peers
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_runs_are_torchs(axis: int | None) -> None:
    torch = pytest.importorskip("torch", reason="the results are PyTorch's")
    for x in (RNG.integers(0, 2, (6, 2, 3)), np.array([[1.0, 1.0, np.nan, np.nan]]), np.ones((3, 4))):
        kwargs = {} if axis is None else {"dim": axis}
        want = torch.unique_consecutive(torch.tensor(x), return_inverse=True, return_counts=True, **kwargs)
        agrees(
            lambda x: pt.unique_consecutive(x, True, True, axis),
            [part.numpy() for part in want],
            x,
            k=0,
            compiled=False,
        )
        agrees(lambda x: pt.unique_consecutive(x, axis=axis), want[0].numpy(), x, k=0, compiled=False)


def test_no_runs() -> None:
    found = pt.unique_consecutive(pt.zeros(0), True, True)
    assert [part.shape for part in found] == [(0,)] * 3
    gradient = pt.grad(lambda x: (pt.unique_consecutive(x) * np.array([2.0, 3.0])).sum())
    assert gradient(pt.tensor([5.0, 5.0, 1.0])).numpy().tolist() == [2, 0, 3]
