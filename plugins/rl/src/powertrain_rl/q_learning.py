"""Q-learning: Watkins 1989. With the model `q-table` and the optimizer `sgd` it is the tabular method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import Batch, Run, Step, Strategy, param
from powertrain_rl.choices import best, demand_numbered, greedy_or_random, taken


class QLearning(Strategy):
    """After each step, move what its action was thought to be worth towards what came: the reward, and what the best
    action is worth where it led to. Each step is learned from once."""

    task = "control"
    example_recipe = """\
data.env  = { use = "rl/cliff", copies = 2 }
model     = "rl/q-table"
strategy  = { use = "rl/q-learning", round_steps = 8 }
optimizer = { use = "sgd", lr = 0.5 }
run       = { until = "10_000 env_steps" }
"""

    @dataclass(frozen=True)
    class Params:
        discount: float = param(1.0, low=0, high=1, doc="what a reward is worth one step later")
        explore: float = param(0.1, low=0, high=1, doc="share of random actions")
        round_steps: int = param(64, low=1, high=100_000, doc="steps between two commits; results do not depend on it")

    def setup(self, run: Run) -> None:
        self.values, self.opt, self.env = run.model(), run.optim(), run.env()
        demand_numbered("q-learning", self.env)

    def round(self, run: Run) -> None:
        for _ in range(self.params.round_steps):
            played = self.env.unroll(self.act, 1)
            run.loop(self.learn, played.epochs(1, self.env.copies))

    def act(self, t: Step, batch: Batch) -> Any:
        return greedy_or_random(t, self.values(batch.x), np.float32(self.params.explore))

    def learn(self, t: Step, batch: Batch) -> None:
        following = pt.max(self.values(batch.next), axis=1)
        target = pt.stop_gradient(batch.reward + self.params.discount * (1 - batch.terminated) * following)
        error = taken(self.values(batch.x), batch.action) - target
        # Copies add up, each with the whole rate: minimize divides by their number.
        t.minimize(self.opt, 0.5 * pt.square(error) * self.env.copies)
        t.log("loss", pt.sum(pt.square(error)), self.env.copies)

    def predict(self, t: Step, batch: Batch) -> Any:
        return self.values(batch.x)

    def answer(self, output: Any) -> dict[str, Any]:
        return best(output)
