"""Trees of the scikit-learn door: the tree that scikit-learn grows, forests and boosting beside its own, their text."""

from __future__ import annotations

import copy
import pickle
import sys
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.plugin import PluginError, Registry

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is an extra")
pytest.importorskip("lightgbm", reason="LightGBM is an extra")
pytest.importorskip("powertrain_tabular", reason="powertrain-tabular has the models")


def rows(count: int = 240, seed: int = 2) -> tuple[Any, Any, Any]:
    """Few different values of each feature, so that all of them are thresholds."""
    draw = np.random.Generator(np.random.Philox(key=seed))
    x = draw.normal(size=(count, 5)).round(1)
    score = x @ np.array([1.0, -2.0, 0.0, 0.5, 1.0])
    return x, score + draw.normal(size=count), draw.integers(1, 4, count).astype(np.float64)


@pytest.mark.parametrize(
    "settings", [{"max_depth": 3}, {"max_leaf_nodes": 6}, {"max_depth": 3, "min_samples_leaf": 20}]
)
@pytest.mark.parametrize("rare", [0.5, 0.85])
def test_a_tree_is_that_of_scikit_learn(settings: dict[str, Any], rare: float) -> None:
    """Its leaves answer with shares: the most frequent class of a leaf is its answer, however rare it is elsewhere."""
    from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

    x, value, weight = rows()
    if "min_samples_leaf" in settings:
        weight = None  # how many weighted rows there are LightGBM only reckons
    y = np.where(value > np.quantile(value, rare), "yes", "no")
    ours = pt.sklearn.DecisionTreeClassifier(**settings).fit(x, y, weight)
    wanted = DecisionTreeClassifier(**settings, random_state=0).fit(x, y, weight)
    assert ours.predict_proba(x) == pytest.approx(wanted.predict_proba(x), abs=1e-6)
    assert (ours.predict(x) == wanted.predict(x)).all()
    assert ours.feature_importances_ == pytest.approx(wanted.feature_importances_, abs=1e-5)
    values = pt.sklearn.DecisionTreeRegressor(**settings).fit(x, value, weight)
    assert values.predict(x) == pytest.approx(
        DecisionTreeRegressor(**settings, random_state=0).fit(x, value, weight).predict(x), abs=1e-5
    )


@pytest.mark.parametrize(("scale", "offset"), [(1e-12, 0.0), (1e-9, 1e-6), (1.0, 1e9), (1e30, 0.0), (1e100, 0.0)])
def test_values_of_any_size_grow_the_same_tree(scale: float, offset: float) -> None:
    x, value, _ = rows()
    settings: dict[str, Any] = {"max_depth": 3}
    wanted = pt.sklearn.DecisionTreeRegressor(**settings).fit(x, value).predict(x)
    found = pt.sklearn.DecisionTreeRegressor(**settings).fit(x, value * scale + offset).predict(x)
    assert (found - offset) / scale == pytest.approx(wanted, abs=1e-4)
    forest = pt.sklearn.RandomForestRegressor(20, random_state=0).fit(x, value * scale + offset)
    assert forest.score(x, value * scale + offset) > 0.5
    boosted = pt.sklearn.GradientBoostingRegressor(20).fit(x, value * scale + offset)
    assert boosted.score(x, value * scale + offset) > 0.5


def test_a_tree_of_no_limit_knows_its_rows() -> None:
    x, value, _ = rows()
    x = np.hstack([x, np.arange(len(x))[:, None]])
    y = np.digitize(value, np.quantile(value, [0.3, 0.6]))
    assert pt.sklearn.DecisionTreeClassifier().fit(x, y).score(x, y) == 1.0
    assert pt.sklearn.DecisionTreeRegressor().fit(x, value).predict(x) == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("classes", [2, 3])
