"""SGDClassifier and SGDRegressor: near the minimum, the same for a seed, in parts as in whole epochs, wrong calls."""

from __future__ import annotations

import pickle
from typing import Any

import numpy as np
import pytest

import powertrain as pt

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is an extra")
ALPHA = 0.02
# How far above the least value of the objective it may end.
NEAR = 0.02


def rows(count: int = 300, dtype: Any = np.float64) -> tuple[Any, Any, Any]:
    """Features that are not scaled, two classes that overlap, a value."""
    draw = np.random.Generator(np.random.Philox(key=11))
    x = (draw.normal(size=(count, 5)) * np.linspace(0.5, 3, 5) + 1).astype(dtype)
    score = x @ np.array([1.0, -1.0, 0.0, 0.5, 1.0]) - 1
    return x, (score + draw.normal(size=count) * 2 > 0).astype(int), score + draw.normal(size=count)


def objective(loss: str, score: Any, y: Any, weight: Any, coef: Any) -> float:
    sign = 2 * y - 1
    losses = {
        "hinge": lambda: np.maximum(1 - score * sign, 0),
        "log_loss": lambda: np.logaddexp(0, -score * sign),
        "squared_hinge": lambda: np.maximum(1 - score * sign, 0) ** 2,
        "squared_error": lambda: (score - y) ** 2 / 2,
        "huber": lambda: np.where(np.abs(score - y) < 1, (score - y) ** 2 / 2, np.abs(score - y) - 0.5),
        "epsilon_insensitive": lambda: np.maximum(np.abs(score - y) - 0.1, 0),
    }[loss]()
    return float((losses * weight).mean() + ALPHA / 2 * np.square(coef).sum())


def least(loss: str, x: Any, y: Any, weight: Any) -> float:
    """The least value, by a method that needs no gradient, since the slope of some losses jumps."""
    from scipy.optimize import minimize

    found = np.zeros(x.shape[1] + 1)
    for _ in range(4):  # it begins again where it ended
        found = minimize(
            lambda c: objective(loss, x @ c[:-1] + c[-1], y, weight, c[:-1]), found, method="Powell", tol=1e-9
        ).x
    return objective(loss, x @ found[:-1] + found[-1], y, weight, found[:-1])


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    "loss", ["hinge", "log_loss", "squared_hinge", "squared_error", "huber", "epsilon_insensitive"]
)
def test_it_ends_near_the_minimum(loss: str, dtype: Any) -> None:
    x, y, value = rows(dtype=dtype)
    weight = np.linspace(0.2, 1.8, len(x))
    of_classes = loss in ("hinge", "log_loss", "squared_hinge")
    kind = pt.sklearn.SGDClassifier if of_classes else pt.sklearn.SGDRegressor
    model = kind(loss, alpha=ALPHA, random_state=0, learning_rate="optimal", tol=None, max_iter=60, epsilon=0.1)
    if loss == "huber":
        model.set_params(epsilon=1.0)
    wanted = y if of_classes else value
    model.fit(x, wanted, weight)
    assert model.coef_.dtype == dtype
    score = x @ model.coef_.ravel() + model.intercept_[0]
    best = least(loss, x.astype(np.float64), wanted, weight)
    assert best <= objective(loss, score, wanted, weight, model.coef_) + 1e-9
    assert objective(loss, score, wanted, weight, model.coef_) < best * (1 + NEAR)


def test_many_classes_and_probabilities() -> None:
    x, _, value = rows()
    y = np.array(["low", "middle", "high"])[np.digitize(value, np.quantile(value, [0.3, 0.6]))]
    model = pt.sklearn.SGDClassifier("log_loss", random_state=0).fit(x, y)
    assert model.coef_.shape == (3, 5) and list(model.classes_) == ["high", "low", "middle"]
    shares = model.predict_proba(x)
    assert shares.sum(axis=1) == pytest.approx(np.ones(len(x)))
    assert (model.classes_[shares.argmax(axis=1)] == model.predict(x)).all()
    assert np.exp(model.predict_log_proba(x)) == pytest.approx(shares)
    assert not hasattr(pt.sklearn.SGDClassifier("hinge"), "predict_proba")
    with pytest.raises(pt.Error) as raised:
        pt.sklearn.SGDClassifier("hinge").predict_log_proba(x)
    assert str(raised.value) == (
        "[SGDClassifier] predict_log_proba of loss = 'hinge'; expected \"log_loss\", whose scores are those of "
        'probabilities; write SGDClassifier("log_loss")'
    )
    assert model.score(x, y) > 0.7


def test_a_seed_decides_and_threads_do_not() -> None:
    x, y, _ = rows(100)
    threads = pt.get_threads()
    made = []
    try:
        for count in (1, 2):
            pt.set_threads(count)
            made.append(pt.sklearn.SGDClassifier(random_state=3, max_iter=4, tol=None).fit(x, y).coef_.tobytes())
    finally:
        pt.set_threads(threads)
    other = pt.sklearn.SGDClassifier(random_state=4, max_iter=4, tol=None).fit(x, y).coef_.tobytes()
    assert made[0] == made[1] != other


