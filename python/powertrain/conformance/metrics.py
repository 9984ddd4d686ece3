"""Checks of metrics: mergeable states, padding that does not count, nothing kept on self."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from powertrain.conformance.finding import Finding, Subject, changed, held_on, no_global_random, rng, same

NEAR = 1e-9


def samples() -> dict[str, tuple[Any, Any]]:
    draw = rng()
    return {
        "classes": (draw.normal(size=(12, 3)).astype(np.float32), draw.integers(0, 3, 12)),
        "yes or no": (draw.normal(size=(12, 2)).astype(np.float32), draw.integers(0, 2, 12)),
        "values": (draw.normal(size=(12, 1)).astype(np.float32), draw.normal(size=12).astype(np.float32)),
        "losses": (draw.random(12).astype(np.float32), draw.integers(0, 3, 12)),
    }


def check_metric(subject: Subject) -> Iterator[Finding]:
    errors: list[Exception] = []
    worked = False
    for prediction, target in samples().values():
        metric = subject.plugin.build(subject.params)
        try:
            with no_global_random(subject, "measure or result") as drawn:
                given = prediction.copy(), target.copy(), np.ones(len(target), np.float32)
                metric.update(*given)
                metric.compute()
        except Exception as error:
            errors.append(error)
            continue
        worked = True
        if not all(map(same, given, (prediction, target, np.ones(len(target), np.float32)))):
            yield subject.finding(
                "writes-input",
                "measure changes the arrays that it is given",
                "to read them, since other metrics see the same",
                "copy before writing",
            )
            return
        found = [*drawn, *_examine(subject, metric, prediction, target)]
        yield from found
        if found:
            return
    if not worked:
        yield subject.raised("update with each usual task", errors[0])


def _examine(subject: Subject, metric: Any, prediction: Any, target: Any) -> Iterator[Finding]:
    ones = np.ones(len(target), np.float32)
    zero = metric.zero()
    if not isinstance(zero, np.ndarray) or zero.dtype.kind not in "fiu":
        yield subject.finding(
            "metric-state",
            f"zero gave a {type(zero).__name__}",
            "a NumPy array of numbers, which a slot can hold",
            "keep sums and counts in one float64 array",
        )
        return
    before = held_on(metric)
    kept = copy.deepcopy(zero)

    def measured(*batch: Any) -> Any:
        return np.asarray(metric.measure(*batch), dtype=np.float64)

    whole = metric.merged(zero, measured(prediction, target, ones))
    if not np.array_equal(zero, kept):
        yield subject.finding(
            "metric-changes-state",
            "merged changes the state that it was given",
            "a new state",
            "return a + b, not a += b",
        )
        return
    halves = [measured(prediction[part], target[part], ones[part]) for part in (slice(0, 5), slice(5, None))]
    parts = copy.deepcopy(halves)
    merged = metric.result(metric.merged(*halves))
    if not all(map(same, parts, halves)):
        yield subject.finding(
            "metric-changes-state",
            "merged changes a state that it was given",
            "a new state",
            "return a + b, not a += b",
        )
        return
    result = metric.result(whole)
    if names := changed(before, held_on(metric)):
        yield subject.finding(
            "state-on-self",
            f"measure changes {', '.join(names)} of the metric",
            "a state that is handed on",
            "put it into the array that measure returns",
        )
        return
    if np.ndim(result) != 0:
        yield subject.finding("metric-result", f"result gave {result!r}", "one number", "return a float")
        return
    if not _near(merged, result):
        yield subject.finding(
            "not-mergeable",
            f"two halves merged give {merged:.6g}, all examples at once {result:.6g}",
            "the same, whatever the batches were",
            "keep sums and counts in the state, and divide in result alone",
        )
    elif not _near(metric.result(metric.merged(metric.zero(), whole)), result):
        yield subject.finding(
            "not-mergeable", "merging with zero changes the result", "zero to add nothing", "correct zero or merged"
        )
    padded = measured(
        np.concatenate([prediction, prediction[:4]]),
        np.concatenate([target, target[:4]]),
        np.concatenate([ones, np.zeros(4, np.float32)]),
    )
    if not _near(metric.result(padded), result):
        yield subject.finding(
            "padding-counts",
            f"with rows of weight 0 it gives {metric.result(padded):.6g} instead of {result:.6g}",
            "padding that does not count",
            "multiply what is summed, and what is counted, by weight",
        )


def _near(a: Any, b: Any) -> bool:
    a, b = float(a), float(b)
    return (np.isnan(a) and np.isnan(b)) or abs(a - b) <= NEAR * max(1.0, abs(b))
