"""Linear estimators of the scikit-learn door beside those of scikit-learn: the same coefficients, clone, pickle."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import powertrain as pt

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is an extra")


def numbers(rows: int = 120, features: int = 7, seed: int = 0) -> tuple[Any, Any, Any]:
    draw = np.random.Generator(np.random.Philox(key=seed))
    x = draw.normal(size=(rows, features)) * np.linspace(1, 4, features) + 3
    y = x @ np.where(np.arange(features) % 2, 0.0, np.linspace(-2, 2, features)) + draw.normal(size=rows) + 5
    return x, y, draw.uniform(0.1, 2, rows)


@pytest.mark.parametrize("alpha", [0.01, 0.5])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("several", [True, False])
def test_lasso_and_elastic_net_find_what_scikit_learn_finds(alpha: float, intercept: bool, several: bool) -> None:
    from sklearn.linear_model import ElasticNet, Lasso

    x, y, weight = numbers()
    y = np.stack([y, x[:, 1] ** 2], axis=1) if several else y
    for ours, wanted in (
        (pt.sklearn.Lasso(alpha, tol=1e-10), Lasso(alpha, tol=1e-12, max_iter=100_000)),
        (
            pt.sklearn.ElasticNet(alpha, l1_ratio=0.3, tol=1e-10),
            ElasticNet(alpha, l1_ratio=0.3, tol=1e-12, max_iter=100_000),
        ),
    ):
        for one in (ours, wanted):
            one.set_params(fit_intercept=intercept).fit(x, y, sample_weight=weight)
        assert ours.coef_.shape == wanted.coef_.shape
        assert ours.coef_ == pytest.approx(wanted.coef_, abs=1e-6)
        assert ours.intercept_ == pytest.approx(wanted.intercept_, abs=1e-6)
        assert ours.predict(x) == pytest.approx(wanted.predict(x), abs=1e-6)
        assert ((ours.coef_ == 0) == (wanted.coef_ == 0)).all()
        assert (ours.sparse_coef_.toarray() == np.atleast_2d(ours.coef_)).all()


@pytest.mark.parametrize(("dtype", "near"), [(np.float64, 1e-6), (np.float32, 1e-4)])
@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize("balance", [None, "balanced", {0: 2.0, 1: 0.5}])
def test_linear_svc_finds_what_scikit_learn_finds(dtype: Any, near: float, classes: int, balance: Any) -> None:
    from sklearn.svm import LinearSVC

    x, y, weight = numbers()
    y = np.digitize(y + 8 * np.sin(np.arange(len(y))), np.quantile(y, np.arange(1, classes) / (classes + 1)))
    for scaling, intercept in ((1.0, True), (5.0, True), (1.0, False)):
        same: dict[str, Any] = {
            "C": 0.3, "intercept_scaling": scaling, "fit_intercept": intercept, "class_weight": balance,
        }  # fmt: skip
        ours = pt.sklearn.LinearSVC(**same, tol=1e-9 if dtype == np.float64 else 1e-5).fit(x.astype(dtype), y, weight)
        wanted = LinearSVC(**same, tol=1e-10, max_iter=1_000_000, dual=False).fit(x, y, weight)
        assert ours.coef_.shape == wanted.coef_.shape and ours.coef_.dtype == dtype
        assert ours.coef_ == pytest.approx(wanted.coef_, abs=near)
        assert ours.decision_function(x) == pytest.approx(wanted.decision_function(x), abs=10 * near)
        assert (ours.predict(x) == wanted.predict(x)).all()


@pytest.mark.parametrize("name", ["ElasticNet", "Lasso", "LinearSVC"])
def test_clone_pickle_pipelines_and_grid_search(name: str) -> None:
    from sklearn.base import clone
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, y, _ = numbers(60)
    y = (y > y.mean()).astype(int) if name == "LinearSVC" else y
    model = getattr(pt.sklearn, name)()
    grid = {f"{name.lower()}__{'C' if name == 'LinearSVC' else 'alpha'}": [0.01, 1.0]}
    search = GridSearchCV(make_pipeline(StandardScaler(), clone(model)), grid, cv=3).fit(x, y)
    assert search.best_score_ > 0.7
    again = pickle.loads(pickle.dumps(search.best_estimator_))
    assert (again.predict(x) == search.predict(x)).all()


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda x, y: pt.sklearn.ElasticNet(l1_ratio=1.5).fit(x, y),
            "[ElasticNet] l1_ratio = 1.5; expected a number from 0 to 1; 0.5 is usual",
        ),
        (lambda x, y: pt.sklearn.Lasso(-1).fit(x, y), "[Lasso] alpha = -1; expected a number >= 0; 1.0 is usual"),
        (
            lambda x, y: pt.sklearn.LinearSVC(class_weight="even").fit(x, y > y[4]),
            '[class_weight] received \'even\'; expected None, "balanced" or a dict of weights by class; "balanced" '
            "is usual for rare classes",
        ),
    ],
)
def test_what_a_wrong_call_says(make: Any, text: str) -> None:
    x, y, _ = numbers(9)
    with pytest.raises(pt.Error) as raised:
        make(x, y)
    assert str(raised.value) == text and isinstance(raised.value, ValueError)


def test_too_few_iterations_are_said() -> None:
    x, y, _ = numbers()
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match=r"^\[Lasso\] 1 sweeps leave a duality gap of "):
        pt.sklearn.Lasso(0.01, max_iter=1).fit(x, y)
    with pytest.warns(sklearn.exceptions.ConvergenceWarning, match=r"^\[LinearSVC\] 1 iterations leave a gradient of "):
        pt.sklearn.LinearSVC(max_iter=1, tol=1e-9).fit(x, y > y.mean())


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("LogisticRegression", "write pt.sklearn.Classifier(C=1.0)"),
        ("Ridge", "write pt.sklearn.Regressor(alpha=1.0)"),
        ("MLPClassifier", "write pt.sklearn.Classifier(hidden=(100,))"),
        ("Laso", "did you mean Lasso?"),
    ],
)
def test_a_name_that_is_not_there_shows_the_line(name: str, line: str) -> None:
    with pytest.raises(AttributeError) as raised:
        getattr(pt.sklearn, name)
    assert str(raised.value) == f"[powertrain.sklearn] {name}; expected a name of powertrain.sklearn; {line}"
    assert dir(pt.sklearn) == sorted(pt.sklearn.__all__)


@pytest.mark.parametrize(
    ("name", "line"), [("Lasso", "pt.sklearn.Lasso()"), ("LogisticRegression", "pt.sklearn.Classifier(C=1.0)")]
)
def test_an_estimator_that_is_asked_of_pt_is_found(name: str, line: str) -> None:
    with pytest.raises(AttributeError) as raised:
        getattr(pt, name)
    assert str(raised.value) == f"[powertrain] {name}; expected a name of powertrain; write {line}"


@pytest.mark.parametrize("name", [name for name in pt.sklearn.__all__ if name != "PCA"])
def test_an_estimator_before_fit_and_parameters_of_another_one(name: str) -> None:
    made = getattr(pt.sklearn, name)()
    with pytest.raises(sklearn.exceptions.NotFittedError) as raised:
        made.predict(np.zeros((3, 2)))
    assert isinstance(raised.value, pt.Error)
    assert str(raised.value) == (
        f"[{name}] called before fit; expected a fitted {name}; write estimator.fit(x, y) first"
    )
    known, before = ", ".join(sorted(made.get_params())), made.get_params()
    with pytest.raises(ValueError, match=r"^\[") as refused:
        made.set_params(**{next(iter(before)): 7, "lambda_l1": 3})
    assert isinstance(refused.value, pt.Error)
    assert str(refused.value) == (
        f"[{name}.set_params] received lambda_l1=3; expected one of {known}; see help({name})"
    )
    assert made.get_params() == before
