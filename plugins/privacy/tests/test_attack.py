"""The membership attack against scikit-learn, definitions, and draws whose answer is known."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.stats import norm
from sklearn.metrics import roc_auc_score

from powertrain_privacy.attack import loss_attack, most_advantage


def test_auc_is_that_of_scikit_learn_with_ties() -> None:
    draw = np.random.default_rng(0)
    members, outsiders = draw.integers(0, 12, 300) / 4, draw.integers(3, 15, 200) / 4
    truth = np.repeat([1, 0], [300, 200])
    found = loss_attack(members, outsiders)
    assert found.auc == pytest.approx(roc_auc_score(truth, -np.concatenate([members, outsiders])), abs=1e-12)
    assert (found.members, found.outsiders) == (300, 200)


def test_the_interval_holds_the_true_value_in_19_of_20_draws() -> None:
    """Losses of two normal distributions: the chance that one is smaller is known."""
    draw, apart = np.random.default_rng(1), 0.4
    truth = norm.cdf(apart / math.sqrt(2))
    found = [loss_attack(draw.normal(size=150), draw.normal(loc=apart, size=90)) for _ in range(1000)]
    covered = np.mean([one.low <= truth <= one.high for one in found])
    assert abs(covered - 0.95) < 4 * math.sqrt(0.95 * 0.05 / 1000)


def test_members_are_found_at_the_false_alarms_that_are_allowed() -> None:
    outsiders = np.arange(1, 1001, dtype=float)
    # Ten outsiders have a loss of at most 10; a threshold that takes 1 % of them finds the members below.
    found = loss_attack([0.5, 5.5, 9.5, 20.0], outsiders)
    assert found.found == 0.75
    assert loss_attack(outsiders, outsiders).found <= 0.01
    assert loss_attack([0.0, 0.0], [1.0, 1.0]).found == 1.0


def test_equal_losses_are_a_coin() -> None:
    found = loss_attack(np.ones(30), np.ones(20))
    assert (found.auc, found.low, found.high, found.found) == (0.5, 0.5, 0.5, 0.0)


def test_the_bound_of_any_attack() -> None:
    assert most_advantage(0.0, 0.0) == 0.0
    assert most_advantage(1.0, 0.0) == pytest.approx(math.tanh(0.5))  # (e - 1) / (e + 1)
    assert most_advantage(0.0, 0.25) == 0.25
    assert most_advantage(50.0, 1e-5) == pytest.approx(1.0)
