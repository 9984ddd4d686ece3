"""The forms of covariances that the components of a mixture may have: full, tied, diagonal, spherical.

Differences of rows from the means are [components, rows, features], responsibilities [components, rows].
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt

Floats = NDArray[np.float64]


class Covariance(ABC):
    """One form: its sums inside a step, and on the host the covariances that follow from them."""

    def __init__(self, components: int, features: int) -> None:
        self.components, self.features = components, features

    @property
    @abstractmethod
    def shape(self) -> tuple[int, ...]:
        """Of the covariances, and of their factors."""

    @property
    @abstractmethod
    def numbers(self) -> int:
        """How many free numbers the covariances have."""

    @abstractmethod
    def whitened(self, apart: Any, factors: Any) -> Any:
        """Differences as deviations of their component, so that their squares add up to the Mahalanobis distance."""

    @abstractmethod
    def squares(self, apart: Any, share: Any) -> Any:
        """The sums of squares of differences, weighted by responsibilities."""

    @abstractmethod
    def estimate(self, total: Floats, step: Floats, squares: Floats) -> Floats:
        """Covariances about means that are `step` from those that the squares are about; `total` is the weight of each
        component."""

    def factors(self, covariances: Floats) -> Floats:
        """What whitens differences; of numbers, one over the deviation."""
        return np.asarray(1 / np.sqrt(covariances))

    @abstractmethod
    def log_scale(self, factors: Floats) -> Floats:
        """The log of the determinant of each component's factor."""

    @abstractmethod
    def matrices(self, covariances: Floats) -> Floats:
        """As [components, features, features]."""


class Full(Covariance):
    """Every component has a matrix of its own."""

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.components, self.features, self.features)

    @property
    def numbers(self) -> int:
        return self.components * self.features * (self.features + 1) // 2

    def whitened(self, apart: Any, factors: Any) -> Any:
        return pt.matmul(apart, factors)

    def squares(self, apart: Any, share: Any) -> Any:
        weighted = apart * pt.expand_dims(share, -1)
        return pt.matmul(pt.permute_dims(weighted, (0, 2, 1)), apart)

    def estimate(self, total: Floats, step: Floats, squares: Floats) -> Floats:
        return np.asarray(squares / total[:, None, None] - step[:, :, None] * step[:, None, :])

    def factors(self, covariances: Floats) -> Floats:
        lower = pt.linalg.cholesky(pt.tensor(covariances))
        return np.ascontiguousarray(np.swapaxes(pt.linalg.inv(lower).numpy(), -1, -2))

    def log_scale(self, factors: Floats) -> Floats:
        return np.asarray(np.log(np.diagonal(factors, axis1=-2, axis2=-1)).sum(axis=-1))

    def matrices(self, covariances: Floats) -> Floats:
        return covariances


class Tied(Full):
    """All components have the same matrix."""

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.features, self.features)

    @property
    def numbers(self) -> int:
        return self.features * (self.features + 1) // 2

    def squares(self, apart: Any, share: Any) -> Any:
        return pt.sum(super().squares(apart, share), axis=0)

    def estimate(self, total: Floats, step: Floats, squares: Floats) -> Floats:
        moved = np.sum(total[:, None, None] * step[:, :, None] * step[:, None, :], axis=0)
        return np.asarray((squares - moved) / total.sum())

    def matrices(self, covariances: Floats) -> Floats:
        return np.repeat(covariances[None], self.components, axis=0)


class Diagonal(Covariance):
    """Every component has a variance for each feature."""

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.components, self.features)

    @property
    def numbers(self) -> int:
        return self.components * self.features

    def whitened(self, apart: Any, factors: Any) -> Any:
        return apart * pt.expand_dims(factors, 1)

    def squares(self, apart: Any, share: Any) -> Any:
        return pt.sum(pt.square(apart) * pt.expand_dims(share, -1), axis=1)

    def estimate(self, total: Floats, step: Floats, squares: Floats) -> Floats:
        return np.asarray(squares / total[:, None] - np.square(step))

    def log_scale(self, factors: Floats) -> Floats:
        return np.asarray(np.log(factors).sum(axis=1))

    def matrices(self, covariances: Floats) -> Floats:
        return np.asarray(covariances[:, :, None] * np.eye(self.features))


class Spherical(Covariance):
    """Every component has one variance."""

    @property
    def shape(self) -> tuple[int, ...]:
        return (self.components,)

    @property
    def numbers(self) -> int:
        return self.components

    def whitened(self, apart: Any, factors: Any) -> Any:
        return apart * pt.reshape(factors, (-1, 1, 1))

    def squares(self, apart: Any, share: Any) -> Any:
        return pt.sum(pt.mean(pt.square(apart), axis=2) * share, axis=1)

    def estimate(self, total: Floats, step: Floats, squares: Floats) -> Floats:
        return np.asarray(squares / total - np.square(step).mean(axis=1))

    def log_scale(self, factors: Floats) -> Floats:
        return np.asarray(np.log(factors) * self.features)

    def matrices(self, covariances: Floats) -> Floats:
        return np.asarray(covariances[:, None, None] * np.eye(self.features))


FORMS: dict[str, type[Covariance]] = {"full": Full, "tied": Tied, "diag": Diagonal, "spherical": Spherical}


def with_least(form: Covariance, covariances: Floats, least: float) -> Floats:
    """With a number added to each variance, so that none is zero."""
    return covariances + (least * np.eye(form.features) if isinstance(form, Full) else least)


def log_norm(features: int) -> float:
    """The log of what the density of a standard normal distribution is divided by."""
    return 0.5 * features * math.log(2 * math.pi)
