"""`pt.sklearn.SGDClassifier` and `pt.sklearn.SGDRegressor`: linear models by stochastic gradient descent."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.exceptions import ConvergenceWarning

from powertrain import _core
from powertrain.errors.boundary import export
from powertrain.sklearn.checks import (
    Estimator,
    EstimatorError,
    above,
    demand_classes,
    drawer,
    validated,
    weighed,
    whole,
)
from powertrain.sklearn.linear import (
    KINDS,
    ScoredClasses,
    class_weights,
    numbered,
    scores,
    weighted_classes,
    weighted_targets,
)
from powertrain.sklearn.sgd_steps import OF_CLASSES, OF_VALUES, PENALTIES, Descent, Schedule, class_columns

if TYPE_CHECKING:
    from powertrain.typing import Array, TensorLike

SCHEDULES = ("constant", "invscaling", "optimal")


class NoProbabilitiesError(_core.Error, AttributeError):
    """A loss whose scores say nothing of probabilities."""


class _SGD(Estimator):
    """What both have: the settings, and the epochs."""

    LOSSES: Mapping[str, Any]

    def _keep(self, given: Mapping[str, Any]) -> None:
        """The arguments of a constructor, its locals(), as attributes: scikit-learn wants each, and its signature."""
        for name, value in given.items():
            if name != "self":
                setattr(self, name, value)

    def _settings(self) -> tuple[Schedule, tuple[float, float]]:
        """The schedule, and the weights of the penalties: of the squares, and of the sizes."""
        where = type(self).__name__
        for name, known in (("loss", self.LOSSES), ("penalty", (*PENALTIES, None)), ("learning_rate", SCHEDULES)):
            value = getattr(self, name)
            if not (value is None or isinstance(value, str)) or value not in known:
                shown = ", ".join("None" if one is None else f'"{one}"' for one in known)
                raise EstimatorError(f"[{where}] {name} = {value!r}; expected one of {shown}; change {name}")
        alpha = above(where, "alpha", self.alpha, including=self.learning_rate != "optimal")
        ratio = above(where, "l1_ratio", self.l1_ratio, including=True)
        if ratio > 1:
            raise EstimatorError(f"[{where}] l1_ratio = {ratio:g}; expected a number from 0 to 1; 0.15 is usual")
        above(where, "epsilon", self.epsilon, including=True)
        for name in ("max_iter", "n_iter_no_change", "batch_size"):
            whole(where, name, getattr(self, name))
        if self.tol is not None:
            above(where, "tol", self.tol, including=True)
        schedule = Schedule(self.learning_rate, alpha, above(where, "eta0", self.eta0), float(self.power_t))
        if self.penalty is None:
            return schedule, (0.0, 0.0)
        share = ratio if self.penalty == "elasticnet" else PENALTIES[self.penalty]
        return schedule, (alpha * (1 - share), alpha * share)

    def _begin(self, x: Any, columns: int) -> None:
        self.coef_, self.intercept_, self.t_ = np.zeros((columns, x.shape[1]), x.dtype), np.zeros(columns, x.dtype), 1.0

    def _descend(self, x: Any, y: Any, weight: Any, epochs: int, tol: float | None) -> None:
        schedule, penalties = self._settings()
        coef = np.ascontiguousarray(np.atleast_2d(self.coef_).T, dtype=x.dtype)
        descent = Descent(coef, self.intercept_.astype(x.dtype), int(self.t_) - 1)
        draw = drawer(type(self).__name__, self.random_state)
        rows, best, waited = np.arange(len(x)), np.inf, 0
        for epoch in range(1, epochs + 1):
            self.n_iter_ = epoch
            order = draw.permutation(rows) if self.shuffle else rows
            loss = descent.epoch(
                x, y, weight, order, self.batch_size, self.loss, schedule, penalties, self.epsilon, self.fit_intercept
            )
            waited = waited + 1 if tol is not None and loss > best - tol else 0
            best = min(best, loss)
            if waited >= self.n_iter_no_change:
                break
        else:
            if tol is not None and epochs > 1:
                warnings.warn(
                    f"[{type(self).__name__}] the loss still falls by more than tol = {tol:g} after {epochs} epochs; "
                    "expected it to settle; raise max_iter or tol",
                    ConvergenceWarning,
                    stacklevel=3,
                )
        self.coef_, self.intercept_ = np.ascontiguousarray(descent.coef.T), descent.intercept
        self.t_ = descent.seen + 1.0


class SGDClassifier(ScoredClasses, ClassifierMixin, _SGD):
    """A linear classifier by stochastic gradient descent, one class against the others.

    It minimizes mean(sample_weight loss) + alpha penalty, as scikit-learn's does. A batch takes the steps of its
    examples together, and never a longer one than keeps the loss stable.

    loss                    "hinge", "log_loss", "modified_huber" or "squared_hinge"
    penalty, alpha, l1_ratio    "l2", "l1", "elasticnet" or None; its weight; the L1 penalty's share of "elasticnet"
    max_iter, tol, n_iter_no_change    epochs; it ends after so many that did not lower the loss by tol (None: never)
    learning_rate, eta0, power_t    "optimal", "constant" or "invscaling", as in scikit-learn, of one example
    batch_size              examples of a step
    class_weight            a dict of weights by class, or "balanced"
    random_state, shuffle   the order of the examples in each epoch

    Example
        >>> x, y = np.array([[0.0, 1.0], [1.0, 0.0], [0.2, 0.9], [0.8, 0.1]]), [0, 1, 0, 1]
        >>> pt.sklearn.SGDClassifier(random_state=0).fit(x, y).predict(x).tolist()
        [0, 1, 0, 1]
    """

    LOSSES = OF_CLASSES

    def __init__(
        self,
        loss: str = "hinge",
        *,
        penalty: str | None = "l2",
        alpha: float = 1e-4,
        l1_ratio: float = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        epsilon: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        learning_rate: str = "optimal",
        eta0: float = 0.01,
        power_t: float = 0.5,
        n_iter_no_change: int = 5,
        batch_size: int = 32,
        class_weight: Mapping[object, float] | str | None = None,
    ) -> None:
        self._keep(locals())

    def fit(self, X: TensorLike, y: TensorLike, sample_weight: TensorLike | None = None) -> SGDClassifier:  # noqa: N803
        """Learn from rows X and their classes y."""
        self._settings()
        X, numbers, weight = weighted_classes(self, X, y, sample_weight)  # noqa: N806
        self._begin(X, 1 if len(self.classes_) == 2 else len(self.classes_))
        self._learn(X, numbers, weight, self.max_iter, self.tol)
        return self

    def partial_fit(
        self,
        X: TensorLike,  # noqa: N803
        y: TensorLike,
        classes: TensorLike | None = None,
        sample_weight: TensorLike | None = None,
    ) -> SGDClassifier:
        """One epoch over some rows; the first call names all classes."""
        self._settings()
        first = not hasattr(self, "classes_")
        named = None if classes is None else np.unique(np.asarray(classes))
        if isinstance(self.class_weight, str):
            raise EstimatorError(
                f"[SGDClassifier] class_weight = {self.class_weight!r} in partial_fit, which sees some rows; expected "
                "a dict or None; pass sample_weight, or count the classes yourself"
            )
        if (named is None) if first else (named is not None and list(named) != list(self.classes_)):
            received = "no classes in the first call of partial_fit" if first else "other classes than before"
            raise EstimatorError(
                f"[SGDClassifier] received {received}; expected all that will come; pass classes=numpy.unique(y_all)"
            )
        X, y = validated(self, X, y, dtype=KINDS, order="C", reset=first)  # noqa: N806
        demand_classes(self, y)
        weight = weighed(self, sample_weight, X)
        numbers = numbered(self, y, named if first else self.classes_)
        if first:
            self.classes_ = named
            self._begin(X, 1 if len(self.classes_) == 2 else len(self.classes_))
        self._learn(X, numbers, weight, 1, None)
        return self

    def _learn(self, x: Any, numbers: Any, weight: Any, epochs: int, tol: float | None) -> None:
        by_class = class_weights(self.class_weight, self.classes_, numbers, weight)
        self._descend(x, *class_columns(numbers, weight, by_class, x.dtype), epochs, tol)

    @property
    def predict_proba(self) -> Callable[[TensorLike], Array]:
        """The probability of each class, of "log_loss": of more than two, each against the others, normalized."""
        self._demand_probabilities("predict_proba")
        return lambda X: np.exp(self._log_shares(X))  # noqa: N803

    @property
    def predict_log_proba(self) -> Callable[[TensorLike], Array]:
        """Logarithms of `predict_proba`."""
        self._demand_probabilities("predict_log_proba")
        return self._log_shares

    def _demand_probabilities(self, name: str) -> None:
        """scikit-learn asks by `hasattr` whether there are some."""
        if self.loss != "log_loss":
            raise NoProbabilitiesError(
                f'[SGDClassifier] {name} of loss = {self.loss!r}; expected "log_loss", whose scores are those of '
                'probabilities; write SGDClassifier("log_loss")'
            )

    def _log_shares(self, X: TensorLike) -> Array:  # noqa: N803
        found = self.decision_function(X)
        if found.ndim == 1:
            return np.stack([-np.logaddexp(0, found), -np.logaddexp(0, -found)], axis=1)
        apart = -np.logaddexp(0, -found)
        return apart - np.logaddexp.reduce(apart, axis=1, keepdims=True)


class SGDRegressor(RegressorMixin, _SGD):
    """Linear regression by stochastic gradient descent; the settings are those of `SGDClassifier`.

    It minimizes mean(sample_weight loss) + alpha penalty, as scikit-learn's does.

    loss      "squared_error", "huber" or "epsilon_insensitive"
    epsilon   of "huber": where the square ends; of "epsilon_insensitive": errors below it cost nothing

    Example
        >>> x = np.linspace(-1.0, 1.0, 50)[:, None]
        >>> model = pt.sklearn.SGDRegressor(alpha=0.0, tol=1e-6, random_state=0).fit(x, 3 * x[:, 0] + 1)
        >>> model.predict([[0.5]]).round(1).tolist()
        [2.5]
    """

    LOSSES = OF_VALUES

    def __init__(
        self,
        loss: str = "squared_error",
        *,
        penalty: str | None = "l2",
        alpha: float = 1e-4,
        l1_ratio: float = 0.15,
        fit_intercept: bool = True,
        max_iter: int = 1000,
        tol: float | None = 1e-3,
        shuffle: bool = True,
        epsilon: float = 0.1,
        random_state: int | np.random.RandomState | None = None,
        learning_rate: str = "invscaling",
        eta0: float = 0.01,
        power_t: float = 0.25,
        n_iter_no_change: int = 5,
        batch_size: int = 32,
    ) -> None:
        self._keep(locals())

    def fit(self, X: TensorLike, y: TensorLike, sample_weight: TensorLike | None = None) -> SGDRegressor:  # noqa: N803
        """Learn from rows X and their targets y, one each."""
        self._settings()
        X, y, weight = weighted_targets(self, X, y, sample_weight, several=False)  # noqa: N806
        self._begin(X, 1)
        self._learn(X, y, weight, self.max_iter, self.tol)
        return self

    def partial_fit(self, X: TensorLike, y: TensorLike, sample_weight: TensorLike | None = None) -> SGDRegressor:  # noqa: N803
        """One epoch over some rows."""
        self._settings()
        first = not hasattr(self, "coef_")
        X, y = validated(self, X, y, dtype=KINDS, order="C", y_numeric=True, reset=first)  # noqa: N806
        weight = weighed(self, sample_weight, X)
        if first:
            self._begin(X, 1)
        self._learn(X, y, weight, 1, None)
        return self

    def _learn(self, x: Any, y: Any, weight: Any, epochs: int, tol: float | None) -> None:
        self._descend(x, y[:, None].astype(x.dtype), weight[:, None].astype(x.dtype), epochs, tol)
        self.coef_ = self.coef_[0]

    def predict(self, X: TensorLike) -> Array:  # noqa: N803
        """The target of each row."""
        return scores(self, X)[:, 0]


export(globals(), ["SGDClassifier", "SGDRegressor"])
