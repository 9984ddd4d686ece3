"""An estimator that is fitted again with other settings forgets what it was."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("sklearn", reason="scikit-learn is not installed")

import powertrain as pt

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(60, 3))


def test_a_classifier_that_was_a_network() -> None:
    y = (X[:, 0] > 0).astype(int)
    model = pt.Classifier(hidden=(4,), epochs=1).fit(X, y)
    model.set_params(hidden=()).fit(X, y)
    assert np.array_equal(model.predict_proba(X), pt.Classifier().fit(X, y).predict_proba(X))
    model.set_params(hidden=(4,)).fit(X, y)
    fresh = pt.Classifier(hidden=(4,), epochs=1).fit(X, y)
    assert np.array_equal(model.predict_proba(X), fresh.predict_proba(X))
    assert sorted(vars(model)) == sorted(vars(fresh))


def test_a_regressor_that_was_a_network() -> None:
    y = X @ [1.0, 2.0, 3.0]
    model = pt.Regressor(hidden=(4,), epochs=1).fit(X, y)
    model.set_params(hidden=()).fit(X, y)
    assert np.array_equal(model.predict(X), pt.Regressor().fit(X, y).predict(X))
    model.set_params(hidden=(4,)).fit(X, y)
    fresh = pt.Regressor(hidden=(4,), epochs=1).fit(X, y)
    assert np.array_equal(model.predict(X), fresh.predict(X)) and sorted(vars(model)) == sorted(vars(fresh))
