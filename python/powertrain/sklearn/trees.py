"""Trees, forests and boosted trees of `pt.sklearn`; LightGBM grows them, by the models of powertrain-tabular."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin

from powertrain.errors.boundary import export
from powertrain.sklearn.checks import Estimator, EstimatorError, above, demand_fitted, drawer, validated, whole
from powertrain.sklearn.grown import Grown, grow, threads
from powertrain.sklearn.linear import KINDS, weighted_classes, weighted_targets

if TYPE_CHECKING:
    from typing_extensions import Self

    from powertrain.typing import Array, TensorLike

MOST_LEAVES = 131_072


class _Grows(Estimator):
    """What all have: settings for the model, and what it answers."""

    MODEL: ClassVar[str] = "decision-tree"

    def _params(self, rows: int, features: int) -> dict[str, Any]:
        where = type(self).__name__
        leaves = self.max_leaf_nodes
        return {
            "leaves": MOST_LEAVES if leaves is None else whole(where, "max_leaf_nodes", leaves, 2),
            "depth": None if self.max_depth is None else whole(where, "max_depth", self.max_depth),
            "least_rows": whole(where, "min_samples_leaf", self.min_samples_leaf),
            "seed": int(drawer(where, self.random_state).randint(2**31 - 1)),
        }

    def _grow(self, x: Any, y: Any, weight: Any, classes: int | None) -> None:
        params = self._params(*x.shape)
        self.grown_: Grown = grow(type(self).__name__, self.MODEL, params, x, y, weight, classes)

    def _answers(self, x: Any) -> Any:
        demand_fitted(self)
        return self.grown_(validated(self, x, dtype=KINDS, order="C", reset=False))

    @property
    def feature_importances_(self) -> Array:
        """Each feature's share of what all splits gained."""
        demand_fitted(self)
        return self.grown_.importances()


class _Classes(ClassifierMixin, _Grows):
    classes_: Any

    @property
    def n_classes_(self) -> int:
        """How many classes there are."""
        demand_fitted(self)
        return len(self.classes_)

    def fit(self, X: TensorLike, y: TensorLike, sample_weight: TensorLike | None = None) -> Self:  # noqa: N803
        """Learn from rows X and their classes y."""
        X, numbers_, weight = weighted_classes(self, X, y, sample_weight)  # noqa: N806
        self._grow(X, numbers_, weight, len(self.classes_))
        return self

    def predict_proba(self, X: TensorLike) -> Array:  # noqa: N803
        """The probability of each class, in the order of `classes_`."""
        shares = np.exp(self._answers(X))
        return shares / shares.sum(axis=1, keepdims=True)

    def predict_log_proba(self, X: TensorLike) -> Array:  # noqa: N803
        """Logarithms of `predict_proba`."""
        return np.log(self.predict_proba(X))

    def predict(self, X: TensorLike) -> Array:  # noqa: N803
        """The most likely class of each row."""
        best = self.predict_proba(X).argmax(axis=1)
        return self.classes_[best]


class _Values(RegressorMixin, _Grows):
    def fit(self, X: TensorLike, y: TensorLike, sample_weight: TensorLike | None = None) -> Self:  # noqa: N803
        """Learn from rows X and their targets y, one each."""
        X, y, weight = weighted_targets(self, X, y, sample_weight, several=False)  # noqa: N806
        self._grow(X, y, weight, None)
        return self

    def predict(self, X: TensorLike) -> Array:  # noqa: N803
        """The target of each row."""
        return self._answers(X)[:, 0]


