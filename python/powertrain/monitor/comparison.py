"""A window of observations beside the reference profile: one row for each feature, tests corrected for how many they
are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from powertrain.monitor import binned
from powertrain.monitor.features import Counts, Feature, NumberFeature
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
    """A row before the correction: its fields, the p-value of each problem that it may be, and whether it is large."""

    fields: Mapping[str, Any]
    p_values: tuple[float, ...]
    large: tuple[tuple[str, bool], ...]


@dataclass
class _Apart:
    """How far the counts of a feature are from its reference; so stands one that has no counts on one side."""

    test: str = "none"
    statistic: float = 0.0
    p: float = 1.0
    psi: float = NAN
    jensen_shannon: float = NAN
    moved: float = NAN


def compare(
    pairs: Sequence[tuple[str, Feature, Counts]],
    limits: Limits,
    representation: tuple[Moments, Moments] | None = None,
    scores: tuple[Scores, Scores] | None = None,
) -> list[Row]:
    """Compare each feature's counts in a window, (kind, feature, counts), and what else is given, (before, now)."""
    seen = [one for one in pairs if one[2].examples]
    apart = _measures([(feature, counts) for _, feature, counts in seen])
    found = [_feature_row(*one, how, limits) for one, how in zip(seen, apart, strict=True)]
    if representation is not None and representation[1].examples > 1:
        found.append(_representation_row(*representation, limits))
    if scores is not None and scores[1].examples > 1:
        found.append(_scores_row(*scores, limits))
    corrected = adjusted([p for one in found for p in one.p_values], limits.correction).tolist()
    rows, at = [], 0
    for one in found:
        p_values = corrected[at : at + len(one.p_values)]
        at += len(one.p_values)
        problems = tuple(
            name for (name, large), p in zip(one.large, p_values, strict=True) if large and p < limits.alpha
        )
        rows.append(Row(**one.fields, p=p_values[0], problems=problems))
    return rows


def _measures(pairs: Sequence[tuple[Feature, Counts]]) -> list[_Apart]:
    """All features that are alike at once: numbers, and categories with about as many levels."""
    found = [_Apart() for _ in pairs]
    alike: dict[int, list[int]] = {}
    for at, (feature, seen) in enumerate(pairs):
        without_edges = isinstance(feature, NumberFeature) and not feature.edges
        if feature.reference.binned and seen.binned and not without_edges:
            size = -1 if isinstance(feature, NumberFeature) else len(feature.levels).bit_length()
            alike.setdefault(size, []).append(at)
    for size, places in alike.items():
        features, counts = [pairs[at][0] for at in places], [pairs[at][1] for at in places]
        measured = _numbers(features, counts) if size < 0 else _categories(features, counts)  # type: ignore[arg-type]
        for at, one in zip(places, measured, strict=True):
            found[at] = one
    return found


def _categories(features: Sequence[Feature], counts: Sequence[Counts]) -> list[_Apart]:
    """Chi-square, PSI and Jensen-Shannon of bins as they are."""
    a, b = binned.stacked([one.reference.bins for one in features]), binned.stacked([one.bins for one in counts])
    lengths = np.array([len(one.bins) for one in counts])
    p, q = binned.shares(a), binned.shares(b)
    statistics, degrees = binned.chi_square(*binned.pooled(a, b, lengths))
    columns = (statistics, degrees, binned.psi(p, q), binned.jensen_shannon(p, q))
    return [
        _Apart("chi-square", statistic, chi_square_tail(statistic, free), psi, far)
        for statistic, free, psi, far in zip(*(one.tolist() for one in columns), strict=True)
    ]


def _numbers(features: Sequence[NumberFeature], counts: Sequence[Counts]) -> list[_Apart]:
    """The same of numbers: the PSI in fewer bins, how far they moved, and of many values Kolmogorov-Smirnov at the
    edges, which errs to the careful side."""
    found = _categories(features, counts)
    a, b = binned.stacked([one.reference.bins for one in features]), binned.stacked([one.bins for one in counts])
    largest = binned.kolmogorov_smirnov(binned.shares(a), binned.shares(b)).tolist()
    places = binned.stacked([one.psi_bins for one in features]).astype(np.int64)
    index = binned.psi(*(binned.shares(_joined(one, places)) for one in (a, b))).tolist()
    moved = distances_moved(features, counts).tolist()
    for at, (feature, one) in enumerate(zip(features, found, strict=True)):
        one.psi = index[at]
        if feature.deviation > 0:
            one.moved = moved[at] / feature.deviation
        if not feature.discrete:
            one.test, one.statistic = "ks", largest[at]
            one.p = kolmogorov_tail(largest[at], feature.reference.binned, counts[at].binned)
    return found


