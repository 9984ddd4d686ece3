"""Progress of a run: how many steps, examples, tokens, environment steps and rounds it has done, and epochs."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.recipe.durations import Duration


@dataclass
class Progress:
    """Counters that only grow. They are a slot of the run, so a resume continues them."""

    steps: int = 0
    examples: int = 0
    tokens: int = 0
    env_steps: int = 0
    rounds: int = 0
    epochs: int = 0

    def __lt__(self, target: Duration) -> bool:
        """`run.progress < until`."""
        return int(getattr(self, target.unit)) < target.amount

    def left(self, target: Duration) -> int:
        return max(0, target.amount - int(getattr(self, target.unit)))

    def array(self) -> NDArray[np.int64]:
        return np.array([getattr(self, field.name) for field in fields(self)], dtype=np.int64)

    def misfit(self, saved: NDArray[Any]) -> str:
        return counts(saved, (len(fields(self)),))

    def restore(self, array: NDArray[Any]) -> None:
        for field, value in zip(fields(self), array.tolist(), strict=True):
            setattr(self, field.name, value)


@dataclass
class Count:
    """One number of the host's that a checkpoint holds."""

    value: int = 0

    def array(self) -> NDArray[np.int64]:
        return np.array(self.value, dtype=np.int64)

    def misfit(self, saved: NDArray[Any]) -> str:
        return counts(saved, ())

    def restore(self, array: NDArray[Any]) -> None:
        self.value = int(array)


def counts(saved: NDArray[Any], shape: tuple[int, ...]) -> str:
    """What keeps an array from being so many counters; nothing where it is them."""
    if saved.dtype != np.int64 or saved.shape != shape:
        return f"is {saved.dtype}{list(saved.shape)} in the checkpoint and int64{list(shape)} in the run"
    return "is below 0 in the checkpoint" if (saved < 0).any() else ""
