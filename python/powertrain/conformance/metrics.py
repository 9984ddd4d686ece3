"""Checks of metrics: mergeable states, padding that does not count, nothing kept on self."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import numpy as np

from powertrain.conformance.elsewhere import elsewhere
from powertrain.conformance.finding import Finding, Subject, apart, changed, held_on, no_global_random, rng, same
from powertrain.conformance.leaks import check_leaks
from powertrain.conformance.usage import check_effects
from powertrain.plugin.metric import Metric

NEAR = 1e-9
ROUNDED = 1e-5  # what sums in float32 may lose
# The tasks of samples that a metric has to take whole, if `measure` takes them: those of the engine's own data.
USUAL = {"classes": "classification", "yes or no": "classification", "values": "regression"}


def samples() -> dict[str, tuple[Any, Any]]:
    draw = rng()
    return {
        "classes": (draw.normal(size=(12, 3)).astype(np.float32), draw.integers(0, 3, 12)),
        "yes or no": (draw.normal(size=(12, 2)).astype(np.float32), draw.integers(0, 2, 12)),
        "values": (draw.normal(size=(12, 1)).astype(np.float32), draw.normal(size=12).astype(np.float32)),
        "losses": (draw.random(12).astype(np.float32), draw.integers(0, 3, 12)),
        # Of tasks that plugins add: grades of lists or labels of examples, classes of places.
        "several": (draw.normal(size=(12, 3)).astype(np.float32), draw.integers(0, 2, (12, 3)).astype(np.float32)),
        "places": (draw.normal(size=(12, 4, 4, 3)).astype(np.float32), draw.integers(0, 3, (12, 4, 4))),
    }


def check_metric(subject: Subject) -> Iterator[Finding]:
    errors: list[Exception] = []
    worked: list[str] = []
    for task, (prediction, target) in samples().items():
        metric = subject.plugin.build(subject.params)
        if USUAL.get(task) in (metric.tasks or USUAL.values()) and (wrong := _unfit(subject, metric, task)):
            yield wrong
            return
        try:
            with no_global_random(subject, "measure or result") as drawn:
                given = prediction.copy(), target.copy(), np.ones(len(target), np.float32)
                metric.update(*given)
                metric.compute()
        except Exception as error:
            errors.append(error)
            continue
        worked.append(task)
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
        return
    prediction, target = samples()[worked[0]]
    metric = subject.plugin.build(subject.params)
    ones = np.ones(len(target), np.float32)
    yield from check_leaks(subject, "measure", lambda: metric.result(metric.measure(prediction, target, ones)))
    yield from check_effects(subject, lambda params: _results(subject.plugin.build(params), worked))


def _unfit(subject: Subject, metric: Any, task: str) -> Finding | None:
    """A state that `measure` gives of a usual task, and that zero(), merged or result do not take. Where `measure`
    raises, the metric is not for that task."""
    prediction, target = samples()[task]
    try:
        measured = np.asarray(metric.measure(prediction, target, np.ones(len(target), np.float32)), np.float64)
        zero = metric.zero()
    except Exception:
        return None
    shapes = f"the state of 12 examples is {list(measured.shape)}, and zero() gives {list(np.shape(zero))}"
    try:
        merged = metric.merged(zero, measured)
    except Exception as error:
        return subject.finding(
            "metric-state", f"{shapes}, which merged does not take", "states that add up", NO_ZERO, error
        )
    if np.shape(merged) != measured.shape and type(metric).merged is Metric.merged:
        return subject.finding("metric-state", f"{shapes}, which become {list(merged.shape)}", "one shape", NO_ZERO)
    try:
        metric.result(merged)
    except Exception as error:
        return subject.raised(f"result of 12 examples ({task})", error)
    return None


NO_ZERO = "define zero(), which gives the state of no examples: by default two numbers"


def _results(metric: Any, tasks: list[str]) -> Iterator[bytes]:
    """States and results of usual tasks, and of predictions that are probabilities."""
    for task in tasks:
        prediction, target = samples()[task]
        weight = np.linspace(0.25, 2, len(target)).astype(np.float32)
        shares = np.exp(prediction) / np.exp(prediction).sum(axis=-1, keepdims=True)
        yield repr(np.shape(metric.zero())).encode()
        errors: list[Exception] = []
        for given in (prediction, shares):
            try:
                state = np.asarray(metric.measure(given, target, weight), np.float64)
                yield state.tobytes() + repr(float(metric.result(state))).encode()
            except Exception as error:  # it takes the one or the other
                errors.append(error)
                yield b"refused"
        if len(errors) > 1 and isinstance(errors[0], ArithmeticError):  # others may be how it refuses
            raise errors[0]


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
        parted, once = apart(merged, result)
        rounded = abs(float(merged) - float(result)) <= ROUNDED * max(1.0, abs(float(result)))
        yield subject.finding(
            "not-mergeable",
            f"two halves merged give {parted}, all examples at once {once}",
            "the same, whatever the batches were",
            "sum in float64: np.sum(values, dtype=np.float64)"
            if rounded
            else "keep sums and counts in the state, and divide in result alone",
        )
    elif not _near(metric.result(metric.merged(metric.zero(), whole)), result):
        yield subject.finding(
            "not-mergeable", "merging with zero changes the result", "zero to add nothing", "correct zero or merged"
        )
    yield from _weights(subject, metric, prediction, target, float(result))
    yield from _order(subject, metric, prediction, target, float(result))
    padded = measured(
        np.concatenate([prediction, prediction[:4]]),
        np.concatenate([target, target[:4]]),
        np.concatenate([ones, np.zeros(4, np.float32)]),
    )
    if not _near(metric.result(padded), result):
        now, usual = apart(metric.result(padded), result)
        yield subject.finding(
            "padding-counts",
            f"with rows of weight 0 it gives {now} instead of {usual}",
            "padding that does not count",
            "multiply what is summed, and what is counted, by weight",
        )


def _weights(subject: Subject, metric: Any, prediction: Any, target: Any, result: float) -> Iterator[Finding]:
    """An example of weight 1 counts as the same one twice, with weights that add up to 1; one of weight 2 as two."""
    count = len(target)
    rows = np.array([*range(count), 2, 7, 7])
    weight = np.ones(len(rows), np.float32)
    weight[[2, count]] = 0.5
    weight[[7, count + 1, count + 2]] = 0.125, 0.625, 0.25
    split = metric.result(np.asarray(metric.measure(prediction[rows], target[rows], weight), np.float64))
    twice = np.array([*range(count), 4])
    weight = np.ones(count, np.float32)
    weight[4] = 2
    heavy = metric.result(np.asarray(metric.measure(prediction, target, weight), np.float64))
    two = metric.result(
        np.asarray(metric.measure(prediction[twice], target[twice], np.ones(len(twice), np.float32)), np.float64)
    )
    if not _near(split, result) or not _near(heavy, two):
        now, usual = apart(split, result)
        words = f"one example as two of weight 0.5 gives {now} instead of {usual}"
        if _near(split, result):
            now, usual = apart(heavy, two)
            words = f"an example of weight 2 gives {now}, and the same one twice {usual}"
        yield subject.finding(
            "fractional-weights",
            words,
            "an example to count by its weight",
            "multiply what is summed, and what is counted, by weight; do not only compare it with 0",
        )


def _order(subject: Subject, metric: Any, prediction: Any, target: Any, result: float) -> Iterator[Finding]:
    """The order of examples does not matter, nor where and when they are measured, nor what another one measures."""
    ones = np.ones(len(target), np.float32)
    order = rng().permutation(len(target))
    turned = metric.result(np.asarray(metric.measure(prediction[order], target[order], ones), np.float64))
    if not _near(turned, result):
        now, usual = apart(turned, result)
        yield subject.finding(
            "examples-mixed",
            f"in another order the same examples give {now} instead of {usual}",
            "the same, since a loader shuffles",
            "compute sums and counts that no example's place changes",
        )
        return
    one, other = subject.plugin.build(subject.params), subject.plugin.build(subject.params)
    for part in (slice(0, 5), slice(5, None)):
        one.update(prediction[part], target[part], ones[part])
        other.update(prediction[::-1][:3], target[:3], ones[:3])
    if not _near(one.compute(), result):
        now, usual = apart(one.compute(), result)
        yield subject.finding(
            "shared",
            f"beside another one that measures too it gives {now} instead of {usual}",
            "each to know its own examples alone",
            "keep nothing on the class or in the module",
        )
        return
    with elsewhere(*subject.modules):
        again = metric.result(np.asarray(metric.measure(prediction, target, ones), np.float64))
    if not _near(again, result):
        yield subject.finding(
            "not-repeatable",
            "the same examples give another result at another time, in another folder",
            "the same one",
            "keep nothing between calls, read no clock, and draw no random numbers",
        )


def _near(a: Any, b: Any) -> bool:
    a, b = float(a), float(b)
    return (np.isnan(a) and np.isnan(b)) or abs(a - b) <= NEAR * max(1.0, abs(b))
