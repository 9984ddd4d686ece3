"""`pt.sklearn.LinearSVC`: linear support vector machines with a squared hinge."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning

from powertrain.errors.boundary import export
from powertrain.sklearn.checks import Estimator, above, whole
from powertrain.sklearn.linear import ScoredClasses, class_weights, weighted_classes
from powertrain.solvers.squared_hinge import SquaredHingeFit, fit_squared_hinge

if TYPE_CHECKING:
    from collections.abc import Mapping

    from powertrain.typing import TensorLike


class LinearSVC(ScoredClasses, ClassifierMixin, Estimator):
    """A linear support vector machine, one class against the others; objective, `C` and `coef_` as in scikit-learn's.

    C                  the weight of the squared hinge beside the squares of the coefficients
    tol, max_iter      it ends where no element of the gradient of the mean loss is above tol
    fit_intercept, intercept_scaling
                       the intercept has a penalty as the coefficients have, divided by intercept_scaling squared
    class_weight       a dict of weights by class, or "balanced"

    Errors    one class alone; values that are not finite: ValueError
    Example
        >>> x, y = np.array([[0.0, 1.0], [1.0, 0.0], [0.2, 0.9], [0.8, 0.1]]), [0, 1, 0, 1]
        >>> pt.sklearn.LinearSVC().fit(x, y).predict(x).tolist()
        [0, 1, 0, 1]
    """

    def __init__(
        self,
        *,
        C: float = 1.0,  # noqa: N803 - scikit-learn's name
        tol: float = 1e-4,
        fit_intercept: bool = True,
        intercept_scaling: float = 1.0,
        class_weight: Mapping[object, float] | str | None = None,
        max_iter: int = 1000,
    ) -> None:
        self.C = C
        self.tol = tol
        self.fit_intercept = fit_intercept
        self.intercept_scaling = intercept_scaling
        self.class_weight = class_weight
        self.max_iter = max_iter

    def fit(self, X: TensorLike, y: TensorLike, sample_weight: TensorLike | None = None) -> LinearSVC:  # noqa: N803
        """Learn from rows X and their classes y."""
        cost, tol = above("LinearSVC", "C", self.C), above("LinearSVC", "tol", self.tol)
        scaling = above("LinearSVC", "intercept_scaling", self.intercept_scaling)
        max_iter = whole("LinearSVC", "max_iter", self.max_iter)
        X, numbers, weight = weighted_classes(self, X, y, sample_weight)  # noqa: N806
        by_class = class_weights(self.class_weight, self.classes_, numbers, weight)

        def fit(labels: Any, classes: int, weight: Any) -> SquaredHingeFit:
            l2 = 1 / (cost * float(weight.sum()))
            return fit_squared_hinge(
                X, labels, classes, weight, l2=l2, intercept_l2=l2 / scaling**2, intercept=self.fit_intercept, tol=tol,
                max_iter=max_iter,
            )  # fmt: skip

        classes = len(self.classes_)
        if classes == 2 or self.class_weight is None:
            found = [fit(numbers, classes, weight * by_class[numbers])]
        else:  # as in LIBLINEAR: one class has its weight, and the rest, which is no class, none
            columns = [(numbers == at, by_class[at]) for at in range(classes)]
            found = [fit(own.astype(np.int64), 2, weight * np.where(own, its, 1.0)) for own, its in columns]
        worst = max((one.minimum for one in found), key=lambda end: end.iterations)
        if not worst.converged and worst.iterations == max_iter:
            warnings.warn(
                f"[LinearSVC] {max_iter} iterations leave a gradient of {worst.gradient:.2g}; expected at most "
                f"tol = {tol:g}; raise max_iter",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.coef_ = np.concatenate([one.coef for one in found]).astype(X.dtype)
        self.intercept_ = np.concatenate([one.intercept for one in found]).astype(X.dtype)
        self.n_iter_ = max(1, worst.iterations)
        return self


export(globals(), ["LinearSVC"])
