"""The scikit-learn door: scikit-learn's own checks, its results beside ours, grid search, what a wrong call says."""

from __future__ import annotations

import inspect
import pickle
import subprocess
import sys
import warnings
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.solvers import tall
from powertrain.solvers.tall import gram_by_halves

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is an extra")

# What scikit-learn itself leaves out, because of what is installed or set.
LEFT_OUT = ("pandas is not installed", "SCIPY_ARRAY_API is not set")
# As of scikit-learn's own of these names: a repeated row comes into another batch, or tree, than its first.
BY_CHANCE = {"check_sample_weight_equivalence_on_dense_data": "rows are drawn"}
ROUNDED = {"check_sample_weight_equivalence_on_dense_data": "LightGBM's bins count rows, its sums are of float32"}
UNLIKE = {
    **dict.fromkeys(("SGDClassifier", "SGDRegressor", "RandomForestClassifier", "RandomForestRegressor"), BY_CHANCE),
    **dict.fromkeys(("DecisionTreeRegressor", "GradientBoostingClassifier", "GradientBoostingRegressor"), ROUNDED),
}


def blobs(rows: int, features: int, classes: int, seed: int = 0, dtype: Any = np.float64) -> tuple[Any, Any]:
    draw = np.random.Generator(np.random.Philox(key=seed))
    centres = draw.normal(size=(classes, features)) * 2
    y = draw.integers(0, classes, rows)
    return (centres[y] + draw.normal(size=(rows, features))).astype(dtype), y


@pytest.mark.slow
@pytest.mark.parametrize("name", pt.sklearn.__all__)
def test_every_check_of_scikit_learn(name: str) -> None:
    from sklearn.utils.estimator_checks import check_estimator

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = check_estimator(
            getattr(pt.sklearn, name)(), on_fail=None, on_skip=None, expected_failed_checks=UNLIKE.get(name)
        )
    open_ones = [
        f"{one['check_name']}: {one['exception']}"
        for one in found
        if one["status"] not in ("passed", "xfail") and not any(reason in str(one["exception"]) for reason in LEFT_OUT)
    ]
    assert len(found) > 40
    assert open_ones == []


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("classes", [2, 4])
@pytest.mark.parametrize("intercept", [True, False])
def test_logistic_regression_finds_what_scikit_learn_finds(dtype: Any, classes: int, intercept: bool) -> None:
    from sklearn.linear_model import LogisticRegression

    x, y = blobs(1500, 7, classes, dtype=dtype)
    x[:, 0] *= 50  # an ill-scaled feature
    tol = 1e-10 if dtype == np.float64 else 1e-5
    weight = np.linspace(0.1, 2, len(x))
    ours = pt.Classifier(C=0.5, tol=tol, fit_intercept=intercept).fit(x, y, weight)
    wanted = LogisticRegression(C=0.5, tol=1e-10, solver="newton-cholesky", fit_intercept=intercept)
    wanted.fit(x.astype(np.float64), y, weight)
    near = 1e-6 if dtype == np.float64 else 2e-3
    assert ours.predict_proba(x) == pytest.approx(wanted.predict_proba(x.astype(np.float64)), abs=near)
    assert ours.coef_.shape == wanted.coef_.shape and ours.coef_.dtype == dtype
    if not intercept:
        assert not ours.intercept_.any()


def test_logistic_regression_far_from_zero() -> None:
    x, y = blobs(800, 5, 3, dtype=np.float32)
    near = pt.Classifier(tol=1e-5).fit(x, y)
    far = pt.Classifier(tol=1e-5).fit(x + np.float32(4096), y)
    assert far.coef_ == pytest.approx(near.coef_, abs=5e-3)
    assert (far.predict(x + np.float32(4096)) == near.predict(x)).mean() > 0.99


@pytest.mark.parametrize(("rows", "features"), [(300, 9), (20, 40)])
@pytest.mark.parametrize("alpha", [0.0, 1.0])
def test_ridge_regression_finds_what_scikit_learn_finds(rows: int, features: int, alpha: float) -> None:
    from sklearn.linear_model import LinearRegression, Ridge

    draw = np.random.Generator(np.random.Philox(key=1))
    x, y = draw.normal(size=(rows, features)), draw.normal(size=(rows, 2))
    wanted = Ridge(alpha).fit(x, y) if alpha else LinearRegression().fit(x, y)
    ours = pt.Regressor(alpha=alpha).fit(x, y)
    assert ours.coef_ == pytest.approx(wanted.coef_, abs=1e-8)
    assert ours.predict(x) == pytest.approx(wanted.predict(x), abs=1e-8)