class _Tree(_Grows):
    def __init__(
        self,
        *,
        max_depth: int | None = None,
        min_samples_leaf: int = 1,
        max_leaf_nodes: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_leaf_nodes = max_leaf_nodes
        self.random_state = random_state


class DecisionTreeClassifier(_Classes, _Tree):
    """One decision tree, whose leaves answer with the shares of the classes among their rows.

    max_depth, max_leaf_nodes, min_samples_leaf    how far it grows; as far as it can without the first two
    random_state                                   as everywhere in scikit-learn

    min_samples_leaf above 1 counts weighted rows by their share of all weight.

    Splits are those of the Gini impurity (of more than two classes, a tree for each against the rest), at one of 255
    values of a feature, in float32. LightGBM grows it: pip install "powertrain-tabular[trees]".

    Example
        >>> x, y = [[0.0], [1.0], [2.0], [3.0]], ["low", "low", "high", "high"]
        >>> pt.sklearn.DecisionTreeClassifier().fit(x, y).predict([[0.4], [2.6]]).tolist()
        ['low', 'high']
    """


class DecisionTreeRegressor(_Values, _Tree):
    """One decision tree, whose leaves answer with the mean of their rows; settings as of `DecisionTreeClassifier`.

    Example
        >>> x, y = [[0.0], [1.0], [2.0], [3.0]], [1.0, 1.0, 5.0, 5.0]
        >>> pt.sklearn.DecisionTreeRegressor().fit(x, y).predict([[0.4], [2.6]]).round(6).tolist()
        [1.0, 5.0]
    """


class _Forest(_Grows):
    MODEL: ClassVar[str] = "random-forest"

    def _params(self, rows: int, features: int) -> dict[str, Any]:
        where = type(self).__name__
        share = 0.632 if self.max_samples is None else above(where, "max_samples", self.max_samples)
        if share >= 1:
            raise EstimatorError(
                f"[{where}] max_samples = {self.max_samples!r}; expected None or a share of the rows between 0 and 1; "
                "None is 0.632, as many as a bootstrap has different ones"
            )
        if int(share * rows) < 1:
            raise EstimatorError(
                f"[{where}] n_samples = {rows} and max_samples = {share:g}; expected one row or more for each tree; "
                "take more rows"
            )
        return {
            **super()._params(rows, features), "trees": whole(where, "n_estimators", self.n_estimators), "rows": share,
            "features": self._share(features) / features, "threads": threads(where, self.n_jobs),
        }  # fmt: skip

    def _share(self, features: int) -> int:
        """How many features a split sees."""
        asked = self.max_features
        named = {None: features, "sqrt": features**0.5, "log2": np.log2(max(2, features))}
        if asked is None or (isinstance(asked, str) and asked in named):
            return max(1, int(named[asked]))
        if isinstance(asked, numbers.Integral) and not isinstance(asked, bool) and 1 <= int(asked) <= features:
            return int(asked)
        if isinstance(asked, numbers.Real) and not isinstance(asked, numbers.Integral) and 0 < float(asked) <= 1:
            return max(1, int(float(asked) * features))
        raise EstimatorError(
            f'[{type(self).__name__}] max_features = {asked!r}; expected "sqrt", "log2", None, a number from 1 to '
            f'{features} or a share above 0; "sqrt" is usual for classes'
        )


class RandomForestClassifier(_Classes, _Forest):
    """A random forest: the mean of the predictions of decision trees that each see some of the rows and features.

    n_estimators    how many trees
    max_features    that a split sees: "sqrt", "log2", a number, a share, or None for all
    max_samples     share of the rows that a tree sees, without repeats; None is 0.632
    max_depth, max_leaf_nodes, min_samples_leaf, random_state    as of DecisionTreeClassifier
    n_jobs          threads; -1 is all processors

    Example
        >>> x, y = [[0.0], [1.0], [2.0], [3.0]] * 5, ["low", "low", "high", "high"] * 5
        >>> pt.sklearn.RandomForestClassifier(20, random_state=0).fit(x, y).predict([[0.4], [2.6]]).tolist()
        ['low', 'high']
    """

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        max_depth: int | None = None,
        min_samples_leaf: int = 1,
        max_features: str | float | None = "sqrt",
        max_leaf_nodes: int | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        max_samples: float | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.max_samples = max_samples


class RandomForestRegressor(_Values, _Forest):
    """A random forest: the mean of the predictions of decision trees; settings as of `RandomForestClassifier`.

    Example
        >>> x, y = [[0.0], [1.0], [2.0], [3.0]] * 5, [1.0, 1.0, 5.0, 5.0] * 5
        >>> pt.sklearn.RandomForestRegressor(20, random_state=0).fit(x, y).predict([[0.4], [2.6]]).round(1).tolist()
        [1.0, 5.0]
    """

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        max_depth: int | None = None,
        min_samples_leaf: int = 1,
        max_features: str | float | None = 1.0,
        max_leaf_nodes: int | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
        max_samples: float | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_features = max_features
        self.max_leaf_nodes = max_leaf_nodes
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.max_samples = max_samples


class _Boosting(_Grows):
    MODEL: ClassVar[str] = "lightgbm"

    def __init__(
        self,
        n_estimators: int = 100,
        *,
        learning_rate: float = 0.1,
        subsample: float = 1.0,
        max_depth: int | None = 3,
        min_samples_leaf: int = 1,
        max_leaf_nodes: int | None = None,
        n_jobs: int | None = None,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_estimators = n_estimators
        self.learning_rate = learning_rate
        self.subsample = subsample
        self.max_depth = max_depth
        self.min_samples_leaf = min_samples_leaf
        self.max_leaf_nodes = max_leaf_nodes
        self.n_jobs = n_jobs
        self.random_state = random_state

    def _params(self, rows: int, features: int) -> dict[str, Any]:
        where = type(self).__name__
        for name in ("learning_rate", "subsample"):
            if above(where, name, getattr(self, name)) > 1:
                value = getattr(self, name)
                raise EstimatorError(
                    f"[{where}] {name} = {value:g}; expected a number above 0, at most 1; change {name}"
                )
        return {
            **super()._params(rows, features), "trees": whole(where, "n_estimators", self.n_estimators),
            "learning_rate": float(self.learning_rate), "rows": float(self.subsample),
            "threads": threads(where, self.n_jobs),
        }  # fmt: skip


class GradientBoostingClassifier(_Classes, _Boosting):
    """Gradient boosting: each tree corrects the log loss of those before it.

    n_estimators     how many trees (of more than two classes, for each class)
    learning_rate    how much of its answer a tree gives
    subsample        share of the rows that a tree sees
    max_depth, max_leaf_nodes, min_samples_leaf, random_state, n_jobs    as of the other trees

    Example
        >>> x, y = [[0.0], [1.0], [2.0], [3.0]] * 5, ["low", "low", "high", "high"] * 5
        >>> pt.sklearn.GradientBoostingClassifier(20).fit(x, y).predict([[0.4], [2.6]]).tolist()
        ['low', 'high']
    """


class GradientBoostingRegressor(_Values, _Boosting):
    """Gradient boosting: each tree corrects the squared error of those before it; as `GradientBoostingClassifier`.

    Example
        >>> x, y = [[0.0], [1.0], [2.0], [3.0]] * 5, [1.0, 1.0, 5.0, 5.0] * 5
        >>> pt.sklearn.GradientBoostingRegressor().fit(x, y).predict([[0.4], [2.6]]).round(1).tolist()
        [1.0, 5.0]
    """


export(
    globals(),
    [
        "DecisionTreeClassifier",
        "DecisionTreeRegressor",
        "GradientBoostingClassifier",
        "GradientBoostingRegressor",
        "RandomForestClassifier",
        "RandomForestRegressor",
    ],
)
