"""An environment: it depends on the seed of the episode and the actions, and on nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from powertrain.plugin import Environment, param


class Corridor(Environment):
    """Places in a row, of which the last gives 1; each step costs a little."""

    actions = 2

    @dataclass(frozen=True)
    class Params:
        length: int = param(8, low=2, high=1000, doc="places in the row")

    def __init__(self, params: Params) -> None:
        self.length = params.length
        self.observation = np.zeros(params.length, np.float32)

    def _seen(self) -> Any:
        return (np.arange(self.length) == self.at).astype(np.float32)

    def reset(self, seed: int) -> Any:
        self.at, self.left = seed % (self.length - 1), 4 * self.length
        return self._seen()

    def step(self, action: int) -> tuple[Any, float, bool, bool]:
        self.at = max(0, self.at + (1 if action else -1))
        self.left -= 1
        arrived = self.at == self.length - 1
        return self._seen(), 1.0 if arrived else -0.05, arrived, self.left == 0