@pytest.mark.parametrize("kind", ["SGDClassifier", "SGDRegressor"])
def test_parts_are_epochs(kind: str) -> None:
    """Three calls of partial_fit are three epochs of fit, if nothing is shuffled; a pickle goes on where it was."""
    x, y, value = rows(90)
    target = y if kind == "SGDClassifier" else value
    first = {"classes": [0, 1]} if kind == "SGDClassifier" else {}
    make = {"shuffle": False, "tol": None, "max_iter": 3}
    whole = getattr(pt.sklearn, kind)(**make).fit(x, target)
    parts = getattr(pt.sklearn, kind)(**make).partial_fit(x, target, **first)
    for _ in range(2):
        parts = pickle.loads(pickle.dumps(parts)).partial_fit(x, target)
    assert parts.coef_.tobytes() == whole.coef_.tobytes() and parts.t_ == whole.t_ == 271


def test_penalties_and_schedules() -> None:
    x, y, _ = rows()
    norms = {}
    for penalty in ("l2", "l1", "elasticnet", None):
        model = pt.sklearn.SGDClassifier("log_loss", penalty=penalty, alpha=0.1, random_state=0).fit(x, y)
        norms[penalty] = float(np.abs(model.coef_).sum())
    assert norms["l1"] < norms["elasticnet"] < norms["l2"] < norms[None]
    # A penalty above what any feature gains leaves exact zeros.
    gone = pt.sklearn.SGDClassifier("log_loss", penalty="l1", alpha=5.0, random_state=0).fit(x, y)
    assert not gone.coef_.any() and gone.intercept_.any()
    for rate in ("constant", "invscaling"):
        model = pt.sklearn.SGDClassifier(learning_rate=rate, eta0=0.01, random_state=0).fit(x, y)
        assert model.score(x, y) > 0.8


def test_weights_of_classes() -> None:
    x, y, _ = rows()
    often = pt.sklearn.SGDClassifier("log_loss", class_weight={1: 20.0}, random_state=0).fit(x, y).predict(x).mean()
    seldom = pt.sklearn.SGDClassifier("log_loss", class_weight={0: 20.0}, random_state=0).fit(x, y).predict(x).mean()
    assert seldom < 0.5 < often


def test_a_pipeline_and_a_grid_search() -> None:
    from sklearn.model_selection import GridSearchCV
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    x, _, value = rows(90)
    pipe = make_pipeline(StandardScaler(), pt.sklearn.SGDRegressor(random_state=0))
    assert GridSearchCV(pipe, {"sgdregressor__alpha": [1e-4, 1.0]}, cv=3).fit(x, value).best_score_ > 0.7


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            lambda x, y: pt.sklearn.SGDClassifier("log").fit(x, y),
            '[SGDClassifier] loss = \'log\'; expected one of "hinge", "log_loss", "modified_huber", "squared_hinge"; '
            "change loss",
        ),
        (
            lambda x, y: pt.sklearn.SGDRegressor(penalty="L2").fit(x, y),
            '[SGDRegressor] penalty = \'L2\'; expected one of "elasticnet", "l1", "l2", None; change penalty',
        ),
        (
            lambda x, y: pt.sklearn.SGDClassifier(batch_size=0).fit(x, y),
            "[SGDClassifier] batch_size = 0; expected a whole number >= 1; change batch_size",
        ),
        (
            lambda x, y: pt.sklearn.SGDClassifier().partial_fit(x, y),
            "[SGDClassifier] received no classes in the first call of partial_fit; expected all that will come; pass "
            "classes=numpy.unique(y_all)",
        ),
        (
            lambda x, y: pt.sklearn.SGDClassifier().partial_fit(x, y, classes=[0, 2]),
            "[SGDClassifier] y has the class 1; expected one of 0, 2; name all classes in the first call",
        ),
        (
            lambda x, y: pt.sklearn.SGDClassifier(class_weight="balanced").partial_fit(x, y, classes=[0, 1]),
            "[SGDClassifier] class_weight = 'balanced' in partial_fit, which sees some rows; expected a dict or None; "
            "pass sample_weight, or count the classes yourself",
        ),
    ],
)
def test_what_a_wrong_call_says(make: Any, text: str) -> None:
    x, y, _ = rows(20)
    with pytest.raises(pt.Error) as raised:
        make(x, y)
    assert str(raised.value) == text and isinstance(raised.value, ValueError)


def test_too_few_epochs_are_said() -> None:
    x, y, _ = rows(60)
    with pytest.warns(
        sklearn.exceptions.ConvergenceWarning, match=r"^\[SGDClassifier\] the loss still falls by more than tol"
    ):
        pt.sklearn.SGDClassifier(max_iter=2, random_state=0).fit(x, y)