def test_settings_of_networks_are_named_as_in_fit() -> None:
    for estimator in (pt.Classifier, pt.Regressor):
        assert {"epochs", "batch_size", "lr"} <= set(inspect.signature(estimator).parameters)
    x, y = blobs(60, 3, 2)
    model = pt.Classifier(hidden=(4,), epochs=2, batch_size=20, lr=0.1).fit(x, y)
    recipe = model.network_.recipe
    assert (recipe.run.batch_size, str(recipe.run.until), next(iter(recipe.optimizers.values())).use.params.lr) == (
        20, "2 epochs", 0.1,
    )  # fmt: skip
    with pytest.raises(ValueError, match=r"^\[Regressor\] lr = -1; expected a number > 0"):
        pt.Regressor(hidden=(4,), lr=-1).fit(x, y)


def test_arrays_that_memory_cannot_hold_are_refused_before_they_are_read() -> None:
    """A broadcast array takes no memory, and ten minutes to look at each of its numbers."""
    x, large = np.ones((4, 2)), np.broadcast_to(np.ones(()), (4, 1 << 40))
    for fit in (lambda: pt.Regressor().fit(x, large), lambda: pt.KMeans(2).fit(large)):
        with pytest.raises(pt.Error, match=r"is float64\[4, 1099511627776\], 32,768 GiB; expected at most [0-9,]+ GiB"):
            fit()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("far", [0.0, 1000.0])
def test_k_means_ends_where_scikit_learn_does(dtype: Any, far: float) -> None:
    from sklearn.cluster import KMeans

    x, _ = blobs(3000, 12, 9, seed=3, dtype=np.float64)
    x = (x + far).astype(dtype)
    start = x[:9]
    ours = pt.KMeans(9, init=start, tol=0).fit(x)
    wanted = KMeans(9, init=start, n_init=1, tol=0).fit(x)
    assert (ours.labels_ == wanted.labels_).mean() > 0.999
    assert ours.inertia_ == pytest.approx(wanted.inertia_, rel=1e-4)
    assert ours.cluster_centers_ == pytest.approx(wanted.cluster_centers_, abs=1e-2 if far else 1e-3)


def test_no_bound_of_k_means_passes_over_a_row_that_changes() -> None:
    """Labels are those of the plain algorithm, at every iteration."""
    x, _ = blobs(2500, 5, 40, seed=5, dtype=np.float32)
    x[:1200] *= 0.2
    for iterations in (1, 2, 3, 5, 8, 13, 21):
        ours = pt.KMeans(30, init=x[:30], max_iter=iterations, tol=0).fit(x)
        apart = np.square(x[:, None].astype(np.float64) - ours.cluster_centers_).sum(axis=2)
        chosen = apart[np.arange(len(x)), ours.labels_]
        assert (chosen <= apart.min(axis=1) * (1 + 1e-4) + 1e-5).all()


def test_a_cluster_without_rows_gets_some() -> None:
    x, _ = blobs(400, 3, 3)
    start = np.vstack([x[:3], [[1e3, 1e3, 1e3]]])
    ours = pt.KMeans(4, init=start).fit(x)
    assert len(np.unique(ours.labels_)) == 4


