"""The reference of one column: the bins of its values, and how many examples of the training lie in each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from powertrain.monitor import binned

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
# A profile has the quantiles at 0, 1/32, ..., 1. The PSI joins the bins into a quarter of them, as is usual.
BINS = 32
PSI_BINS = 10
MOST_LEVELS = 1000  # categories that have a count of their own
_AT_ONCE = 4096  # examples whose numbers are counted at a time


@dataclass(frozen=True, eq=False)
class Counts:
    """What was seen of a column in some examples: by bin, and what fits into none.

    `outside` are values beyond the smallest and the largest of the reference; `unseen` are values that it does not have
    at all, of a category or of a number with few values.
    """

    bins: Ints
    missing: int = 0
    outside: int = 0
    unseen: int = 0
    low: float = np.inf
    high: float = -np.inf

    @cached_property
    def binned(self) -> int:
        """How many examples have a bin."""
        return int(self.bins.sum())

    @property
    def examples(self) -> int:
        return self.binned + self.missing

    def __add__(self, other: Counts) -> Counts:
        return Counts(
            self.bins + other.bins, self.missing + other.missing, self.outside + other.outside,
            self.unseen + other.unseen, min(self.low, other.low), max(self.high, other.high),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class NumberFeature:
    """A column of numbers. `edges` are quantiles of the reference, from its smallest to its largest value; bin i holds
    what is above edges[i - 1] and at most edges[i], the last bin what is above all.

    A number with few values is `discrete`: each value is an edge.

    Example
        >>> feature = pt.monitor.NumberFeature.of("age", np.array([30.0, 40.0, np.nan]))
        >>> feature.edges, feature.reference.missing, feature.count(np.array([50.0])).outside
        ((30.0, 40.0), 1, 1)
    """

    name: str
    edges: tuple[float, ...]
    reference: Counts
    mean: float
    deviation: float
    discrete: bool

    @classmethod
    def of(cls, name: str, values: Any) -> NumberFeature:
        """The reference of some values; NaN is a gap."""
        values = np.asarray(values, dtype=np.float64).ravel()
        there = values[np.isfinite(values)]
        distinct = np.unique(there)
        discrete = len(distinct) <= BINS
        edges = distinct if discrete else np.unique(np.quantile(there, np.linspace(0, 1, BINS + 1)))
        mean, deviation = (float(there.mean()), float(there.std())) if len(there) else (0.0, 0.0)
        made = cls(name, tuple(edges.tolist()), Counts(np.zeros(0, np.int64)), mean, deviation, discrete)
        return cls(name, made.edges, made.count(values), mean, deviation, discrete)

    @cached_property
    def _edges(self) -> Floats:
        return np.array(self.edges, dtype=np.float64)

    def count(self, values: Any) -> Counts:
        """Put values into the bins."""
        values = np.asarray(values, dtype=np.float64)
        there = values[~np.isnan(values)]
        edges = self._edges
        places = np.searchsorted(edges, there, side="left")
        bins = np.bincount(places, minlength=len(edges) + 1).astype(np.int64)
        low, high = (float(there.min()), float(there.max())) if len(there) else (np.inf, -np.inf)
        if not len(edges):  # the reference has gaps alone
            return Counts(bins, len(values) - len(there), len(there), len(there), low, high)
        outside = int(np.count_nonzero((there < edges[0]) | (there > edges[-1])))
        unseen = 0
        if self.discrete:
            unseen = int(np.count_nonzero(edges[np.minimum(places, len(edges) - 1)] != there))
        return Counts(bins, len(values) - len(there), outside, unseen, low, high)

    @cached_property
    def psi_bins(self) -> Ints:
        """For the PSI: which of fewer bins, of about as many examples of the reference each, every bin belongs to."""
        bins = self.reference.bins
        if len(bins) <= PSI_BINS + 1:
            return np.arange(len(bins))
        before = np.cumsum(bins) - bins
        return np.asarray(np.minimum(before * PSI_BINS // max(int(bins.sum()), 1), PSI_BINS - 1))

    def quantile(self, share: float, counts: Counts | None = None) -> float:
        """The value below which a share of the examples lies, by the line between two edges. It is off by one bin at
        most, which holds 1/32 of the reference."""
        counts = counts or self.reference
        total = int(counts.bins.sum())
        if not total or not self.edges:
            return float("nan")
        ends = np.array([*self.edges, max(self.edges[-1], counts.high)])
        return float(np.interp(share * total, np.cumsum(counts.bins), ends))


class NumberColumns:
    """Columns of numbers that are counted together: some calls of NumPy for all of them, where `NumberFeature.count`
    takes as many for each."""

    def __init__(self, features: Sequence[NumberFeature]) -> None:
        # Those with the most edges first: the edges of one number belong to the first so many features.
        self._order = sorted(range(len(features)), key=lambda at: -len(features[at].edges))
        features = self._features = [features[at] for at in self._order]
        # What a feature lacks of the most edges is NaN: no value is above it, and none is equal.
        edges = binned.stacked([np.array(one.edges, dtype=np.float64) for one in features], np.nan)
        self._wide = edges.shape[1] + 1
        self._edges = np.pad(edges, ((0, 0), (0, 1)), constant_values=np.nan)
        self._first = np.array([one.edges[0] if one.edges else np.inf for one in features])[:, None]
        self._last = np.array([one.edges[-1] if one.edges else -np.inf for one in features])[:, None]
        self._exact = np.array([one.discrete or not one.edges for one in features], dtype=bool)[:, None]
        self._having = [sum(at < len(one.edges) for one in features) for at in range(self._wide - 1)]
        self._rows = self._wide * np.arange(len(features))[:, None]

    def count(self, values: Floats) -> list[Counts]:
        """What `count` of each feature gives for its row of `values` [features, examples]."""
        starts = range(0, max(values.shape[1], 1), _AT_ONCE)
        made = [self._counted(values[self._order, start : start + _AT_ONCE]) for start in starts]
        bins, missing, outside, unseen = (sum(part[at] for part in made) for at in range(4))
        low, high = np.min([part[4] for part in made], axis=0), np.max([part[5] for part in made], axis=0)
        plain = (one.tolist() for one in (missing, outside, unseen, low, high))
        found = [
            Counts(counted[: len(feature.edges) + 1], *numbers)
            for feature, counted, *numbers in zip(self._features, bins, *plain, strict=True)
        ]
        return [one for _, one in sorted(zip(self._order, found, strict=True), key=lambda pair: pair[0])]

    def _counted(self, values: Floats) -> tuple[Any, ...]:
        """Counts of some examples: by bin; missing, outside, unseen; and the smallest and the largest value."""
        gaps = np.isnan(values)
        places = np.zeros(values.shape, np.min_scalar_type(self._wide))  # how many edges are below each value
        above = np.empty(values.shape, bool)
        for at, rows in enumerate(self._having):
            places[:rows] += np.greater(values[:rows], self._edges[:rows, at, None], out=above[:rows])
        flat = places + self._rows
        unseen = ((self._edges.ravel()[flat] != values) & ~gaps & self._exact).sum(axis=1)
        outside = ((values < self._first) | (values > self._last)).sum(axis=1)
        bins = np.bincount((flat[~gaps] if gaps.any() else flat.ravel()), minlength=self._edges.size)
        return (
            bins.astype(np.int64).reshape(self._edges.shape), gaps.sum(axis=1), outside, unseen,
            np.fmin.reduce(values, axis=1, initial=np.inf), np.fmax.reduce(values, axis=1, initial=-np.inf),
        )  # fmt: skip


@dataclass(frozen=True, eq=False)
class CategoryFeature:
    """A column of texts or class numbers, with the count of each in the reference. What is not among the `levels` has
    the last bin.

    Example
        >>> feature = pt.monitor.CategoryFeature.of("colour", ["red", "blue", "red", None])
        >>> feature.levels, feature.count(["green"]).unseen
        (('red', 'blue'), 1)
    """

    name: str
    levels: tuple[str, ...]
    reference: Counts
    whole: bool = True  # whether every category of the reference is among the levels

    @classmethod
    def of(cls, name: str, values: Sequence[Any], levels: Sequence[str] | None = None) -> CategoryFeature:
        """The reference of some values, None for a gap; the `levels` are counted where they are not given."""
        whole = True
        if levels is None:
            found, counts = np.unique([str(value) for value in values if value is not None], return_counts=True)
            order = np.argsort(-counts, kind="stable")
            levels = [str(level) for level in found[order][:MOST_LEVELS]]
            whole = len(found) <= MOST_LEVELS
        made = cls(name, tuple(levels), Counts(np.zeros(0, np.int64)), whole)
        return cls(name, made.levels, made.count(values), whole)

    def count(self, values: Sequence[Any]) -> Counts:
        """Count the categories."""
        places = {level: at for at, level in enumerate(self.levels)}
        last = len(places)
        codes = np.array([places.get(str(value), last) for value in values if value is not None], dtype=np.int64)
        bins = np.bincount(codes, minlength=last + 1)
        unseen = int(bins[last]) if self.whole else 0
        return Counts(bins.astype(np.int64), len(values) - len(codes), 0, unseen)


Feature: TypeAlias = "NumberFeature | CategoryFeature"


def feature_of(name: str, values: Any) -> Feature:
    """The reference of a column: of numbers, or of categories where it holds texts."""
    array = np.asarray(values)
    return CategoryFeature.of(name, array.tolist()) if array.dtype.kind in "OUS" else NumberFeature.of(name, array)
