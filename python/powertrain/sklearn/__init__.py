"""Estimators that scikit-learn knows how to use: clone, pipelines, grid search. Made when they are first named.

Example
    >>> model = pt.Classifier().fit(np.array([[0.0], [1.0], [2.0], [3.0]]), ["low", "low", "high", "high"])
    >>> str(model.predict([[2.6]])[0])
    'high'
"""

from __future__ import annotations

import importlib
from typing import Any

HOMES = {"Classifier": "classifier", "Regressor": "regressor", "KMeans": "clusters", "PCA": "components"}

__all__ = ["PCA", "Classifier", "KMeans", "Regressor"]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
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
