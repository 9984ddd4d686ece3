"""Principal components: the directions in which data vary most, by the eigenvectors of their products."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from powertrain.solvers.checks import finite, table, whole
from powertrain.solvers.tall import Array, Floats, Moments, gram, gram_is_ours, sampled_moments

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

# Small data are decomposed themselves, which keeps the digits of their small components.
SMALL = 500
# Of so many times as many features as components, only the wanted eigenvectors are made.
MANY = 8


@dataclass
class PrincipalComponents:
    """What `principal_components` found, the largest variance first.

    mean            [features], in x's dtype
    components      [components, features], of length 1 and at right angles to each other, in x's dtype
    variances       [components], the variance along each (over rows - 1), in float64
    total_variance  of all features together

    Example
        >>> pt.solvers.principal_components(np.eye(3), 2).components.shape
        (2, 3)
    """

    mean: Array
    components: Array
    variances: Floats
    total_variance: float


def principal_components(x: TensorLike, n_components: int | None = None) -> PrincipalComponents:
    """Find the directions in which the rows of x vary most: all of them, min(rows, features), or the first few.

    The largest element of each is positive, so that signs do not depend on how they were found.

    Shapes    x [rows, features] -> components [n_components, features], variances [n_components], mean [features]
    Dtypes    float32 and float64; products are added up in float64
    Errors    numbers that are not finite; n_components not from 1 to min(rows, features): SolverError
    Source    Jolliffe 2002, Principal Component Analysis
    Example
        >>> found = principal_components(np.array([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]), 1)
        >>> found.components.round(3).tolist(), found.variances.round(6).tolist()
        ([[0.707, 0.707]], [2.0])
    """
    x = table("principal_components", "x", x)
    most = min(x.shape)
    kept = most if n_components is None else whole("principal_components", "n_components", n_components, 1, most)
    about = sampled_moments(x)
    finite("principal_components", "x", about.mean)
    found = decompose(x, 0 if n_components is None else kept, about)
    components = np.ascontiguousarray(found.components[:kept])
    return PrincipalComponents(found.mean, components, found.variances[:kept], found.total_variance)


def decompose(x: Array, few: int, about: Moments) -> PrincipalComponents:
    """All components; or the first `few` at least, where that is quicker, by SciPy."""
    count, features = x.shape
    mean, most = about.mean, min(count, features)
    total = 0.0
    if max(count, features) <= SMALL:
        _, sizes, vectors = np.linalg.svd(x.astype(np.float64) - mean, full_matrices=False)
        variances = np.square(sizes)
    elif count >= features:
        products = _scatter(x, about)
        total = float(np.trace(products))
        # SciPy brings a BLAS of its own, whose threads have to share the processors with those of NumPy's.
        ask_scipy = 0 < few * MANY <= features and gram_is_ours() and importlib.util.find_spec("scipy") is not None
        values, columns = _last(products, few) if ask_scipy else np.linalg.eigh(products)
        variances, vectors = values[::-1], columns.T[::-1]
    else:
        centred = x - mean
        values, columns = np.linalg.eigh(gram(np.ascontiguousarray(centred.T)))
        variances = values[::-1][:most]
        # u^T x = s v^T. Where nothing varies that is noise, which has to be made orthogonal to the others.
        vectors = np.linalg.qr((columns.T[::-1][:most] @ centred).T.astype(np.float64))[0].T
    variances, divisor = np.maximum(variances, 0), max(1, count - 1)
    total = float(variances.sum()) if len(variances) == most else total
    return PrincipalComponents(mean, _signed(vectors).astype(x.dtype), variances / divisor, total / divisor)


def _last(matrix: Floats, few: int) -> tuple[Floats, Floats]:
    """The largest eigenvalues of a symmetric matrix, which is lost, and their vectors."""
    from scipy.linalg import eigh

    first, last = len(matrix) - few, len(matrix) - 1
    values, columns = eigh(matrix, subset_by_index=[first, last], driver="evr", overwrite_a=True, check_finite=False)
    return values, columns


def _signed(vectors: Floats) -> Floats:
    """The largest element of each row is positive, so that signs do not hang on the decomposition."""
    largest = vectors[np.arange(len(vectors)), np.abs(vectors).argmax(axis=1)]
    return np.asarray(vectors * np.where(largest < 0, -1.0, 1.0)[:, None])


def _scatter(x: Array, about: Moments) -> Floats:
    """The products of the centred data. Taking the mean off afterwards spares a copy, where it costs no digits."""
    if about.far:
        return gram(x, about.mean)
    mean = about.mean.astype(np.float64)
    return gram(x) - len(x) * np.outer(mean, mean)
