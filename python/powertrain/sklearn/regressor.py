"""`pt.Regressor`: ridge regression, or a network that the engine trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import RegressorMixin

from powertrain.errors.boundary import export
from powertrain.sklearn.checks import Estimator, above, demand_fitted, demand_numbers, forget, validated, weighed
from powertrain.sklearn.network import Trained, train_network
from powertrain.solvers.least_squares import fit_ridge
from powertrain.solvers.tall import product

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from powertrain.typing import Array, TensorLike


class Regressor(RegressorMixin, Estimator):
    """Linear regression with an L2 penalty (ridge), solved exactly; a network where `hidden` or `recipe` is given.

    recipe         a recipe by name or path: its features, model, optimizer and run, on the data that `fit` is given
    hidden         widths of hidden layers; without any it is ridge regression
    alpha          of ridge regression: the weight of the squared coefficients; 0 is least squares
    fit_intercept  of ridge regression
    epochs, batch_size, lr    of a network of hidden layers, trained by AdamW with a cosine schedule
    shape          of one example, where a recipe's model reads more than rows
    random_state   the seed of a network: a whole number, or None for 0

    Example
        >>> pt.Regressor(alpha=0.0).fit([[0.0], [1.0], [2.0]], [1.0, 3.0, 5.0]).predict([[3.0]]).round(6).tolist()
        [7.0]
    """

    def __init__(
        self,
        recipe: str | Path | None = None,
        *,
        hidden: Sequence[int] = (),
        alpha: float = 1.0,
        fit_intercept: bool = True,
        epochs: int = 30,
        batch_size: int = 64,
        lr: float = 1e-3,
        shape: Sequence[int] | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.recipe = recipe
        self.hidden = hidden
        self.alpha = alpha
        self.fit_intercept = fit_intercept
        self.epochs = epochs
        self.batch_size = batch_size
        self.lr = lr
        self.shape = shape
        self.random_state = random_state

    def fit(self, X: TensorLike, y: TensorLike, sample_weight: TensorLike | None = None) -> Regressor:  # noqa: N803
        """Learn from rows X and their targets y, one or several each; `sample_weight` says how much each row counts."""
        x, wanted = validated(self, X, y, dtype=[np.float64, np.float32], order="C", multi_output=True, y_numeric=True)
        demand_numbers(self, wanted)
        weight = weighed(self, sample_weight, x)
        targets = wanted.reshape(len(wanted), -1)
        self.one_target_ = wanted.ndim == 1
        forget(self, "network_", "coef_", "intercept_")
        if self.recipe is not None or len(self.hidden):
            given = None if sample_weight is None else weight
            self.network_: Trained = train_network(self, x, targets, None, given)
            return self
        l2 = above("Regressor", "alpha", self.alpha, including=True)
        coef, intercept = fit_ridge(x, targets, weight, l2=l2, intercept=self.fit_intercept)
        self.coef_ = (coef[0] if self.one_target_ else coef).astype(x.dtype)
        self.intercept_ = (intercept[0] if self.one_target_ else intercept).astype(x.dtype)
        return self

    def predict(self, X: TensorLike) -> Array:  # noqa: N803
        """The targets of each row."""
        demand_fitted(self)
        x: Array = validated(self, X, dtype=[np.float64, np.float32], order="C", reset=False)
        if hasattr(self, "network_"):
            made = self.network_(x)
        else:
            made = product(x, np.atleast_2d(self.coef_).T) + self.intercept_
        return made[:, 0] if self.one_target_ else made

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags


export(globals(), ["Regressor"])
