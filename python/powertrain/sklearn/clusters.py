"""`pt.KMeans`: k-means on products of the engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.base import ClassNamePrefixFeaturesOutMixin, ClusterMixin, TransformerMixin

from powertrain.errors.boundary import export
from powertrain.sklearn.checks import Estimator, EstimatorError, above, demand_fitted, drawer, validated, whole
from powertrain.solvers.lloyd import Clusters, Lloyd, distances, seeds
from powertrain.solvers.tall import moments

if TYPE_CHECKING:
    from powertrain.typing import Array, TensorLike


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, Estimator):
    """k-means: seeds by k-means++, then Lloyd's algorithm with the bounds of Hamerly.

    n_clusters     how many
    init           "k-means++", "random", or an array of the first centres
    n_init         runs from other seeds, of which the best counts; "auto": 1 with k-means++ or an array, else 10
    max_iter, tol  a run ends when no label changes, or when the centres move less than tol, in units of the variance
    random_state   as everywhere in scikit-learn

    Example
        >>> pt.KMeans(2, random_state=0).fit_predict([[0.0], [0.1], [5.0], [5.1]]).tolist()
        [0, 0, 1, 1]
    """

    def __init__(
        self,
        n_clusters: int = 8,
        *,
        init: str | TensorLike = "k-means++",
        n_init: int | Literal["auto"] = "auto",
        max_iter: int = 300,
        tol: float = 1e-4,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.random_state = random_state

    def fit(self, X: TensorLike, y: object = None) -> KMeans:  # noqa: N803
        """Find the centres of rows X."""
        x: Array = validated(self, X, dtype=[np.float64, np.float32], order="C")
        count = whole("KMeans", "n_clusters", self.n_clusters)
        if len(x) < count:
            raise EstimatorError(
                f"[KMeans] n_samples = {len(x)} and n_clusters = {count}; expected at least one row for each cluster; "
                "lower n_clusters"
            )
        max_iter, tol = whole("KMeans", "max_iter", self.max_iter), above("KMeans", "tol", self.tol, including=True)
        draw, runs = drawer(type(self).__name__, self.random_state), self._runs()
        about = moments(x)
        shift = about.mean if about.far else np.zeros_like(about.mean)
        centred = x - shift if about.far else x
        found: Clusters | None = None
        for _ in range(runs):
            run = Lloyd(centred, self._start(centred, shift, count, draw)).run(max_iter, tol * about.variance)
            found = run if found is None or run.inertia < found.inertia else found
        assert found is not None
        self.cluster_centers_ = found.centers + shift
        self.labels_ = found.labels.astype(np.int32)
        self.inertia_, self.n_iter_ = found.inertia, found.iterations
        self._n_features_out = count
        return self

    def _runs(self) -> int:
        if self.n_init == "auto":
            return 10 if isinstance(self.init, str) and self.init == "random" else 1
        return whole("KMeans", "n_init", self.n_init)

    def _start(self, x: Any, shift: Any, count: int, draw: Any) -> Any:
        if isinstance(self.init, str):
            if self.init == "k-means++":
                return seeds(x, count, draw)
            if self.init == "random":
                return x[draw.permutation(len(x))[:count]]
            raise EstimatorError(
                f'[KMeans] init = {self.init!r}; expected "k-means++", "random" or an array; "k-means++" is usual'
            )
        given = np.asarray(self.init, dtype=x.dtype)
        if given.shape != (count, x.shape[1]):
            raise EstimatorError(
                f"[KMeans] init has the shape {list(given.shape)}; expected {[count, x.shape[1]]}, a row for each "
                "cluster; change init or n_clusters"
            )
        return given - shift

    def transform(self, X: TensorLike) -> Array:  # noqa: N803
        """The distance of each row from each centre."""
        demand_fitted(self)
        x: Array = validated(self, X, dtype=[np.float64, np.float32], order="C", reset=False)
        return distances(x, self.cluster_centers_.astype(x.dtype))

    def predict(self, X: TensorLike) -> Array:  # noqa: N803
        """The number of the nearest centre of each row."""
        return self.transform(X).argmin(axis=1).astype(np.int32)

    def score(self, X: TensorLike, y: object = None) -> float:  # noqa: N803
        """Minus the sum of squared distances from the nearest centres."""
        return -float(np.square(self.transform(X).min(axis=1), dtype=np.float64).sum())

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


export(globals(), ["KMeans"])
