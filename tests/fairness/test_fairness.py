"""Rates of groups, weights and thresholds: definitions, exact constraints, optima, and what a wrong call says."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import pytest
from sklearn.base import BaseEstimator

import powertrain as pt
from powertrain.fairness import fit_thresholds, group_rates, reweighing
from refusals import demand_words

NAMES = ("demographic_parity", "equalized_odds", "equal_opportunity")


def people(seed: int = 0, count: int = 3000, groups: int = 3) -> tuple[Any, Any, Any]:
    """Scores, labels and groups, of which the later ones are scored higher and are more often of class 1."""
    rng = np.random.Generator(np.random.Philox(key=seed))
    group = rng.integers(0, groups, count)
    merit = rng.normal(size=count) + 0.5 * group
    y = (merit + rng.normal(size=count) > 0.8).astype(int)
    return (merit + 0.3 * group + rng.normal(size=count) / 2).round(2), y, group


def test_rates_are_those_of_the_definition() -> None:
    score, y, group = people()
    said, weight = (score > 1).astype(int), np.linspace(0, 2, len(y))
    rates = group_rates(y, said, sensitive_features=group, sample_weight=weight)
    assert list(rates) == ["0", "1", "2"]
    for at, one in enumerate(rates.values()):
        here = group == at

        def mean(values: Any, where: Any) -> float:
            return float(np.average(values[where], weights=weight[where]))

        assert one.count == here.sum()
        assert one.selection_rate == pytest.approx(mean(said, here))
        assert one.base_rate == pytest.approx(mean(y, here))
        assert one.true_positive_rate == pytest.approx(mean(said, here & (y == 1)))
        assert one.false_positive_rate == pytest.approx(mean(said, here & (y == 0)))
        assert one.accuracy == pytest.approx(mean(said == y, here))


def test_what_nobody_is_in_is_left_out() -> None:
    y, said, group = [1, 0, 0, 0], [1, 0, 1, 0], ["a", "a", "b", "b"]
    assert math.isnan(group_rates(y, said, sensitive_features=group)["b"].true_positive_rate)
    assert pt.fairness.equal_opportunity_difference(y, said, sensitive_features=group) == 0
    assert pt.fairness.equalized_odds_difference(y, said, sensitive_features=group) == 0.5
    nobody = [0, 0, 0, 0]
    assert math.isnan(pt.fairness.demographic_parity_ratio(y, nobody, sensitive_features=group))
    assert math.isnan(pt.fairness.equal_opportunity_difference(nobody, said, sensitive_features=group))


def test_weights_make_groups_and_classes_independent() -> None:
    _, y, group = people()
    weight = reweighing(y, sensitive_features=group)
    for g, c in product(range(3), range(2)):
        both = weight[(group == g) & (y == c)].sum()
        assert both == pytest.approx((group == g).sum() * (y == c).sum() / len(y))
    assert weight.sum() == pytest.approx(len(y))


def test_weights_bring_the_selection_of_groups_together() -> None:
    rng = np.random.Generator(np.random.Philox(key=4))
    _, y, group = people(4, 2000, 2)
    x = np.c_[rng.normal(size=2000) + y, group].astype(np.float32)

    def apart(weight: Any) -> float:
        run = pt.fit(model=pt.nn.Linear(2, 2), data=(x, y), sample_weight=weight, epochs=20, lr=0.05, verbose=False)
        said = run.predict(x).probabilities[:, 1] > 0.5
        return pt.fairness.demographic_parity_difference(y, said, sensitive_features=group)

    assert apart(reweighing(y, sensitive_features=group)) < 0.5 * apart(None)


@pytest.mark.parametrize("seed", [0, 1])
def test_thresholds_make_the_rates_equal(seed: int) -> None:
    score, y, group = people(seed)
    for constraint, rates in (
        ("equalized_odds", [y == 1, y == 0]), ("equal_opportunity", [y == 1]), ("demographic_parity", [y >= 0])
    ):  # fmt: skip
        found = fit_thresholds(score, y, sensitive_features=group, constraint=constraint)
        said = found.probabilities(score, sensitive_features=group)
        for counted in rates:
            each = [said[counted & (group == g)].mean() for g in range(3)]
            assert max(each) - min(each) < 1e-12
        assert np.where(y == 1, said, 1 - said).mean() == pytest.approx(found.accuracy, abs=1e-12)
        drawn = found.predict(score, sensitive_features=group, seed=1)
        assert abs(drawn.mean() - said.mean()) < 0.03 and set(drawn.tolist()) == {0, 1}
        assert (drawn == found.predict(score, sensitive_features=group, seed=1)).all()


def test_no_point_of_a_fine_grid_is_better() -> None:
    score, y, group = people(2, 400, 2)
    found = fit_thresholds(score, y, sensitive_features=group)
    places = np.linspace(0, 1, 2001)
    heights = []
    for g in range(2):
        s, t = score[group == g], y[group == g] == 1
        cuts = [np.inf, *np.unique(s)]
        points = np.array([[(s[~t] >= cut).mean(), (s[t] >= cut).mean()] for cut in cuts])
        # The upper hull by brute force: the best line between any two points.
        best = np.zeros(len(places))
        for (x0, y0), (x1, y1) in product(points, points):
            if x0 < x1:
                inside = (places >= x0) & (places <= x1)
                best[inside] = np.maximum(best[inside], y0 + (places[inside] - x0) * (y1 - y0) / (x1 - x0))
        heights.append(best)
    share = y.mean()
    grid = (share * np.min(heights, axis=0) + (1 - share) * (1 - places)).max()
    assert found.accuracy == pytest.approx(grid, abs=2e-3) and found.accuracy >= grid - 1e-9


def test_one_group_gets_its_best_threshold() -> None:
    score, y, _ = people(3)
    one = np.zeros(len(y), int)
    best = max(((score >= cut) == y).mean() for cut in np.unique(score))
    for constraint in pt.fairness.thresholds.CONSTRAINTS:
        found = fit_thresholds(score, y, sensitive_features=one, constraint=constraint)
        assert found.accuracy == pytest.approx(best)


def test_scores_without_worth() -> None:
    y, group = np.array([0, 1] * 4), np.repeat([0, 1], 4)
    found = fit_thresholds(np.zeros(8), y, sensitive_features=group)
    assert found.accuracy == 0.5


WRONG = [
    (lambda: group_rates([0, 2], [0, 1], sensitive_features=[0, 1]), "[group_rates] y_true int64[2]; expected 0 or 1 "
     "for each row, one row or more; write 1 for the outcome that is wanted: y_true == wanted"),
    (lambda: group_rates([0, 1], [1], sensitive_features=[0, 1]), "[group_rates] 2 and 1 rows; expected as many; check "
     "y_true and y_pred"),
    (lambda: group_rates([0, 1], [1, 1], sensitive_features=[0]), "[group_rates] sensitive_features int64[1]; expected "
     "a group for each of 2 rows; of several columns make one: [f'{a} {b}' for a, b in zip(first, second)]"),
    (lambda: group_rates([0, 1], [1, 1], sensitive_features=[0.5, np.nan]), "[group_rates] a gap in "
     "sensitive_features; expected a group for each row; name the gap as a group"),
    (lambda: group_rates([0, 1] * 60, [1, 1] * 60, sensitive_features=np.arange(120)), "[group_rates] "
     "sensitive_features has 120 values; expected at most 100 groups; cut numbers into ranges: numpy.digitize(age, "
     "[30, 50])"),
    (lambda: group_rates([0, 1], [1, 1], sensitive_features=[0, 1], sample_weight=[1]), "[group_rates] sample_weight "
     "[1]; expected one for each of 2 rows; check its length"),
    (lambda: fit_thresholds([0.1, 0.2], [0, 1], sensitive_features=["a", "b"]), "[fit_thresholds] the group a has rows "
     'of one class alone; expected both classes in each group; take constraint="demographic_parity", or join small '
     "groups"),
    (lambda: fit_thresholds([0.1], [0], sensitive_features=["a"], constraint="odds"), "[fit_thresholds] constraint = "
     "'odds'; expected one of equalized_odds, equal_opportunity, demographic_parity; take one of them"),
    (lambda: fit_thresholds([[0.1]], [0], sensitive_features=["a"]), "[fit_thresholds] scores [1, 1]; expected one for "
     "each row; of probabilities take those of class 1"),
    (lambda: fit_thresholds([0.1, 0.9], [0, 1], sensitive_features=["a", "a"]).predict([0.5], sensitive_features=["b"]),
     "[thresholds] the group b; expected one of a; fit the thresholds on examples of all groups"),
    (lambda: reweighing([0.5], sensitive_features=["a"]), "[reweighing y] labels of dtype float64 and shape [1]; "
     "expected one integer class number per example; encode the classes as 0, 1, 2, ..."),
]  # fmt: skip


@pytest.mark.parametrize(("call", "text"), WRONG, ids=[text[:60] for _, text in WRONG])
def test_what_a_wrong_call_says(call: Any, text: str) -> None:
    demand_words(call, text)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["difference", "ratio"])
@pytest.mark.parametrize("name", NAMES)
def test_measures_are_those_of_fairlearn(name: str, kind: str) -> None:
    peer = pytest.importorskip("fairlearn.metrics", reason="the peer is fairlearn")
    score, y, group = people()
    said = (score > 1).astype(int)
    for weight in (None, np.linspace(0, 2, len(y))):
        given = {"sensitive_features": group, "sample_weight": weight}
        ours = getattr(pt.fairness, f"{name}_{kind}")(y, said, **given)
        assert ours == pytest.approx(getattr(peer, f"{name}_{kind}")(y, said, **given), abs=1e-12)


@pytest.mark.peers
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("constraint", ["equalized_odds", "equal_opportunity", "demographic_parity"])
def test_thresholds_are_as_good_as_fairlearn_s(constraint: str) -> None:
    peer = pytest.importorskip("fairlearn.postprocessing", reason="the peer is fairlearn")
    score, y, group = people()

    class Scores(BaseEstimator):  # type: ignore[misc]
        """An estimator whose scores are its only column."""

        def fit(self, x: Any, y: Any) -> Any:
            return self

        def predict(self, x: Any) -> Any:
            return np.asarray(x)[:, 0]

    theirs = peer.ThresholdOptimizer(
        estimator=Scores(), constraints=constraint.replace("equal_opportunity", "true_positive_rate_parity"),
        objective="accuracy_score", prefit=True, predict_method="predict", grid_size=1000,
    )  # fmt: skip
    theirs.fit(score[:, None], y, sensitive_features=group)
    said = theirs._pmf_predict(score[:, None], sensitive_features=group)[:, 1]
    found = fit_thresholds(score, y, sensitive_features=group, constraint=constraint)
    accuracy = float(np.where(y == 1, said, 1 - said).mean())
    assert accuracy - 1e-12 <= found.accuracy <= accuracy + 2e-3
