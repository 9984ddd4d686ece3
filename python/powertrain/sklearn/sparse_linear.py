"""`pt.sklearn.Lasso` and `pt.sklearn.ElasticNet`: least squares with an L1 penalty, by coordinate descent."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import RegressorMixin
from sklearn.exceptions import ConvergenceWarning

from powertrain.errors.boundary import export
from powertrain.sklearn.checks import Estimator, EstimatorError, above, whole
from powertrain.sklearn.linear import scores, weighted_targets
from powertrain.solvers.elastic_net import fit_elastic_net

if TYPE_CHECKING:
    from powertrain.typing import Array, TensorLike


class ElasticNet(RegressorMixin, Estimator):
    """Linear regression with an L1 and an L2 penalty; the objective, `coef_` and `dual_gap_` are scikit-learn's.

    alpha          the weight of both penalties; 0 is least squares
    l1_ratio       the L1 penalty's share of it, from 0 (ridge) to 1 (lasso)
    fit_intercept  whether there is an intercept, which has no penalty
    max_iter, tol  it ends where the duality gap is at most tol times the squares of y, or after max_iter sweeps

    Example
        >>> x, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]), [1.0, 3.0, 5.0, 7.0]
        >>> pt.sklearn.ElasticNet(alpha=0.5, l1_ratio=0.5).fit(x, y).coef_.round(3).tolist()
        [1.5, 0.0]
    """

    def __init__(
        self,
        alpha: float = 1.0,
        *,
        l1_ratio: float = 0.5,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float = 1e-4,
    ) -> None:
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol

    def fit(self, X: TensorLike, y: TensorLike, sample_weight: TensorLike | None = None) -> ElasticNet:  # noqa: N803
        """Learn from rows X and their targets y, one or several each."""
        where = type(self).__name__
        alpha = above(where, "alpha", self.alpha, including=True)
        ratio = above(where, "l1_ratio", self.l1_ratio, including=True)
        if ratio > 1:
            raise EstimatorError(f"[{where}] l1_ratio = {ratio:g}; expected a number from 0 to 1; 0.5 is usual")
        tol, max_iter = above(where, "tol", self.tol, including=True), whole(where, "max_iter", self.max_iter)
        X, y, weight = weighted_targets(self, X, y, sample_weight, several=True)  # noqa: N806
        found = fit_elastic_net(
            X, y, weight, l1=alpha * ratio, l2=alpha * (1 - ratio), intercept=self.fit_intercept, tol=tol,
            max_iter=max_iter,
        )  # fmt: skip
        if not all(end.converged for end in found.ends):
            gap = max(end.gap for end in found.ends)
            warnings.warn(
                f"[{where}] {max_iter} sweeps leave a duality gap of {gap:.2g}; expected at most tol = {tol:g} times "
                "the mean square of y about its mean; raise max_iter or alpha",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.coef_, self.intercept_ = found.coef.astype(X.dtype), found.intercept.astype(X.dtype)
        gaps, sweeps = [end.gap for end in found.ends], [max(1, end.iterations) for end in found.ends]
        self.dual_gap_: Any = gaps[0] if y.ndim == 1 else np.array(gaps)
        self.n_iter_: Any = sweeps[0] if y.ndim == 1 else sweeps
        return self

    def predict(self, X: TensorLike) -> Array:  # noqa: N803
        """The targets of each row."""
        made = scores(self, X)
        return made[:, 0] if self.coef_.ndim == 1 else made

    @property
    def sparse_coef_(self) -> Array:
        """The coefficients as a sparse matrix of SciPy."""
        from scipy.sparse import csr_matrix

        return csr_matrix(self.coef_)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


class Lasso(ElasticNet):
    """Linear regression with an L1 penalty: coefficients that help little are zero. The objective is scikit-learn's.

    alpha          the weight of the coefficients' sizes; 0 is least squares
    fit_intercept  whether there is an intercept, which has no penalty
    max_iter, tol  it ends where the duality gap is at most tol times the squares of y, or after max_iter sweeps

    Example
        >>> x, y = np.array([[0.0, 1.0], [1.0, 0.0], [2.0, 1.0], [3.0, 0.0]]), [1.0, 3.0, 5.0, 7.0]
        >>> pt.sklearn.Lasso(alpha=0.25).fit(x, y).coef_.round(3).tolist()
        [1.8, 0.0]
    """

    def __init__(
        self, alpha: float = 1.0, *, fit_intercept: bool = True, max_iter: int = 1000, tol: float = 1e-4
    ) -> None:
        super().__init__(alpha, l1_ratio=1.0, fit_intercept=fit_intercept, max_iter=max_iter, tol=tol)


export(globals(), ["ElasticNet", "Lasso"])
