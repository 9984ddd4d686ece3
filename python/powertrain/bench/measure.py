"""Timing of a training step, by the rules that the published figures follow.

At least ten steps and one second to warm up, then samples of as many steps as fill 20 ms for the given time. The
figure is the median sample; the fastest is told beside it, since on a shared machine it is the less disturbed one.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

WARM_UP_STEPS = 10
SAMPLE_SECONDS = 0.020


@dataclass(frozen=True)
class Timing:
    """Milliseconds for one step."""

    median_ms: float
    min_ms: float
    first_step_s: float
    steps: int
    losses: tuple[float, ...]  # of the first ten steps: by them one knows that the work is the same
    loss_last: float


def measure(step: Callable[[], Any], seconds: float, warm_up: float = 1.0) -> Timing:
    """Time a step that trains once and returns its loss: anything with `.item()`, read only in the first ten steps."""
    start = time.perf_counter()
    losses = [float(step().item())]
    first = time.perf_counter() - start
    warm_from = time.perf_counter()
    while len(losses) < WARM_UP_STEPS:
        losses.append(float(step().item()))
    while time.perf_counter() - warm_from < warm_up:
        step()
    per_sample = max(1, round(SAMPLE_SECONDS / _seconds_of_one(step)))
    samples: list[float] = []
    last: Any = None
    end = time.perf_counter() + seconds
    while not samples or time.perf_counter() < end:
        start = time.perf_counter()
        for _ in range(per_sample):
            last = step()
        samples.append((time.perf_counter() - start) / per_sample)
    return Timing(
        median_ms=statistics.median(samples) * 1e3,
        min_ms=min(samples) * 1e3,
        first_step_s=first,
        steps=per_sample * len(samples),
        losses=tuple(losses),
        loss_last=float(last.item()),
    )


def _seconds_of_one(step: Callable[[], Any]) -> float:
    """A step's duration, from as many as take 5 ms."""
    count, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < 0.005:
        step()
        count += 1
    return elapsed / count
