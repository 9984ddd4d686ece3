"""Averages over classes that a recipe names, against scikit-learn's scorers of the same names."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import sklearn.base
import sklearn.metrics

from powertrain.plugin import registry
from powertrain.plugin.params import params_of
from powertrain.train.choosing.suggestion import measure_of

COUNT = 211


class Given(sklearn.base.ClassifierMixin, sklearn.base.BaseEstimator):  # type: ignore[misc, unused-ignore]
    """An estimator whose predictions are given."""

    def __init__(self, classes: Any, found: Any) -> None:
        self.classes_, self.found = classes, found

    def fit(self, x: Any, y: Any) -> Given:
        return self

    def predict(self, x: Any) -> Any:
        return self.found


@pytest.mark.parametrize("name", ["f1", "precision", "recall"])
@pytest.mark.parametrize("average", ["", "macro", "micro", "weighted"])
def test_a_recipe_names_averages_as_scikit_learn_does(name: str, average: str) -> None:
    draw = np.random.default_rng(0)
    truth = draw.integers(0, 4 if average else 2, COUNT)
    found = np.where(draw.random(COUNT) < 0.6, truth, draw.integers(0, 4 if average else 2, COUNT))
    called = f"{name}_{average}" if average else name
    plugin: Any = registry().load("metric", called)
    metric = plugin.build(params_of(plugin)())
    metric.update(found, truth)
    wanted = sklearn.metrics.get_scorer(called)(Given(np.unique(truth), found), np.zeros((COUNT, 1)), truth)
    assert metric.compute() == pytest.approx(wanted, rel=1e-12)
    assert measure_of(called, "classification") == (False, 1.0)
