"""Means that a step logs: sums and counts in slots, so that logging costs no synchronisation and survives a resume."""

from __future__ import annotations

from typing import Any

import numpy as np

import powertrain as pt


def total_and_count(total: Any, count: Any) -> pt.Tensor:
    return pt.stack([pt.astype(pt.asarray(value), "float64") for value in (total, count)])


class Logs:
    """The logged means of a run, each a float64 slot [total, count] named `log.<name>`."""

    def __init__(self) -> None:
        self.slots: dict[str, Any] = {}

    def add(self, name: str, pair: pt.Tensor, unless: pt.Tensor | None) -> None:
        """Called inside a trace: the addition becomes part of the program. Nothing is added where `unless` is true."""
        slot = self.slot(name)
        slot.value = slot.value + (pair if unless is None else pt.where(unless, pt.zeros((2,), "float64"), pair))

    def count(self, name: str, total: float, count: int) -> None:
        """Called on the host, between steps."""
        slot = self.slot(name)
        slot.value = pt.tensor(slot.numpy() + np.array([total, count], dtype=np.float64))

    def slot(self, name: str) -> Any:
        if name not in self.slots:
            self.slots[name] = pt.Slot(np.zeros(2), name=f"log.{name}")
        return self.slots[name]

    def means(self) -> dict[str, float]:
        """The means since the last reset."""
        sums = {name: slot.numpy() for name, slot in self.slots.items()}
        return {name: float(pair[0] / pair[1]) for name, pair in sums.items() if pair[1] != 0}

    def reset(self) -> None:
        for slot in self.slots.values():
            slot.value = pt.tensor(np.zeros(2))
