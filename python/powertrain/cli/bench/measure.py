"""Timing of a training step, by the rules that the published figures follow.

At least ten steps and one second to warm up, then samples of as many steps as fill 20 ms for the given time. The
figure is the median sample; the fastest is told beside it, since on a shared machine it is the less disturbed one.
"""

from __future__ import annotations

import math
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


class SlowError(Exception):
    """A step takes longer than anyone wants to wait for."""


class Sampler:
    """Takes samples of a step that trains once and returns its loss: anything with `.item()`.

    `wait` is for frameworks whose calls come back before the work is done; it is called with the last result of each
    sample.
    """

    def __init__(self, step: Callable[[], Any], wait: Callable[[Any], None] = lambda result: None) -> None:
        self.step = step
        self.wait = wait
        self.losses: list[float] = []
        self.first_step_s = 0.0
        self.fastest_s = math.inf  # of the warm-up
        self.steps = 0
        self._per_sample = 0
        self._last: Any = None

    def warm_up(self, steps: int, seconds: float, slowest: float = math.inf) -> None:
        """The first steps, whose losses are kept, and as many more as fill the time. SlowError when a step other than
        the first takes more than `slowest` seconds."""
        self.losses = []
        self.first_step_s = self._loss()
        warm_from = time.perf_counter()
        while len(self.losses) < steps:
            took = self._loss()
            if took > slowest:
                raise SlowError(f"a step takes {took:.2g} s; at most {slowest:.2g} s were allowed")
            self.fastest_s = min(self.fastest_s, took)
        self.run_for(warm_from + seconds - time.perf_counter())

    def _loss(self) -> float:
        """Seconds of a step whose loss is read."""
        start = time.perf_counter()
        self.losses.append(float(self.step().item()))
        return time.perf_counter() - start

    def run_for(self, seconds: float) -> None:
        """Steps that no one times, so that caches and clocks are as they are in the middle of a training."""
        end = time.perf_counter() + seconds
        while time.perf_counter() < end:
            self.wait(self.step())

    def sample(self, seconds: float) -> list[float]:
        """Milliseconds for one step, sample by sample; at least one sample."""
        self._per_sample = self._per_sample or max(1, round(SAMPLE_SECONDS / self._seconds_of_one()))
        samples: list[float] = []
        end = time.perf_counter() + seconds
        while not samples or time.perf_counter() < end:
            start = time.perf_counter()
            for _ in range(self._per_sample):
                self._last = self.step()
            self.wait(self._last)
            samples.append((time.perf_counter() - start) / self._per_sample * 1e3)
        self.steps += self._per_sample * len(samples)
        return samples

    def loss_last(self) -> float:
        return float(self._last.item())

    def _seconds_of_one(self) -> float:
        """A step's duration, from as many as take 5 ms."""
        count, start = 0, time.perf_counter()
        while (elapsed := time.perf_counter() - start) < 0.005:
            self.wait(self.step())
            count += 1
        return elapsed / count


def measure(step: Callable[[], Any], seconds: float) -> Timing:
    """Time a step for so long, after the warm-up."""
    sampler = Sampler(step)
    sampler.warm_up(WARM_UP_STEPS, 1.0)
    samples = sampler.sample(seconds)
    return Timing(
        median_ms=statistics.median(samples),
        min_ms=min(samples),
        first_step_s=sampler.first_step_s,
        steps=sampler.steps,
        losses=tuple(sampler.losses),
        loss_last=sampler.loss_last(),
    )
