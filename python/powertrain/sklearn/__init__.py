"""Estimators that scikit-learn knows how to use: clone, pipelines, grid search. Made when they are first named.

Example
    >>> model = pt.Classifier().fit(np.array([[0.0], [1.0], [2.0], [3.0]]), ["low", "low", "high", "high"])
    >>> str(model.predict([[2.6]])[0])
    'high'
"""

from __future__ import annotations

import importlib
from typing import Any

from powertrain.errors.hints import unknown
from powertrain.errors.modules import answer_calls

HOMES = {
    "Classifier": "classifier",
    "DecisionTreeClassifier": "trees",
    "DecisionTreeRegressor": "trees",
    "ElasticNet": "sparse_linear",
    "GradientBoostingClassifier": "trees",
    "GradientBoostingRegressor": "trees",
    "KMeans": "clusters",
    "Lasso": "sparse_linear",
    "LinearSVC": "linear_svc",
    "PCA": "components",
    "RandomForestClassifier": "trees",
    "RandomForestRegressor": "trees",
    "Regressor": "regressor",
    "SGDClassifier": "sgd",
    "SGDRegressor": "sgd",
}

__all__ = [
    "PCA",
    "Classifier",
    "DecisionTreeClassifier",
    "DecisionTreeRegressor",
    "ElasticNet",
    "GradientBoostingClassifier",
    "GradientBoostingRegressor",
    "KMeans",
    "Lasso",
    "LinearSVC",
    "RandomForestClassifier",
    "RandomForestRegressor",
    "Regressor",
    "SGDClassifier",
    "SGDRegressor",
]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise unknown(__name__, name)
    try:
        return getattr(importlib.import_module(f"powertrain.sklearn.{HOMES[name]}"), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "sklearn":
            raise
        raise ModuleNotFoundError(
            f"[powertrain.{name}] scikit-learn is not installed; expected it, since {name} is one of its estimators; "
            'pip install "powertrain[sklearn]"',
            name="sklearn",
        ) from None


def __dir__() -> list[str]:
    return sorted(__all__)


answer_calls(__name__)