def test_forests_and_boosting_are_as_good_as_those_of_scikit_learn(classes: int) -> None:
    from sklearn import ensemble

    x, value, _ = rows(600)
    y = np.digitize(value, np.quantile(value, np.arange(1, classes) / classes))
    for name in ("RandomForestClassifier", "GradientBoostingClassifier", "RandomForestRegressor"):
        target = value if name.endswith("Regressor") else y
        ours = getattr(pt.sklearn, name)(n_estimators=60, random_state=0).fit(x[:400], target[:400])
        wanted = getattr(ensemble, name)(n_estimators=60, random_state=0).fit(x[:400], target[:400])
        assert ours.score(x[400:], target[400:]) > wanted.score(x[400:], target[400:]) - 0.06
        assert ours.feature_importances_.argmax() == 1 and ours.feature_importances_.sum() == pytest.approx(1)
        if name.endswith("Classifier"):
            assert ours.predict_proba(x).sum(axis=1) == pytest.approx(np.ones(600))
            log_loss = -np.log(ours.predict_proba(x[400:])[np.arange(200), y[400:]] + 1e-3).mean()
            assert log_loss < -np.log(wanted.predict_proba(x[400:])[np.arange(200), y[400:]] + 1e-3).mean() + 0.15


def test_the_state_is_text_and_is_copied_and_pickled() -> None:
    x, value, _ = rows(80)
    model = pt.sklearn.RandomForestRegressor(5, random_state=3).fit(x, value)
    data = pickle.dumps(model)
    assert b"lightgbm" not in data and b"powertrain_tabular" not in data and b"tree_sizes" in data
    for again in (pickle.loads(data), copy.deepcopy(model), sklearn.base.clone(model).fit(x, value)):
        assert (again.predict(x) == model.predict(x)).all()


def test_a_pipeline_and_a_grid_search() -> None:
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, value, _ = rows(90)
    pipe = make_pipeline(StandardScaler(), pt.sklearn.GradientBoostingRegressor(20, random_state=0))
    search = GridSearchCV(pipe, {"gradientboostingregressor__max_depth": [1, 3]}, cv=3).fit(x, value)
    assert search.best_score_ > 0.4


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda x, y: pt.sklearn.RandomForestClassifier(max_features="all").fit(x, y > 0),
            '[RandomForestClassifier] max_features = \'all\'; expected "sqrt", "log2", None, a number from 1 to 5 or '
            'a share above 0; "sqrt" is usual for classes',
        ),
        (
            lambda x, y: pt.sklearn.RandomForestRegressor(max_samples=1.0).fit(x, y),
            "[RandomForestRegressor] max_samples = 1.0; expected None or a share of the rows between 0 and 1; None is "
            "0.632, as many as a bootstrap has different ones",
        ),
        (
            lambda x, y: pt.sklearn.RandomForestRegressor().fit(x[:1], y[:1]),
            "[RandomForestRegressor] n_samples = 1 and max_samples = 0.632; expected one row or more for each tree; "
            "take more rows",
        ),
        (
            lambda x, y: pt.sklearn.DecisionTreeRegressor(max_depth=0).fit(x, y),
            "[DecisionTreeRegressor] max_depth = 0; expected a whole number >= 1; change max_depth",
        ),
        (
            lambda x, y: pt.sklearn.GradientBoostingRegressor(learning_rate=2).fit(x, y),
            "[GradientBoostingRegressor] learning_rate = 2; expected a number above 0, at most 1; change learning_rate",
        ),
    ],
)
def test_what_a_wrong_call_says(make: Any, text: str) -> None:
    x, value, _ = rows(20)
    with pytest.raises(pt.Error) as raised:
        make(x, value)
    assert str(raised.value) == text and isinstance(raised.value, ValueError)


def test_a_missing_library_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    x, value, _ = rows(20)
    model = pt.sklearn.DecisionTreeRegressor()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "lightgbm", None)
        with pytest.raises(pt.Error, match=r"^\[lightgbm\] it cannot be imported .*; expected LightGBM; pip install "):
            model.fit(x, value)

    def nothing(self: Any, group: str, name: str) -> Any:
        raise PluginError(f"[{group}] there is no {name}")

    monkeypatch.setattr(Registry, "find", nothing)
    with pytest.raises(pt.Error) as raised:
        model.fit(x, value)
    assert isinstance(raised.value, ImportError)
    assert str(raised.value) == (
        "[DecisionTreeRegressor] powertrain-tabular is not installed; expected it and LightGBM, which grows the trees; "
        'pip install "powertrain-tabular[trees]"'
    )
