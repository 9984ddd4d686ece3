"""Replay: beside the task at hand, some examples of each earlier one (Ratcliff 1990; Chaudhry et al. 2019)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

import powertrain as pt
from powertrain.builtin.strategies.continual import EXAMPLE, Continual, TaskParams
from powertrain.data import permutation
from powertrain.plugin import Batch, Run, Step, param


class Replay(Continual):
    """Learns permuted tasks, and with each batch some examples of a memory, in which all earlier tasks have about equal
    shares."""

    @dataclass(frozen=True)
    class Params(TaskParams):
        memory: int = param(500, low=1, doc="examples that are kept, of all earlier tasks together")
        replayed: int = param(32, low=1, doc="examples of earlier tasks in each step, added to the batch")

    example_recipe: ClassVar[str] = EXAMPLE.format(name="replay", more=", memory = 20, replayed = 8")

    def setup(self, run: Run) -> None:
        super().setup(run)
        inputs, size = run.dataset.inputs(), self.params.memory
        self.memory_x = run.slot("memory.x", np.zeros((size, *inputs.shape), dtype=inputs.dtype))
        self.memory_y = run.slot("memory.y", np.zeros(size, dtype=np.int64))

    def replay(self, t: Step, batch: Batch) -> None:
        """A step on the batch and on rows of the memory, every example alike."""
        chosen = t.rng.integers(0, self.params.memory, size=(self.params.replayed,))
        x = pt.concat([self.inputs(batch), pt.take(self.memory_x.value, chosen, axis=0)], axis=0)
        y = pt.concat([batch.y, pt.astype(pt.take(self.memory_y.value, chosen, axis=0), batch.y.dtype)], axis=0)
        weight = pt.concat([batch.weight, pt.ones((self.params.replayed,), dtype=batch.weight.dtype)], axis=0)
        self.update(t, x, y, weight)

    def learn(self, run: Run, task: int, count: int) -> None:
        run.loop(self.replay if task else self.step, self.train, count)

    def end(self, run: Run, task: int) -> None:
        """Give a share of the memory to the task, in place of random rows: the others keep about equal shares."""
        fields, size = self.train.rows(weights=True), self.params.memory
        places = permutation(size, self.params.seed, 2 * task + 1)[: -(-size // (task + 1))]
        chosen = permutation(len(fields["x"]), self.params.seed, 2 * task + 1)
        chosen = np.resize(chosen, len(places))  # again, where there are fewer examples than places
        x, y = np.array(self.memory_x.numpy()), np.array(self.memory_y.numpy())
        x[places], y[places] = self.permuted(fields["x"][chosen], task), fields["y"][chosen]
        self.memory_x.value, self.memory_y.value = pt.tensor(x), pt.tensor(y)
