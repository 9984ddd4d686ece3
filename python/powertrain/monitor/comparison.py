"""A window of observations beside the reference profile: one row for each feature, tests corrected for how many they
are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from powertrain.monitor.distances import (
    Binned,
    HypothesisTest,
    chi_square,
    jensen_shannon,
    kolmogorov_smirnov_of_bins,
    pooled,
    psi,
    wasserstein_of_bins,
)
from powertrain.monitor.features import CategoryFeature, Counts, Feature, NumberFeature
from powertrain.monitor.profile import Moments, Scores
from powertrain.monitor.significance import adjusted, chi_square_tail, kolmogorov_tail, normal_tail, rise_tail

NAN = float("nan")


@dataclass(frozen=True)
class Limits:
    """From where on a difference counts: it must be improbable by chance, and large enough to matter.

    Example
        >>> pt.monitor.Limits(psi=0.2).alpha
        0.001
    """

    alpha: float = 0.001  # of the p-values, after the correction
    correction: str = "holm"
    psi: float = 0.1
    share: float = 0.01  # of examples that are missing, out of range or unseen, above the reference
    shift: float = 0.3  # of the mean representation, in deviations
    accuracy: float = 0.02  # by which an accuracy falls
    error: float = 0.1  # by which a mean squared error rises, of itself


@dataclass(frozen=True)
class Row:
    """What a window says of one feature.

    kind       "input", "output", "representation" or "performance"
    test       which test the statistic is of
    p          the p-value, corrected for the number of tests
    missing, outside, unseen
               the shares of the examples without a value, beyond the range and with a value that the reference lacks
    problems   "drift", "missing", "outside", "unseen", "worse"; empty where there is none

    Example
        >>> profile = pt.monitor.Profile.of(np.arange(100.0))
        >>> monitor = pt.monitor.Monitor(profile, window=100)
        >>> monitor.observe(np.arange(100.0) + 60)
        []
        >>> monitor.rows[0].problems
        ('drift', 'outside')
    """

    name: str
    kind: str
    test: str
    examples: int
    statistic: float
    p: float
    psi: float = NAN
    jensen_shannon: float = NAN
    wasserstein: float = NAN  # in deviations of the reference
    missing: float = 0.0
    outside: float = 0.0
    unseen: float = 0.0
    before: float = NAN  # the mean of the reference
    now: float = NAN
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Found:
    """A row before the correction, with the p-value of each problem that it may be and whether that is large."""

    row: Row
    p_values: tuple[float, ...]
    large: tuple[tuple[str, bool], ...]


def compare(
    pairs: Sequence[tuple[str, Feature, Counts]],
    limits: Limits,
    representation: tuple[Moments, Moments] | None = None,
    scores: tuple[Scores, Scores] | None = None,
) -> list[Row]:
    """Compare each feature's counts in a window, (kind, feature, counts), and what else is given, (before, now)."""
    found = [_feature_row(kind, feature, counts, limits) for kind, feature, counts in pairs if counts.examples]
    if representation is not None and representation[1].examples > 1:
        found.append(_representation_row(*representation, limits))
    if scores is not None and scores[1].examples > 1:
        found.append(_scores_row(*scores, limits))
    corrected = adjusted([p for one in found for p in one.p_values], limits.correction)
    rows, at = [], 0
    for one in found:
        p_values = corrected[at : at + len(one.p_values)]
        at += len(one.p_values)
        problems = tuple(
            name for (name, large), p in zip(one.large, p_values, strict=True) if large and p < limits.alpha
        )
        rows.append(replace(one.row, p=float(p_values[0]), problems=problems))
    return rows


def _feature_row(kind: str, feature: Feature, counts: Counts, limits: Limits) -> _Found:
    reference = feature.reference
    both = bool(reference.bins.sum()) and bool(counts.bins.sum())
    name, test = _test(feature, counts) if both else ("none", HypothesisTest(0.0, 1.0))
    joined = feature.joined if isinstance(feature, NumberFeature) else (lambda bins: bins)
    index = psi(joined(reference.bins), joined(counts.bins)) if both else NAN
    moved = NAN
    if isinstance(feature, NumberFeature) and both and feature.deviation > 0:
        moved = distance_moved(feature, counts).value / feature.deviation
    shares = {part: getattr(counts, part) / counts.examples for part in ("missing", "outside", "unseen")}
    row = Row(
        feature.name, kind, name, counts.examples, test.statistic, test.p, index,
        jensen_shannon(reference.bins, counts.bins) if both else NAN, moved, **shares,
    )  # fmt: skip
    p_values, large = [test.p], [("drift", both and index >= limits.psi)]
    for part, share in shares.items():
        # Nothing of the reference lies outside of it.
        before = reference.missing if part == "missing" else 0
        p_values.append(rise_tail(before, reference.examples, getattr(counts, part), counts.examples))
        large.append((part, share - before / max(reference.examples, 1) >= limits.share))
    return _Found(row, tuple(p_values), tuple(large))


