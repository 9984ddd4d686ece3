"""The mean of what clients make of a model."""

from __future__ import annotations

from typing import Any

import numpy as np

import powertrain as pt


class Average:
    """The mean change of a model's parameters and buffers, in float64 and in the order in which clients are added, so
    that a value that nobody changes keeps its bits. Whole numbers, such as counters, become those of the first client.
    """

    def __init__(self, model: pt.nn.Module) -> None:
        self._slots = [slot for _, slot in model.named_slots()]
        self._before = [np.array(slot.numpy()) for slot in self._slots]
        self._changes: list[Any] = [0.0] * len(self._slots)
        self._first: list[Any] = []
        self._weight = 0

    def add(self, examples: int) -> None:
        """Count the model as it is now, with the weight of so many examples."""
        now = [np.array(slot.numpy()) for slot in self._slots]
        self._first = self._first or now
        for at, (value, before) in enumerate(zip(now, self._before, strict=True)):
            if averaged(value):
                wide = np.result_type(value, np.float64)
                self._changes[at] = self._changes[at] + examples * (value.astype(wide) - before)
        self._weight += examples

    def take(self) -> None:
        """Give the model the mean."""
        for slot, before, change, first in zip(self._slots, self._before, self._changes, self._first, strict=True):
            mean = (before + change / self._weight).astype(before.dtype) if averaged(before) else first
            slot.value = pt.tensor(mean)


def averaged(value: Any) -> bool:
    return value.dtype.kind in "fc"