@pytest.mark.parametrize("quick_blas", [False, True])
@pytest.mark.parametrize(
    ("rows", "features", "far"), [(2000, 60, 0.0), (2000, 60, 300.0), (2000, 100, 0.0), (60, 2000, 0.0), (90, 30, 0.0)]
)
def test_principal_components_are_those_of_scikit_learn(
    rows: int, features: int, far: float, quick_blas: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With products of the engine (given AVX-512), and of NumPy's BLAS."""
    from sklearn.decomposition import PCA

    monkeypatch.setattr(tall, "blas_has_avx512", lambda: quick_blas)
    draw = np.random.Generator(np.random.Philox(key=7))
    x = draw.normal(size=(rows, features)) * np.linspace(3, 0.5, features) + far
    ours, wanted = pt.PCA(8).fit(x), PCA(8, svd_solver="full").fit(x)
    assert ours.explained_variance_ == pytest.approx(wanted.explained_variance_, rel=1e-7)
    assert ours.explained_variance_ratio_ == pytest.approx(wanted.explained_variance_ratio_, rel=1e-7)
    assert ours.noise_variance_ == pytest.approx(wanted.noise_variance_, rel=1e-6)
    assert abs((ours.components_ * wanted.components_).sum(axis=1)) == pytest.approx(np.ones(8), abs=1e-6)
    assert abs(ours.transform(x)) == pytest.approx(abs(wanted.transform(x)), abs=1e-5)
    kept = pt.PCA().fit(x)
    assert kept.inverse_transform(kept.transform(x)) == pytest.approx(x, abs=1e-6)


@pytest.mark.parametrize(("rows", "features"), [(1, 1), (3, 70), (4096, 64), (9000, 130)])
def test_products_of_columns_are_symmetric_and_the_same_for_any_threads(rows: int, features: int) -> None:
    """Pieces of 4,096 rows, the last one filled up, and blocks of 64 columns, of which half are computed."""
    draw = np.random.Generator(np.random.Philox(key=8))
    x = draw.normal(size=(rows, features)) + 2
    centre = x.mean(axis=0) + 0.5
    threads = pt.get_threads()
    try:
        for about, moved in ((None, x), (centre, x - centre)):
            made = []
            for count in (1, 2, 3):
                pt.set_threads(count)
                made.append(gram_by_halves(x, about))
            assert made[0] == pytest.approx(moved.T @ moved, rel=1e-9, abs=1e-12)
            assert made[0].tobytes() == made[0].T.tobytes() == made[1].tobytes() == made[2].tobytes()
    finally:
        pt.set_threads(threads)


def test_whitened_components_have_one_variance_and_a_share_is_enough() -> None:
    x = blobs(1000, 6, 3)[0] * np.array([9, 5, 1, 1, 0.1, 0.1])
    model = pt.PCA(0.9, whiten=True).fit(x)
    assert model.explained_variance_ratio_.sum() > 0.9 > model.explained_variance_ratio_[:-1].sum()
    assert np.var(model.transform(x), axis=0, ddof=1) == pytest.approx(np.ones(model.n_components_), rel=1e-6)


def test_clone_pipelines_and_grid_search() -> None:
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline

    x, y = blobs(300, 6, 3, seed=9)
    names = np.array(["a", "b", "c"])[y]
    search = GridSearchCV(make_pipeline(pt.PCA(4), pt.Classifier()), {"classifier__C": [1e-4, 1.0]}, cv=3)
    assert search.fit(x, names).best_score_ > 0.8
    assert clone(pt.Classifier("digits", C=3)).get_params()["recipe"] == "digits"


def test_a_recipe_on_the_arrays_of_fit() -> None:
    """A network that reads images, from rows; the random numbers of the process are left as they were."""
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    pt.random.seed(5)
    before = pt.random.default_generator().slot.numpy().copy()
    small = pt.Classifier(hidden=(32,), epochs=25, random_state=1).fit(x[:900], y[:900])
    assert small.score(x[900:], y[900:]) > 0.85
    assert (pt.random.default_generator().slot.numpy() == before).all()
    again = pickle.loads(pickle.dumps(small))
    assert (again.predict_proba(x[900:]) == small.predict_proba(x[900:])).all()
    values = pt.Regressor(hidden=(32,), epochs=60).fit(x[:900, :30], x[:900, 30:32])
    assert values.predict(x[:10, :30]).shape == (10, 2)
    assert values.score(x[:900, :30], x[:900, 30:32]) > 0.5


@pytest.mark.slow
def test_the_digits_recipe() -> None:
    from sklearn.datasets import load_digits

    x, y = load_digits(return_X_y=True)
    assert pt.Classifier("digits").fit(x[:1400], y[:1400]).score(x[1400:], y[1400:]) > 0.95


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda x, y: pt.Classifier(C=0).fit(x, y), "[Classifier] C = 0; expected a number > 0; 1.0 is usual"),
        (
            lambda x, y: pt.Classifier().fit(x, y * 0),
            "[Classifier] y has 1 class; expected at least two classes with weight; check the labels",
        ),
        (
            lambda x, y: pt.KMeans(3, init=x[:2]).fit(x),
            "[KMeans] init has the shape [2, 4]; expected [3, 4], a row for each cluster; change init or n_clusters",
        ),
        (
            lambda x, y: pt.PCA(9).fit(x),
            "[PCA] n_components = 9; expected a whole number from 1 to 4 (rows or features), or a share between 0 "
            "and 1; None keeps all",
        ),
        (
            lambda x, y: pt.Classifier(hidden=(4,), shape=(3, 3)).fit(x, y),
            "[Classifier] shape = [3, 3], X has 4 features; expected as many numbers in both; change shape",
        ),
        (
            lambda x, y: pt.Classifier("digits", hidden=(4,)).fit(x, y),
            "[Classifier] received recipe and hidden; expected one of them; leave hidden out",
        ),
    ],
)
def test_what_a_wrong_call_says(make: Any, text: str) -> None:
    x, y = blobs(30, 4, 2)
    with pytest.raises(ValueError) as raised:
        make(x, y)
    assert str(raised.value) == text


def test_too_few_iterations_are_said() -> None:
    x, y = blobs(200, 4, 3)
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match=r"\[Classifier\] 1 iterations leave"):
        pt.Classifier(max_iter=1, tol=1e-9).fit(x, y)


def test_the_import_stays_light_and_a_missing_library_is_said() -> None:
    code = """
import sys
class Hide:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "sklearn":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
import powertrain as pt
assert "sklearn" not in sys.modules and "powertrain.sklearn" not in sys.modules
sys.meta_path.insert(0, Hide())
from powertrain import *
try:
    pt.Classifier
except ImportError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout.strip() == (
        "[powertrain.Classifier] scikit-learn is not installed; expected it, since Classifier is one of its "
        'estimators; pip install "powertrain[sklearn]"'
    ), done.stderr
