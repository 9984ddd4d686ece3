"""Histograms over several axes: against NumPy's, and gradients of weights against a definition in PyTorch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import powertrain as pt
from array_checks import agrees, gradients_agree

RNG = np.random.default_rng(5)
N = 300
X, Y, Z, W = (RNG.standard_normal(N) for _ in range(4))
EDGES = np.array([-2.0, -0.5, 0.0, 0.25, 1.5])
COARSE = np.round(X)  # on edges
LIMITS = [(-1.5, 2.0), (-1.0, 1.0)]


def counts(found: Any, density: bool, weighted: bool) -> list[Any]:
    """NumPy's counts are floats."""
    first, *edges = found
    return [first if density or weighted else first.astype("int64"), *edges]


@pytest.mark.parametrize("weighted", [False, True], ids=["counted", "weighted"])
@pytest.mark.parametrize("density", [False, True], ids=["numbers", "density"])
@pytest.mark.parametrize("bins", [4, [3, 5], EDGES, [EDGES, 6], [EDGES, EDGES[1:]]], ids=range(5))
def test_two_axes_are_numpys(bins: Any, density: bool, weighted: bool) -> None:
    w = W if weighted else None
    with np.errstate(all="ignore"):
        want = counts(np.histogram2d(COARSE, Y, bins, LIMITS, density, w), density, weighted)
    agrees(lambda x, y: pt.histogram2d(x, y, bins, LIMITS, density, w), want, COARSE, Y)
    without = counts(np.histogram2d(COARSE, Y, bins, None, density, w), density, weighted)
    agrees(lambda x, y: pt.histogram2d(x, y, bins, density=density, weights=w), without, COARSE, Y, compiled=False)


@pytest.mark.parametrize("bins", [3, [2, 3, 4], [EDGES, 2, EDGES]], ids=["3", "numbers", "mixed"])
def test_three_axes_are_numpys(bins: Any) -> None:
    sample = np.stack([X, Y, Z], 1)
    limits = [(-1.0, 2.0), None, (-3.0, 3.0)]
    for range_, w in ((None, None), (limits, W)):
        first, edges = np.histogramdd(sample, bins, range_, False, w)
        want = counts((first, *edges), False, w is not None)
        for given in (pt.asarray(sample), [X, Y, Z]):
            got, marks = pt.histogramdd(given, bins, range_, weights=w)
            agrees(lambda got=got, marks=marks: (got, *marks), want, compiled=False)
    one, edges = np.histogramdd(X[:, None], 5)
    got, marks = pt.histogramdd(X[:, None], 5)
    agrees(lambda: (got, *marks), [one.astype("int64"), *edges], compiled=False)


def test_of_one_axis_it_is_the_histogram() -> None:
    given = pt.tensor([0.0, np.nan, 1.0, 5.0, -2.0, np.inf], "float32")
    (first, edges), (again, marks) = pt.histogram(given, EDGES), pt.histogramdd([given], [EDGES])
    assert first.tolist() == again.tolist() == [1, 0, 1, 1] and edges.tolist() == marks[0].tolist()
    assert pt.histogram2d(pt.zeros(0), pt.zeros(0), 2, [(0, 1), (0, 1)])[0].tolist() == [[0, 0], [0, 0]]


@pytest.mark.peers
def test_the_gradient_of_weights() -> None:
    torch = pytest.importorskip("torch", reason="the gradients are PyTorch's")

    def definition(w: Any) -> Any:
        inside = lambda x: np.digitize(x, EDGES) - 1  # noqa: E731
        rows, columns = inside(X), inside(Y)
        kept = (rows >= 0) & (rows < 4) & (columns >= 0) & (columns < 4)
        return (
            torch.zeros(16, dtype=torch.float64)
            .index_add(0, torch.tensor((4 * rows + columns)[kept]), w[torch.tensor(kept)])
            .reshape(4, 4)
        )

    gradients_agree(lambda w: pt.histogram2d(X, Y, EDGES, weights=w)[0], definition, W)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: pt.histogram2d([1.0, 2.0], [1.0], 2),
     "[histogram2d] points of [2] and [1], 2 bins, 2 ranges; expected vectors of one size, and one of the others for "
     "each; check them"),
    (lambda: pt.histogramdd(pt.ones((4, 3)), [2, 2]),
     "[histogramdd] points of [4] and [4] and [4], 2 bins, 3 ranges; expected vectors of one size, and one of the "
     "others for each; check them"),
    (lambda: pt.histogramdd(pt.ones(4)),
     "[histogramdd] sample is [4]; expected [points, axes] or vectors; reshape it"),
    (lambda: pt.histogram2d(X, Y, 0), "[histogram2d] bins = 0; expected at least 1; 10 is usual"),
    (lambda: pt.histogram2d(X, Y, 2, weights=W[1:]),
     "[histogram2d] weights are [299], x is [300]; expected one for each element; check them"),
])  # fmt: skip
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(pt.ShapeError) as caught:
        call()
    assert str(caught.value) == message
