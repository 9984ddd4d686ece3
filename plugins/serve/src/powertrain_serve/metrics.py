"""Counts and times of a server, for Prometheus. Without prometheus_client nothing is counted."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from powertrain_serve.model import Model
from powertrain_serve.tallies import Amounts, Counts

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)


class Metrics:
    """Counters of one server, in a registry of its own. Labels are routes and loaded models, so they stay few."""

    def __init__(self, wanted: bool, waiting: Callable[[], int], writing: Callable[[], int]) -> None:
        self.registry: Any = None
        if not wanted:
            return
        try:
            import prometheus_client as prometheus
        except ImportError:
            return
        self.registry = registry = prometheus.CollectorRegistry()
        self._text = prometheus.generate_latest
        of_model = ["model", "version"]
        self._requests = Counts("powertrain_requests", "Requests by route and status.", ["route", "status"])
        self._seconds = Amounts(
            "powertrain_request_seconds", "Time from the head of a request to its answer.", ["route"], _SECONDS
        )
        sizes = tuple(1 << power for power in range(9))
        self._batches = Amounts("powertrain_batch_examples", "Examples that were computed at once.", of_model, sizes)
        self._engine = Amounts("powertrain_engine_seconds", "Time of one batch in the engine.", of_model, _SECONDS)
        for one in (self._requests, self._seconds, self._batches, self._engine):
            registry.register(one)
        self._shadows = prometheus.Counter(
            "powertrain_shadow_requests", "Copies of requests, by what became of them.", [*of_model, "result"],
            registry=registry,
        )  # fmt: skip
        self._reloads = prometheus.Counter(
            "powertrain_reloads", "Readings of the models file, by their result.", ["result"], registry=registry
        )
        self._skipped = prometheus.Counter(
            "powertrain_monitor_skipped", "Examples that the monitor had no time for.", of_model, registry=registry
        )
        self._labelled = prometheus.Counter(
            "powertrain_feedback_labels", "Labels that came later.", of_model, registry=registry
        )
        self._ratings = prometheus.Histogram(
            "powertrain_feedback_rating", "Ratings of answers, from 0 to 1.", of_model,
            buckets=(0, 0.25, 0.5, 0.75, 1), registry=registry,
        )  # fmt: skip
        self._loaded = prometheus.Gauge("powertrain_loaded", "Versions that answer.", of_model, registry=registry)
        prometheus.Gauge("powertrain_waiting_requests", "Requests in the queue.", registry=registry).set_function(
            waiting
        )
        prometheus.Gauge(
            "powertrain_writing_requests", "Texts that are being written.", registry=registry
        ).set_function(writing)
        self._tokens = prometheus.Counter(
            "powertrain_tokens", "Tokens of prompts (read) and of answers (written).", [*of_model, "kind"],
            registry=registry,
        )  # fmt: skip
        self._first = prometheus.Histogram(
            "powertrain_first_token_seconds", "Time from the head of a request to the first piece of its text.",
            of_model, buckets=_SECONDS, registry=registry,
        )  # fmt: skip

    def requests(self, route: str, status: int, seconds: Sequence[float]) -> None:
        """Count requests by the seconds that each took."""
        if self.registry is not None:
            self._requests.inc((route, str(status)), len(seconds))
            self._seconds.observe((route,), *seconds)

    def batch(self, model: Model, examples: int, seconds: float) -> None:
        self.batches(model, (examples,), (seconds,))

    def batches(self, model: Model, examples: Sequence[int], seconds: Sequence[float]) -> None:
        if self.registry is not None:
            names = model.name, model.version
            self._batches.observe(names, *examples)
            self._engine.observe(names, *seconds)

    def tokens(self, model: Model, read: int, written: int) -> None:
        if self.registry is not None:
            self._tokens.labels(model.name, model.version, "read").inc(read)
            self._tokens.labels(model.name, model.version, "written").inc(written)

    def first_token(self, model: Model, seconds: float) -> None:
        if self.registry is not None:
            self._first.labels(model.name, model.version).observe(seconds)

    def skipped(self, model: Model, examples: int) -> None:
        if self.registry is not None:
            self._skipped.labels(model.name, model.version).inc(examples)

    def labelled(self, model: Model, labels: int) -> None:
        if self.registry is not None:
            self._labelled.labels(model.name, model.version).inc(labels)

    def rated(self, model: Model, rating: float) -> None:
        if self.registry is not None:
            self._ratings.labels(model.name, model.version).observe(rating)

    def shadow(self, model: Model, result: str) -> None:
        """Count a copy: same, differs, failed, or skipped since the queue was filling."""
        if self.registry is not None:
            self._shadows.labels(model.name, model.version, result).inc()

    def reload(self, result: str, models: list[Model]) -> None:
        if self.registry is not None:
            self._reloads.labels(result).inc()
            self._loaded.clear()
            for model in models:
                self._loaded.labels(model.name, model.version).set(1)

    def text(self) -> bytes | None:
        """All of them as Prometheus reads them; None where nothing is counted."""
        return None if self.registry is None else self._text(self.registry)
