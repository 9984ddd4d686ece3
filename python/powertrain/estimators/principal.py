"""Principal components: the directions in which data vary most, by the eigenvectors of their products."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from powertrain.estimators.tall import Array, Floats, Moments, gram, sampled_moments

# Small data are decomposed themselves, which keeps the digits of their small components.
SMALL = 500


@dataclass
class Principal:
    """Components as rows, each with the variance along it (over rows - 1), the largest first."""

    mean: Array
    components: Array
    variances: Floats


def principal(x: Array) -> Principal:
    """All components: as many as there are rows or features."""
    count, features = x.shape
    about = sampled_moments(x)
    mean, most = about.mean, min(count, features)
    if max(count, features) <= SMALL:
        _, sizes, vectors = np.linalg.svd(x.astype(np.float64) - mean, full_matrices=False)
        variances = np.square(sizes)
    elif count >= features:
        values, columns = np.linalg.eigh(_scatter(x, about))
        variances, vectors = values[::-1][:most], columns.T[::-1][:most]
    else:
        centred = x - mean
        values, columns = np.linalg.eigh(gram(np.ascontiguousarray(centred.T)))
        variances = values[::-1][:most]
        # u^T x = s v^T. Where nothing varies that is noise, which has to be made orthogonal to the others.
        vectors = np.linalg.qr((columns.T[::-1][:most] @ centred).T.astype(np.float64))[0].T
    return Principal(mean, _signed(vectors).astype(x.dtype), np.maximum(variances, 0) / max(1, count - 1))


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
