"""Cases of ctc_rows; the reference adds up all paths of a few steps, one by one, and more by recursion in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby, product

import numpy as np

import powertrain as pt
from kit import Array, Case, integers, normal, values


def paths(scores: Array, labels: list[int], blank: int) -> Iterator[tuple[tuple[int, ...], float]]:
    """The ways to say the labels, a class at each step, and their log-probabilities."""
    for path in product(range(scores.shape[1]), repeat=scores.shape[0]):
        if [c for c, _ in groupby(path) if c != blank] == labels:
            yield path, float(sum(scores[t, c] for t, c in enumerate(path)))


def by_recursion(scores: Array, labels: list[int], blank: int) -> float:
    states = [blank, *(c for label in labels for c in (label, blank))]
    alpha = np.full(len(states), -np.inf)
    for t, row in enumerate(scores):
        if t == 0:
            alpha[:2] = row[states[:2]]
            continue
        before = alpha.copy()
        for i, c in enumerate(states):
            ways = [before[i], *before[max(i - 1, 0) : i]]
            if i > 1 and i % 2 and c != states[i - 2]:
                ways.append(before[i - 2])
            alpha[i] = np.logaddexp.reduce(ways) + row[c]
    return float(-np.logaddexp.reduce(alpha[-2:]))


def reference(log_probs: Array, labels: Array, steps: Array, lengths: Array, blank: int = 0) -> Array:
    losses = []
    for row, said, t, s in zip(log_probs, labels, steps, lengths, strict=True):
        scores, wanted = row[:t], [int(label) for label in said[:s]]
        if t == 0:
            losses.append(0.0 if s == 0 else np.inf)
        elif float(scores.shape[1]) ** float(t) < 300:
            losses.append(float(-np.logaddexp.reduce([p for _, p in paths(scores, wanted, blank)] or [-np.inf])))
        else:
            losses.append(by_recursion(scores, wanted, blank))
    return np.array(losses)


def magnitude(log_probs: Array, labels: Array, steps: Array, lengths: Array, blank: int = 0) -> Array:
    # Every step adds a number.
    return np.sum(np.max(np.abs(log_probs), axis=-1, initial=0.0), axis=-1) + 1.0


K = 4
DTYPES = ("float32", "float64")
SECOND = False
CASES = [
    Case(normal((4, 5, 3)), values([[1, 2, 0], [1, 1, 0], [2, 0, 0], [1, 2, 1]], "int64"), values([5, 3, 4, 5], "int64"),
         values([2, 2, 1, 3], "int64")),
    Case(normal((2, 4, 3)), values([[0, 1], [0, 0]], "int64"), values([4, 4], "int64"), values([2, 0], "int64"), blank=2),
    Case(normal((3, 40, 20)), integers((3, 17), 1, 20, "int64"), values([40, 40, 39], "int64"),
         values([17, 16, 8], "int64")),
    Case(normal((2, 33, 5)), integers((2, 9), 0, 4, "int64"), values([33, 30], "int64"), values([9, 7], "int64"), blank=4),
    Case(normal((3, 2, 3)), values([[1, 1], [1, 2], [1, 0]], "int64"), values([2, 0, 0], "int64"),
         values([2, 2, 0], "int64")).no_gradient(),
    Case(normal((0, 4, 3)), integers((0, 2), 1, 3, "int64"), integers((0,), 0, 1, "int64"), integers((0,), 0, 1, "int64")),
]  # fmt: skip
ERRORS = [
    (
        Case(normal((2, 4, 3)), integers((3, 2), 1, 3, "int64"), values([4, 4], "int64"), values([2, 2], "int64")),
        pt.ShapeError,
        "[ctc_rows] log_probs is f32[2, 4, 3], targets is i64[3, 2], input_lengths is i64[2], target_lengths is i64[2]; expected [n, t, classes], [n, s], [n] and [n]; put the batch first and pad targets to one length",
    ),
    (
        Case(
            normal((2, 4, 3)),
            integers((2, 2), 1, 3, "int64"),
            values([4, 4], "int64"),
            values([2, 2], "int64"),
            blank=3,
        ),
        pt.ShapeError,
        "[ctc_rows] blank = 3, log_probs is f32[2, 4, 3]; expected one of its classes; 0 is usual",
    ),
    (
        Case(normal((2, 4, 3)), integers((2, 2), 1, 3, "int32"), values([4, 4], "int64"), values([2, 2], "int64")),
        pt.ShapeError,
        "[ctc_rows] log_probs is f32[2, 4, 3], targets is i32[2, 2], input_lengths is i64[2], target_lengths is i64[2]; expected f32 or f64, and int64; call ctc_loss, which casts them",
    ),
    (
        Case(normal((2, 4, 3)), integers((2, 2), 1, 3, "int64"), values([4, 5], "int64"), values([2, 2], "int64")),
        pt.IndexError,
        "[ctc_rows] received an index out of range; expected every index within the axis that it reads; check the labels or token ids against the size",
    ),
]
BENCH = [
    Case(normal((16, 200, 32)), integers((16, 40), 1, 32, "int64"), integers((16,), 150, 200, "int64"),
         integers((16,), 20, 40, "int64")),
]  # fmt: skip
