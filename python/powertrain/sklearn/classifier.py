"""`pt.Classifier`: logistic regression, or a network that the engine trains."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import ClassifierMixin
from sklearn.exceptions import ConvergenceWarning

from powertrain.errors.boundary import export
from powertrain.sklearn.checks import (
    Estimator,
    EstimatorError,
    above,
    demand_classes,
    demand_fitted,
    forget,
    validated,
    weighed,
    whole,
)
from powertrain.sklearn.network import Trained, train_network
from powertrain.solvers.logistic import fit_logistic
from powertrain.solvers.tall import product

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from powertrain.typing import Array, TensorLike


class Classifier(ClassifierMixin, Estimator):
    """Multinomial logistic regression; with `hidden` a multi-layer perceptron; with `recipe` the recipe's model.

    recipe         a recipe by name or path: its features, model, optimizer and run, on the data that `fit` is given
    hidden         widths of hidden layers; without any it is logistic regression, by a preconditioned L-BFGS
    C              of logistic regression: how little its coefficients are held down, as in scikit-learn
    fit_intercept  of logistic regression
    tol, max_iter  of logistic regression: it ends where no element of the gradient is above tol
    epochs, batch_size, lr    of a network of hidden layers, trained by AdamW with a cosine schedule
    shape          of one example, where a recipe's model reads more than rows, such as (8, 8)
    random_state   the seed of a network: a whole number, or None for 0

    Errors    one class alone; values that are not finite: ValueError
    Example
        >>> x, y = np.array([[0.0, 1.0], [1.0, 0.0], [0.2, 0.9], [0.8, 0.1]]), [0, 1, 0, 1]
        >>> pt.Classifier(C=10.0).fit(x, y).predict(x).tolist()
        [0, 1, 0, 1]
    """

    def __init__(
        self,
        recipe: str | Path | None = None,
        *,
        hidden: Sequence[int] = (),
        C: float = 1.0,  # noqa: N803 - scikit-learn's name
        fit_intercept: bool = True,
        tol: float = 1e-4,
        max_iter: int = 1000,
        epochs: int = 30,
        batch_size: int = 64,
        lr: float = 1e-3,
        shape: Sequence[int] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.recipe = recipe
        self.hidden = hidden
        self.C = C
        self.fit_intercept = fit_intercept
        self.tol = tol
        self.max_iter = max_iter
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.shape = shape
        self.random_state = random_state

    def fit(self, X: TensorLike, y: TensorLike, sample_weight: TensorLike | None = None) -> Classifier:  # noqa: N803
        """Learn from rows X and their classes y; `sample_weight` says how much each row counts."""
        x, wanted = validated(self, X, y, dtype=[np.float64, np.float32], order="C")
        demand_classes(self, wanted)
        weight = weighed(self, sample_weight, x)
        self.classes_, numbers = np.unique(wanted, return_inverse=True)
        seen = np.unique(numbers[weight > 0])
        if len(seen) < 2:
            raise EstimatorError(
                f"[Classifier] y has {len(seen)} class; expected at least two classes with weight; check the labels"
            )
        forget(self, "network_", "coef_", "intercept_", "n_iter_")
        if self.recipe is not None or len(self.hidden):
            given = None if sample_weight is None else weight
            self.network_: Trained = train_network(self, x, numbers, len(self.classes_), given)
            return self
        found = fit_logistic(
            x,
            numbers.astype(np.int64),
            len(self.classes_),
            weight,
            l2=1 / (above("Classifier", "C", self.C) * float(weight.sum())),
            intercept=self.fit_intercept,
            tol=above("Classifier", "tol", self.tol),
            max_iter=whole("Classifier", "max_iter", self.max_iter),
        )
        if not found.minimum.converged and found.minimum.iterations == self.max_iter:
            warnings.warn(
                f"[Classifier] {self.max_iter} iterations leave a gradient of {found.minimum.gradient:.2g}; expected "
                f"at most tol = {self.tol:g}; raise max_iter",
                ConvergenceWarning,
                stacklevel=2,
            )
        self.coef_, self.intercept_ = found.coef.astype(x.dtype), found.intercept.astype(x.dtype)
        self.n_iter_ = np.array([max(1, found.minimum.iterations)], dtype=np.int32)
        return self

    def decision_function(self, X: TensorLike) -> Array:  # noqa: N803
        """Scores: one a row for two classes (above 0 means the second), else one for each class."""
        demand_fitted(self)
        x: Array = validated(self, X, dtype=[np.float64, np.float32], order="C", reset=False)
        if hasattr(self, "network_"):
            scores = self.network_(x)
            return scores[:, 1] - scores[:, 0] if len(self.classes_) == 2 else scores
        scores = product(x, self.coef_.T) + self.intercept_
        return scores[:, 0] if len(self.classes_) == 2 else scores

    def predict(self, X: TensorLike) -> Array:  # noqa: N803
        """The most likely class of each row."""
        scores = self.decision_function(X)
        return self.classes_[(scores > 0).astype(int) if scores.ndim == 1 else scores.argmax(axis=1)]

    def predict_log_proba(self, X: TensorLike) -> Array:  # noqa: N803
        """Logarithms of `predict_proba`, without its underflow."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            return np.stack([-np.logaddexp(0, scores), -np.logaddexp(0, -scores)], axis=1)
        scores = scores - scores.max(axis=1, keepdims=True)
        return scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))

    def predict_proba(self, X: TensorLike) -> Array:  # noqa: N803
        """The probability of each class, in the order of `classes_`."""
        return np.exp(self.predict_log_proba(X))


export(globals(), ["Classifier"])
