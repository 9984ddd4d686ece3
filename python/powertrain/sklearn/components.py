"""`pt.PCA`: principal components on products of the engine."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.utils.validation import check_array

from powertrain.errors.boundary import export
from powertrain.sklearn.checks import Estimator, EstimatorError, demand_fitted, validated
from powertrain.solvers.principal import decompose
from powertrain.solvers.tall import product, sampled_moments

if TYPE_CHECKING:
    from powertrain.typing import Array, TensorLike


class PCA(ClassNamePrefixFeaturesOutMixin, TransformerMixin, Estimator):
    """Principal components, exact: from the eigenvectors of the covariance, or of small data themselves.

    n_components  how many; None for all; a share such as 0.95 for as many as explain more than that of the variance
    whiten        divide each component by its deviation

    Example
        >>> pt.PCA(1).fit([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]]).explained_variance_ratio_.round(6).tolist()
        [1.0]
    """

    def __init__(self, n_components: float | None = None, *, whiten: bool = False) -> None:
        self.n_components = n_components
        self.whiten = whiten

    def fit(self, X: TensorLike, y: object = None) -> PCA:  # noqa: N803
        """Find the components of rows X."""
        kinds = [np.float64, np.float32]
        x: Array = validated(self, X, dtype=kinds, order="C", ensure_min_samples=2, ensure_all_finite=False)
        most = min(x.shape)
        self._check(most)
        kept = most if self.n_components is None else self.n_components
        share = isinstance(kept, numbers.Real) and not isinstance(kept, numbers.Integral)
        about = sampled_moments(x)
        # The mean says for all numbers that they are finite; only what is wrong takes another pass.
        if not np.isfinite(about.mean).all():
            check_array(x, dtype=kinds, estimator=self, input_name="X")
        found = decompose(x, 0 if share else int(kept), about)
        ratios = found.variances / found.total_variance if found.total_variance > 0 else np.zeros(len(found.variances))
        if share:
            kept = int(np.searchsorted(np.cumsum(ratios), float(kept), side="right")) + 1
        kept = min(int(kept), most)
        all_there = len(found.variances) == most
        rest = float(found.variances[kept:].sum() if all_there else found.total_variance - found.variances.sum())
        self.n_components_, self.n_samples_ = kept, len(x)
        self.mean_, self.components_ = found.mean, np.ascontiguousarray(found.components[:kept])
        self.explained_variance_ = found.variances[:kept].astype(x.dtype)
        self.explained_variance_ratio_ = ratios[:kept].astype(x.dtype)
        self.singular_values_ = np.sqrt(found.variances[:kept] * (len(x) - 1)).astype(x.dtype)
        self.noise_variance_ = max(rest, 0.0) / max(1, most - kept)
        self._n_features_out = kept
        return self

    def _check(self, most: int) -> None:
        asked = self.n_components
        if asked is None:
            return
        if isinstance(asked, numbers.Integral) and not isinstance(asked, bool) and 1 <= int(asked) <= most:
            return
        if isinstance(asked, numbers.Real) and not isinstance(asked, numbers.Integral) and 0 < float(asked) < 1:
            return
        raise EstimatorError(
            f"[PCA] n_components = {asked!r}; expected a whole number from 1 to {most} (rows or features), or a share "
            "between 0 and 1; None keeps all"
        )

    def transform(self, X: TensorLike) -> Array:  # noqa: N803
        """The rows along the components."""
        demand_fitted(self)
        x: Array = validated(self, X, dtype=[np.float64, np.float32], order="C", reset=False)
        made = product(x, self.components_.T) - (self.mean_ @ self.components_.T).astype(x.dtype)
        return made / self._deviations().astype(x.dtype) if self.whiten else made

    def inverse_transform(self, X: TensorLike) -> Array:  # noqa: N803
        """Rows from their places along the components."""
        demand_fitted(self)
        X = np.asarray(X)  # noqa: N806
        scaled = X * self._deviations() if self.whiten else X
        return scaled @ self.components_ + self.mean_

    def _deviations(self) -> Any:
        """What whitening divides by; a component that does not vary stays as it is."""
        found = np.sqrt(self.explained_variance_)
        return np.where(found > 0, found, 1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


export(globals(), ["PCA"])
