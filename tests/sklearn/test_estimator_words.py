"""What scikit-learn's users guess: settings, attributes and data that estimators refuse, with what to write instead."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.errors.estimator_counterparts import ESTIMATOR_CLASSES, SETTINGS

sklearn = pytest.importorskip("sklearn", reason="scikit-learn is not installed")

X = np.arange(40.0).reshape(20, 2)
Y = np.arange(20) % 2


def refusal(action: Any) -> str:
    with pytest.raises(pt.Error) as raised:
        action()
    return str(raised.value)


@pytest.mark.parametrize(
    ("name", "setting", "text"),
    [
        ("Classifier", {"hidden_layer_sizes": (8,)}, "received hidden_layer_sizes=tuple; expected hidden; write"),
        ("Classifier", {"learning_rate_init": 0.1}, "received learning_rate_init=0.1; expected lr; write lr=1e-3"),
        ("Classifier", {"alpha": 0.1}, "received alpha=0.1; expected C; write C=1 / alpha"),
        ("Regressor", {"C": 0.1}, "received C=0.1; expected alpha; write alpha=1 / C"),
        (
            "RandomForestClassifier", {"class_weight": "balanced"},
            "received class_weight='balanced'; expected weights of rows; write fit(x, y, sample_weight=",
        ),
        ("RandomForestRegressor", {"min_samples_split": 4}, "received min_samples_split=4; expected min_samples_leaf;"),
        ("DecisionTreeClassifier", {"criterion": "gini"}, "received criterion='gini'; expected no criterion: splits"),
        ("PCA", {"svd_solver": "full"}, "received svd_solver='full'; expected no svd_solver: the components are"),
    ],
)  # fmt: skip
def test_settings_of_scikit_learn_are_answered_with_ours(name: str, setting: dict[str, Any], text: str) -> None:
    assert refusal(lambda: getattr(pt.sklearn, name)(**setting)).startswith(f"[{name}] {text}")


def test_the_advice_is_true() -> None:
    assert frozenset(pt.sklearn.__all__) == ESTIMATOR_CLASSES
    settings = {
        name: set(inspect.signature(getattr(pt.sklearn, name)).parameters) for name in sorted(ESTIMATOR_CLASSES)
    }
    for theirs, (ours, line) in SETTINGS.items():
        assert line and (not ours or any(ours in known and theirs not in known for known in settings.values()))


def test_what_trees_keep_is_said() -> None:
    pytest.importorskip("lightgbm", reason="LightGBM is not installed")
    forest = pt.sklearn.RandomForestClassifier(2).fit(X, Y)
    for name in ("estimators_", "tree_"):
        assert refusal(lambda name=name: getattr(forest, name)) == (
            f"[RandomForestClassifier] {name}; expected an attribute of RandomForestClassifier; write "
            "sklearn.tree.DecisionTreeClassifier() for the structure of a tree: LightGBM keeps these as a text"
        )
    assert not hasattr(pt.Classifier().fit(X, Y), "loss_curve_")


@pytest.mark.parametrize(
    ("action", "text"),
    [
        (
            lambda model: model.fit(X, Y).predict(X[0]),
            "Expected 2D array, got 1D array instead; expected a row for each example; Reshape your data: x.reshape(1, "
            "-1) is one row, x.reshape(-1, 1) one column",
        ),
        (
            lambda model: model.fit([[1.0, np.nan], [2.0, 3.0]], [0, 1]),
            "Input X contains NaN; expected finite numbers; put sklearn.impute.SimpleImputer() before it in a "
            "pipeline, or leave out these rows",
        ),
        (
            lambda model: model.fit([["a"], ["b"]], [0, 1]),
            "could not convert string to float: 'a'; expected numbers; put sklearn.preprocessing.OneHotEncoder() "
            "before it in a pipeline",
        ),
        (
            lambda model: model.fit(X, Y / 3),
            "Unknown label type: continuous; expected classes; take a Regressor for numbers, or make classes of them",
        ),
        (
            lambda model: model.fit(X, Y, sample_weight=-np.ones(20)),
            "Negative values in data passed to `sample_weight`; expected weights of 0 or more; 0 leaves a row out",
        ),
        (
            lambda model: model.fit(X, Y).predict(X[:, :1]),
            "X has 1 features, but Classifier is expecting 2 features as input; expected the columns that it was "
            "fitted on; pass these, in the same order",
        ),
        (
            lambda model: model.fit(np.ma.masked_where(X > 30, X), Y),
            "X has masked numbers; expected a number everywhere; fill them, such as array.filled(0), or leave the rows "
            "out",
        ),
    ],
)
def test_data_that_are_refused_come_with_the_fix(action: Any, text: str) -> None:
    assert refusal(lambda: action(pt.Classifier())) == f"[Classifier] {text}"


@pytest.mark.peers
def test_tensors_and_frames_that_are_no_numbers_come_with_the_fix() -> None:
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    pandas = pytest.importorskip("pandas", reason="pandas is not installed")
    fix = "expected an array of numbers; write x.detach().float().numpy()"
    for tensor in (torch.tensor(X, requires_grad=True), torch.tensor(X).bfloat16()):
        assert refusal(lambda x=tensor: pt.Classifier().fit(x, Y)).endswith(fix)
    assert refusal(lambda: pt.Classifier().fit(pandas.DataFrame(X, columns=["a", "a"]), Y)) == (
        "[Classifier] Expected unique column names; expected a name for each column; rename one, or leave one out"
    )


@pytest.mark.parametrize(
    ("action", "text"),
    [
        (lambda trees: trees.DecisionTreeRegressor().fit(X, ["a"] * 20), "y has str values; expected numbers; take a"),
        (lambda trees: trees.Regressor().fit(X, ["a"] * 20), "y has str values; expected numbers; take a Classifier"),
        (
            lambda trees: trees.RandomForestClassifier(5, n_jobs=0).fit(X, Y),
            "n_jobs = 0; expected None, a number of threads or -1 for all processors; write n_jobs=-1",
        ),
        (
            lambda trees: trees.RandomForestClassifier(5, random_state="x").fit(X, Y),
            "random_state = 'x'; expected a whole number, None or a numpy.random.RandomState; write random_state=0",
        ),
        (
            lambda trees: trees.KMeans(2, random_state="x").fit(X),
            "random_state = 'x'; expected a whole number, None or",
        ),
    ],
)
def test_targets_threads_and_seeds_that_cannot_be_used(action: Any, text: str) -> None:
    assert refusal(lambda: action(pt.sklearn)).partition("] ")[2].startswith(text)
