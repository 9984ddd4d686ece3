"""How near samples come to data: two clouds of points, samples and real examples, in the space of some features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin import Metric, param
from powertrain_generative.errors import GenerativeError

Points = NDArray[np.float64]
BLOCK = 1024  # rows of distances that are held at once


def clouds(where: str, samples: Any, real: Any, weight: Any) -> tuple[Points, Points, Points]:
    """Both as rows of numbers, and a weight for each pair of rows; pairs of weight 0 are left out."""
    one, other = (np.asarray(values, np.float64) for values in (samples, real))
    one, other = (values.reshape(len(values), -1) if values.size else values for values in (one, other))
    if one.shape != other.shape or one.ndim != 2:
        raise GenerativeError(
            f"[{where}] samples {list(one.shape)}, real examples {list(other.shape)}; expected as many rows of as many "
            "features; draw as many samples as there are examples"
        )
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise GenerativeError(f"[{where}] features that are not finite; expected finite numbers; leave those rows out")
    weights = np.ones(len(one)) if weight is None else np.asarray(weight, np.float64)
    return one[weights > 0], other[weights > 0], weights[weights > 0]


class FrechetDistance(Metric):
    """The squared distance of the normal distributions with the means and covariances of samples and of real examples
    (Dowson and Landau 1982; of the features of a network, Heusel et al. 2017). 0 where both are the same.

    Example
        >>> from powertrain_generative.metrics import FrechetDistance
        >>> metric, points = FrechetDistance(), np.random.default_rng(0).normal(size=(500, 2))
        >>> metric.update(points + [3, 0], points)
        >>> round(metric.compute(), 6)
        9.0
    """

    lower_is_better = True

    def zero(self) -> NDArray[np.float64]:
        return np.zeros(0)  # how many features there are is not known yet

    def measure(self, prediction: Any, target: Any, weight: Any = None) -> NDArray[np.float64]:
        *both, weights = clouds("frechet-distance", prediction, target, weight)
        sums = [part for points in both for part in (weights @ points, ((points.T * weights) @ points).ravel())]
        return np.concatenate([[weights.sum()], *sums])

    def merged(self, a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
        return np.array(a if not len(b) else b if not len(a) else a + b, np.float64)

    def result(self, state: NDArray[Any]) -> float:
        if not len(state) or state[0] <= 1:
            return float("nan")
        count, size = state[0], round((np.sqrt(2 * len(state) - 1) - 1) / 2)
        means, spreads = [], []
        for sums in np.split(state[1:], 2):
            mean, squares = sums[:size] / count, sums[size:].reshape(size, size)
            means.append(mean)
            spreads.append((squares - count * np.outer(mean, mean)) / (count - 1))
        # The roots of the eigenvalues of AB are those of the symmetric sqrt(A) B sqrt(A), and add up to tr sqrt(AB).
        values, vectors = np.linalg.eigh(spreads[0])
        root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
        shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ spreads[1] @ root), 0)).sum()
        apart = float(np.square(means[0] - means[1]).sum())
        return max(0.0, apart + float(np.trace(spreads[0]) + np.trace(spreads[1]) - 2 * shared))


class _Covered(Metric):
    """The share of one cloud that lies in the other: as near to one of its points as that one's k-th neighbour is
    (Kynkäänniemi et al. 2019)."""

    @dataclass(frozen=True)
    class Params:
        k: int = param(3, low=1, doc="the neighbour that says how far around it a point stands for its cloud")

    _where = "covered"

    def zero(self) -> NDArray[np.float64]:
        return np.zeros(0)

    def measure(self, prediction: Any, target: Any, weight: Any = None) -> NDArray[np.float64]:
        one, other, weights = clouds(self._where, prediction, target, weight)
        rows = np.column_stack([np.full(len(one), one.shape[1]), weights, one, other])
        return rows.astype(np.float64).ravel()

    def merged(self, a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
        return np.concatenate([a, b]).astype(np.float64)

    def split(self, state: NDArray[Any]) -> tuple[Points, Points, Points]:
        """Samples, real examples and weights of a state."""
        size = int(state[0])
        rows = state.reshape(-1, 2 + 2 * size)
        return rows[:, 2 : 2 + size], rows[:, 2 + size :], rows[:, 1]

    def covered(self, asked: Points, cloud: Points, weights: Points) -> float:
        radius = np.concatenate(
            [_radii(cloud[at : at + BLOCK], cloud, weights, self.params.k) for at in range(0, len(cloud), BLOCK)]
        )
        within = [(_squared(asked[at : at + BLOCK], cloud) <= radius).any(axis=1) for at in range(0, len(asked), BLOCK)]
        return float((np.concatenate(within) * weights).sum() / weights.sum())


class SamplePrecision(_Covered):
    """The share of samples that lie where real examples do: how real they are.

    Example
        >>> from powertrain_generative.metrics import SamplePrecision
        >>> metric, real = SamplePrecision(k=1), np.arange(6.0)[:, None]
        >>> metric.update(np.array([0.5, 1.5, 2.5, 9.0, 9.5, 10.0])[:, None], real)
        >>> metric.compute()
        0.5
    """

    _where = "sample-precision"

    def result(self, state: NDArray[Any]) -> float:
        if not len(state):
            return float("nan")
        samples, real, weights = self.split(state)
        return self.covered(samples, real, weights)


class SampleRecall(_Covered):
    """The share of real examples that lie where samples do: how much of the variety the samples have.

    Example
        >>> from powertrain_generative.metrics import SampleRecall
        >>> metric, real = SampleRecall(k=1), np.arange(6.0)[:, None]
        >>> metric.update(np.array([0.1, 0.2, 0.3, 0.1, 0.2, 0.3])[:, None] + 1, real)
        >>> metric.compute()
        0.0
    """

    _where = "sample-recall"

    def result(self, state: NDArray[Any]) -> float:
        if not len(state):
            return float("nan")
        samples, real, weights = self.split(state)
        return self.covered(real, samples, weights)


def _squared(a: Points, b: Points) -> Points:
    """Squared distances of each row of a to each of b, from the differences: a point is at 0 from itself."""
    return np.stack([np.square(b - row).sum(axis=1) for row in a])


def _radii(points: Points, cloud: Points, weights: Points, k: int) -> Points:
    """The squared distance within which k others lie, the point itself beside; an example of weight 2 is two."""
    far = _squared(points, cloud)
    order = np.argsort(far, axis=1, kind="stable")
    met = np.cumsum(weights[order], axis=1) >= min(k + 1, weights.sum()) - 1e-9
    return np.take_along_axis(np.take_along_axis(far, order, axis=1), met.argmax(axis=1)[:, None], axis=1)[:, 0]