def _test(feature: Feature, counts: Counts) -> tuple[str, HypothesisTest]:
    """Chi-square of what has few values, else Kolmogorov-Smirnov at the edges, which errs to the careful side."""
    reference = feature.reference.bins
    if isinstance(feature, CategoryFeature) or feature.discrete:
        return "chi-square", chi_square(*pooled(reference, counts.bins))
    statistic = kolmogorov_smirnov_of_bins(reference, counts.bins).value
    return "ks", HypothesisTest(statistic, kolmogorov_tail(statistic, int(reference.sum()), int(counts.bins.sum())))


def distance_moved(feature: NumberFeature, counts: Counts) -> Binned:
    """The first Wasserstein distance of a window from the reference. Values beyond the range are taken to be spread up
    to the smallest and the largest that were seen."""
    edges, before, now = np.array(feature.edges), feature.reference.bins, counts.bins
    if counts.low < edges[0]:
        edges, before, now = np.append(counts.low, edges), np.append(0, before), np.append(0, now)
    if counts.high > edges[-1]:
        edges, before, now = np.append(edges, counts.high), np.append(before, 0), np.append(now, 0)
    if feature.discrete and not counts.unseen:  # all values are edges
        p, q = before / before.sum(), now / now.sum()
        return Binned(float(np.sum(np.abs(np.cumsum(p - q)[:-2]) * np.diff(edges))), 0.0)
    return wasserstein_of_bins(edges, before, now)


def _representation_row(before: Moments, now: Moments, limits: Limits) -> _Found:
    """Hotelling's test of the two means, by its chi-square limit. The shift is the root mean square of the difference
    along the axes of the covariance, in deviations."""
    apart = now.mean - before.mean
    degrees = before.examples + now.examples - 2
    spread = ((before.examples - 1) * before.covariance + (now.examples - 1) * now.covariance) / max(degrees, 1)
    sizes, axes = np.linalg.eigh(spread)
    kept = sizes > max(float(sizes[-1]), 0.0) * 1e-6
    rank = int(np.count_nonzero(kept))
    distance = float(np.sum(np.square(axes.T[kept] @ apart) / sizes[kept]))
    statistic = distance * before.examples * now.examples / (before.examples + now.examples)
    shift = float(np.sqrt(distance / max(rank, 1)))
    # The limit holds where there are many examples for each axis.
    p = chi_square_tail(statistic, rank) if now.examples >= 10 * rank else 1.0
    row = Row("representation", "representation", "hotelling", now.examples, statistic, p, wasserstein=shift)
    return _Found(row, (p,), (("drift", shift >= limits.shift),))


def _scores_row(before: Scores, now: Scores, limits: Limits) -> _Found:
    """Whether the model does worse: a one-sided test of the two means."""
    worse = before.mean - now.mean if before.measure == "accuracy" else now.mean - before.mean
    # An accuracy of 1 has no deviation: the larger of the two stands for both.
    deviation = max(before.deviation, now.deviation)
    noise = deviation * np.sqrt(1 / before.examples + 1 / now.examples)
    statistic = float(worse / noise) if noise > 0 else 0.0
    large = worse >= (limits.accuracy if before.measure == "accuracy" else limits.error * before.mean)
    row = Row(before.measure, "performance", "mean", now.examples, statistic, 1.0, before=before.mean, now=now.mean)
    return _Found(row, (normal_tail(statistic),), (("worse", bool(large)),))


def largest(rows: Sequence[Row]) -> list[Row]:
    """The rows, those with problems first, of these the performance, then by their PSI."""

    def place(row: Row) -> tuple[bool, bool, float]:
        return not row.problems, row.kind != "performance", -(row.psi if row.psi == row.psi else 0.0)

    return sorted(rows, key=place)


def summary(rows: Sequence[Row]) -> Mapping[str, int]:
    """How many features have each problem."""
    names = [problem for row in rows for problem in row.problems]
    return {name: names.count(name) for name in dict.fromkeys(names)}
