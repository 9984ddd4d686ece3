"""Principal components: the directions in which data vary most, by the eigenvectors of their products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from powertrain.sklearn.tall import Array, Floats, Moments, gram, gram_is_ours, sampled_moments

# Small data are decomposed themselves, which keeps the digits of their small components.
SMALL = 500
# Of so many times as many features as components, only the wanted eigenvectors are made.
MANY = 8


@dataclass
class Principal:
    """Components as rows, each with the variance along it (over rows - 1), the largest first; `variance` is that along
    all there are."""

    mean: Array
    components: Array
    variances: Floats
    variance: float


def principal(x: Array, few: int = 0, about: Moments | None = None) -> Principal:
    """All components: as many as there are rows or features. Or the first `few` at least, where that is quicker, by
    SciPy. `about` is known to who has looked at the data before."""
    count, features = x.shape
    about = about or sampled_moments(x)
    mean, most = about.mean, min(count, features)
    total = 0.0
    if max(count, features) <= SMALL:
        _, sizes, vectors = np.linalg.svd(x.astype(np.float64) - mean, full_matrices=False)
        variances = np.square(sizes)
    elif count >= features:
        products = _scatter(x, about)
        total = float(np.trace(products))
        # SciPy brings a BLAS of its own, whose threads have to share the processors with those of NumPy's.
        ask_scipy = 0 < few * MANY <= features and gram_is_ours()
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
    return Principal(mean, _signed(vectors).astype(x.dtype), variances / divisor, total / divisor)


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
