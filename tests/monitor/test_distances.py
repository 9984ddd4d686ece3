"""Distances and tests of two distributions: SciPy's numbers, and bounds of the binned forms that hold."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import spatial, special, stats

import powertrain as pt
from powertrain.monitor.comparison import Limits, compare, distances_moved
from powertrain.monitor.significance import METHODS, chi_square_tail, kolmogorov_tail, rise_tail


def drawn(seed: int, count: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).gamma(2.0, size=count) + shift


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("n", "m", "shift"), [(1, 1, 0.0), (7, 30, 0.5), (400, 1000, 0.0), (1000, 333, 0.2)])
def test_samples_give_scipys_numbers(seed: int, n: int, m: int, shift: float) -> None:
    a, b = drawn(seed, n), drawn(seed + 100, m, shift)
    a[: n // 2] = np.round(a[: n // 2], 1)  # ties
    test = pt.monitor.kolmogorov_smirnov(a, b)
    assert test.statistic == pytest.approx(stats.ks_2samp(a, b, method="auto").statistic, abs=1e-15)
    z = test.statistic * math.sqrt(n * m / (n + m))
    assert test.p == pytest.approx(special.kolmogorov(z), rel=1e-9, abs=1e-300)
    assert pt.monitor.wasserstein(a, b) == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-12, abs=1e-15)


@pytest.mark.parametrize("seed", range(10))
def test_counts_give_scipys_numbers(seed: int) -> None:
    generator = np.random.default_rng(seed)
    size = int(generator.integers(2, 40))
    a, b = generator.integers(0, 60, size), generator.integers(0, 30, size)
    a[0], b[0] = 3, 2  # not all are empty
    filled = (a + b) > 0
    wanted = stats.chi2_contingency(np.stack([a, b])[:, filled], correction=False)
    found = pt.monitor.chi_square(a, b)
    assert found.statistic == pytest.approx(wanted.statistic, rel=1e-12)
    assert found.p == pytest.approx(wanted.pvalue, rel=1e-10)
    assert pt.monitor.jensen_shannon(a, b) == pytest.approx(spatial.distance.jensenshannon(a, b, base=2), rel=1e-12)
    p, q = (np.where(one == 0, 1e-4, one / one.sum()) for one in (a, b))
    assert pt.monitor.psi(a, b) == pytest.approx(
        float(stats.entropy(p) * 0 + np.sum((p - q) * np.log(p / q))), rel=1e-12
    )


@pytest.mark.parametrize("degrees", [1, 2, 3, 10, 31, 200])
def test_tails_are_right_far_out(degrees: int) -> None:
    for statistic in (0.01, 0.5, degrees * 0.5, degrees + 0.9, degrees * 2.0, degrees * 10.0, 700.0):
        assert chi_square_tail(statistic, degrees) == pytest.approx(
            stats.chi2.sf(statistic, degrees), rel=1e-9, abs=1e-300
        )
    for z in (0.01, 0.3, 0.9, 1.17, 1.19, 2.0, 5.0, 10.0):
        assert kolmogorov_tail(z * math.sqrt(2 / 100), 100, 100) == pytest.approx(
            special.kolmogorov(z), rel=1e-9, abs=1e-15
        )


@pytest.mark.parametrize(
    ("before", "of", "now", "examples"), [(0, 1000, 3, 250), (5, 40, 9, 30), (0, 10, 10, 10), (3, 9, 0, 4)]
)
def test_a_rise_is_fishers_exact_test(before: int, of: int, now: int, examples: int) -> None:
    table = [[now, examples - now], [before, of - before]]
    wanted = stats.fisher_exact(table, alternative="greater").pvalue
    assert rise_tail(before, of, now, examples) == pytest.approx(wanted, rel=1e-9)


def test_corrections_are_scipys_and_in_order() -> None:
    p = np.random.default_rng(3).random(50) ** 3
    wanted = stats.false_discovery_control(p)
    assert pt.monitor.adjusted(p, "benjamini-hochberg") == pytest.approx(wanted, rel=1e-12)
    order = np.argsort(p)
    holm = np.minimum(np.maximum.accumulate(p[order] * np.arange(50, 0, -1)), 1)
    assert pt.monitor.adjusted(p)[order] == pytest.approx(holm)
    for method in METHODS:
        assert (pt.monitor.adjusted(p, method) >= p).all()
    with pytest.raises(pt.monitor.MonitorError) as caught:
        pt.monitor.adjusted(p, "fdr")
    assert str(caught.value) == (
        "[adjusted] received 'fdr'; expected one of holm, benjamini-hochberg, bonferroni, none; holm is usual"
    )


@pytest.mark.parametrize("seed", range(20))
def test_bins_are_within_the_error_that_they_state(seed: int) -> None:
    """The distance of the samples lies within `error` of what the bins say, and the error is no idle bound."""
    generator = np.random.default_rng(seed)
    a, b = drawn(seed, 800), drawn(seed + 50, 300, float(generator.normal(scale=0.4)))
    feature = pt.monitor.NumberFeature.of("x", a)
    counts = feature.count(b)
    statistic = pt.monitor.kolmogorov_smirnov_of_bins(feature.reference.bins, counts.bins)
    exact = stats.ks_2samp(a, b).statistic
    assert -1e-12 <= exact - statistic.value <= statistic.error + 1e-12
    assert statistic.error < 0.2
    (moved,), wanted = distances_moved([feature], [counts]), stats.wasserstein_distance(a, b)
    ends = [end for end in (counts.low, counts.high) if not feature.edges[0] <= end <= feature.edges[-1]]
    edges = np.sort([*feature.edges, *ends])
    binned = [np.bincount(np.searchsorted(edges, x), minlength=len(edges) + 1) for x in (a, b)]
    if counts.low < feature.edges[0]:  # it is spread, as all below the edge are
        binned[1][1] += binned[1][0]
        binned[1][0] = 0
    alone = pt.monitor.wasserstein_of_bins(edges, *binned)
    assert moved == pytest.approx(alone.value, rel=1e-12) and abs(moved - wanted) <= alone.error
    assert abs(moved - wanted) < 0.1 * max(wanted, 0.3)


def test_many_features_at_once_have_the_numbers_of_each_alone() -> None:
    """Rows of fewer bins than others are filled up, and categories are joined by how many they are."""
    generator = np.random.default_rng(7)
    pairs = []
    for at in range(40):
        n, m = int(generator.integers(5, 2000)), int(generator.integers(1, 400))
        if at % 4 == 0:
            a, b = generator.normal(size=n), generator.normal(0.2, 1.1, size=m)
        elif at % 4 == 1:
            a, b = generator.integers(0, 2 + at, n).astype(float), generator.integers(0, 3 + at, m).astype(float)
        elif at % 4 == 2:
            a, b = np.full(n, 3.0), np.where(generator.random(m) < 0.3, np.nan, 3.0)
        if at % 4 < 3:
            feature = pt.monitor.NumberFeature.of(f"x{at}", a)
            pairs.append(("input", feature, feature.count(b)))
        else:
            levels = [str(one) for one in generator.geometric(0.05, n)]
            category = pt.monitor.CategoryFeature.of(f"x{at}", levels)
            pairs.append(("input", category, category.count([str(one) for one in generator.geometric(0.06, m)])))
    gaps = pt.monitor.NumberFeature.of("gaps", np.full(9, np.nan))
    pairs.append(("input", gaps, gaps.count(np.ones(4))))
    limits = Limits(correction="none")
    together = compare(pairs, limits)
    for row, pair in zip(together, pairs, strict=True):
        (alone,) = compare([pair], limits)
        assert (row.name, row.kind, row.test, row.problems) == (alone.name, alone.kind, alone.test, alone.problems)
        for name in ("statistic", "p", "psi", "jensen_shannon", "wasserstein", "outside", "unseen", "missing"):
            assert getattr(row, name) == pytest.approx(getattr(alone, name), rel=1e-9, abs=1e-13, nan_ok=True), name
    (first, of_gaps) = together[0], together[-1]
    bins = pairs[0][1].reference.bins, pairs[0][2].bins
    assert first.jensen_shannon == pytest.approx(spatial.distance.jensenshannon(*bins, base=2), rel=1e-12)
    assert of_gaps.test == "none" and of_gaps.psi != of_gaps.psi


def test_few_values_are_exact() -> None:
    a, b = np.repeat([0, 1, 5], [10, 20, 30]), np.repeat([0, 1, 5], [30, 20, 10])
    feature = pt.monitor.NumberFeature.of("x", a)
    assert feature.discrete
    (moved,) = distances_moved([feature], [feature.count(b)])
    assert moved == pytest.approx(stats.wasserstein_distance(a, b), rel=1e-12)


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: pt.monitor.psi([1, 2], [1]),
         "[psi] received counts of shapes [2] and [1]; expected two rows of one length with numbers >= 0, not all 0; "
         "count both in the same bins"),
        (lambda: pt.monitor.wasserstein([], [1]),
         "[wasserstein] received samples of 0 and 1 numbers; expected at least one each, all finite; leave missing "
         "values out and count them separately"),
        (lambda: pt.monitor.wasserstein_of_bins([0, 1], [1, 1], [1, 1]),
         "[wasserstein_of_bins] received 2 edges and 2 counts; expected one count more than edges, the last one 0; add "
         "an edge above all values"),
    ],
)  # fmt: skip
def test_what_cannot_be_compared_is_said(call: object, text: str) -> None:
    with pytest.raises(pt.monitor.MonitorError) as caught:
        call()  # type: ignore[operator]
    assert str(caught.value) == text


@pytest.mark.parametrize("seed", range(5))
def test_paired_scores(seed: int) -> None:
    generator = np.random.default_rng(seed)
    a, b = (generator.random(400) < 0.7).astype(float), (generator.random(400) < 0.8).astype(float)
    found = pt.monitor.paired_difference(a, b)
    better, worse = int(((b - a) > 0).sum()), int(((b - a) < 0).sum())
    assert found.p == pytest.approx(stats.binomtest(min(better, worse), better + worse).pvalue, rel=1e-9)
    wanted = stats.bootstrap(
        (b - a,), np.mean, method="percentile", n_resamples=4000, rng=generator
    ).confidence_interval
    assert found.low == pytest.approx(wanted.low, abs=0.01) and found.high == pytest.approx(wanted.high, abs=0.01)
    assert found == pt.monitor.paired_difference(a, b)  # by a seed of its own
    errors = generator.gamma(2, size=(2, 300))
    numbers = pt.monitor.paired_difference(*errors)
    assert numbers.p == pytest.approx(stats.ttest_rel(*errors).pvalue, rel=0.05)
    assert numbers.low < numbers.difference < numbers.high