def _joined(bins: Any, places: Any) -> Any:
    """Counts in fewer bins, of each row those that `places` says."""
    wide = int(places.max()) + 1
    flat = places + wide * np.arange(len(bins))[:, None]
    return np.bincount(flat.ravel(), weights=bins.ravel(), minlength=wide * len(bins)).reshape(len(bins), wide)


def _feature_row(kind: str, feature: Feature, counts: Counts, how: _Apart, limits: Limits) -> _Found:
    examples = counts.examples
    shares = {part: getattr(counts, part) / examples for part in ("missing", "outside", "unseen")}
    fields = {
        "name": feature.name, "kind": kind, "test": how.test, "examples": examples, "statistic": how.statistic,
        "psi": how.psi, "jensen_shannon": how.jensen_shannon, "wasserstein": how.moved, **shares,
    }  # fmt: skip
    p_values, large = [how.p], [("drift", how.psi >= limits.psi)]
    for part, share in shares.items():
        # Nothing of the reference lies outside of it.
        before = feature.reference.missing if part == "missing" else 0
        p_values.append(rise_tail(before, feature.reference.examples, getattr(counts, part), examples))
        large.append((part, share - before / max(feature.reference.examples, 1) >= limits.share))
    return _Found(fields, tuple(p_values), tuple(large))


def distances_moved(features: Sequence[NumberFeature], counts: Sequence[Counts]) -> Any:
    """The first Wasserstein distance of each window from its reference. Values beyond the range are taken to be spread
    up to the smallest and the largest that were seen; few values that are all known lie where they lie."""
    edges, before, now, ends = [], [], [], []
    for feature, seen in zip(features, counts, strict=True):
        low = [seen.low] if seen.low < feature.edges[0] else []
        high = [seen.high] if seen.high > feature.edges[-1] else []
        edges.append([*low, *feature.edges, *high])
        none = [0] * len(low)
        before.append([*none, *feature.reference.bins.tolist(), *[0] * len(high)])
        now.append([*none, *seen.bins.tolist(), *[0] * len(high)])
        ends.append(edges[-1][-1])
    places = binned.stacked([np.array(one) for one in edges], np.nan)
    places = np.where(np.isnan(places), np.array(ends)[:, None], places)
    p, q = (binned.shares(binned.stacked([np.array(one) for one in rows])) for rows in (before, now))
    exact = [feature.discrete and not seen.unseen for feature, seen in zip(features, counts, strict=True)]
    return binned.wasserstein(places, p, q, np.array(exact, dtype=bool))


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
    fields = {
        "name": "representation", "kind": "representation", "test": "hotelling", "examples": now.examples,
        "statistic": statistic, "wasserstein": shift,
    }  # fmt: skip
    return _Found(fields, (p,), (("drift", shift >= limits.shift),))


def _scores_row(before: Scores, now: Scores, limits: Limits) -> _Found:
    """Whether the model does worse: a one-sided test of the two means."""
    worse = before.mean - now.mean if before.measure == "accuracy" else now.mean - before.mean
    # An accuracy of 1 has no deviation: the larger of the two stands for both.
    deviation = max(before.deviation, now.deviation)
    noise = deviation * np.sqrt(1 / before.examples + 1 / now.examples)
    statistic = float(worse / noise) if noise > 0 else 0.0
    large = worse >= (limits.accuracy if before.measure == "accuracy" else limits.error * before.mean)
    fields = {
        "name": before.measure, "kind": "performance", "test": "mean", "examples": now.examples,
        "statistic": statistic, "before": before.mean, "now": now.mean,
    }  # fmt: skip
    return _Found(fields, (normal_tail(statistic),), (("worse", bool(large)),))


def largest(rows: Sequence[Row]) -> list[Row]:
    """The rows, those with problems first, of these the performance, then by their PSI."""

    def place(row: Row) -> tuple[bool, bool, float]:
        return not row.problems, row.kind != "performance", -(row.psi if row.psi == row.psi else 0.0)

    return sorted(rows, key=place)


def summary(rows: Sequence[Row]) -> Mapping[str, int]:
    """How many features have each problem."""
    names = [problem for row in rows for problem in row.problems]
    return {name: names.count(name) for name in dict.fromkeys(names)}
