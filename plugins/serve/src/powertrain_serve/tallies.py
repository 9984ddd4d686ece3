"""Counts of what every request does. prometheus_client's own counters take longer than to read a small request: these
are lists of numbers, of which families are made when somebody asks for them."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any

Labels = tuple[str, ...]


class Counts:
    """A counter by labels, which a registry of prometheus_client collects."""

    def __init__(self, name: str, text: str, labels: Sequence[str]) -> None:
        self._name, self._text, self._labels = name, text, labels
        self._of: dict[Labels, int] = {}
        self._lock = threading.Lock()  # the event loop and the engine's thread count

    def inc(self, labels: Labels, by: int = 1) -> None:
        with self._lock:
            self._of[labels] = self._of.get(labels, 0) + by

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import CounterMetricFamily

        family = CounterMetricFamily(self._name, self._text, labels=self._labels)
        for labels, count in list(self._of.items()):
            family.add_metric(labels, count)
        yield family


class Amounts:
    """A histogram by labels, with the upper bounds of its buckets."""

    def __init__(self, name: str, text: str, labels: Sequence[str], bounds: Sequence[float]) -> None:
        self._name, self._text, self._labels, self._bounds = name, text, labels, tuple(bounds)
        self._of: dict[Labels, list[float]] = {}  # the counts of the buckets, and behind them the sum
        self._lock = threading.Lock()

    def observe(self, labels: Labels, *amounts: float) -> None:
        with self._lock:
            found = self._of.get(labels)
            if found is None:
                found = self._of[labels] = [0.0] * (len(self._bounds) + 2)
            for amount in amounts:
                found[bisect_left(self._bounds, amount)] += 1
                found[-1] += amount

    def collect(self) -> Iterator[Any]:
        from prometheus_client.core import HistogramMetricFamily
        from prometheus_client.utils import floatToGoString

        family = HistogramMetricFamily(self._name, self._text, labels=self._labels)
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        with self._lock:
            kept = {labels: list(found) for labels, found in self._of.items()}
        for labels, (*counts, total) in kept.items():
            family.add_metric(labels, list(zip(names, accumulate(counts), strict=True)), total)
        yield family
