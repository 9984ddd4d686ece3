"""REINFORCE: the policy gradient of Williams 1992, from whole episodes, with a baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.plugin import Batch, Run, Step, Strategy, param
from powertrain_rl.choices import best, demand_numbered, drawn, taken


class Reinforce(Strategy):
    """Play, and make each action more likely by how much more came after it than usual. One step for each round, since
    what was played is worth nothing to another policy."""

    task = "control"
    example_recipe = """\
data.env  = { use = "rl/cartpole", copies = 4 }
model     = { use = "mlp", hidden = [8] }
strategy  = { use = "rl/reinforce", horizon = 32 }
optimizer = { use = "adam", lr = 1e-2 }
run       = { until = "10_000 env_steps" }
"""

    @dataclass(frozen=True)
    class Params:
        horizon: int = param(500, low=1, doc="steps of each copy in one round; of an episode that goes on, the rest "
                                             "is left out")  # fmt: skip
        discount: float = param(0.99, low=0, high=1, doc="what a reward is worth one step later")
        entropy: float = param(0.0, low=0, doc="weight of keeping the choice of actions open")

    def setup(self, run: Run) -> None:
        self.policy, self.opt, self.env = run.model(), run.optim(), run.env()
        demand_numbered("reinforce", self.env)

    def round(self, run: Run) -> None:
        played = self.env.unroll(self.act, self.params.horizon, self.judge)
        run.loop(self.learn, played.epochs(1, len(played["reward"])))

    def act(self, t: Step, batch: Batch) -> Any:
        return drawn(t, self.policy(batch.x))

    def judge(self, t: Step, rows: Batch) -> dict[str, Any]:
        """Of each step: how much more came after it than after the others on average, where its episode came to its
        end; what is not known counts for nothing."""
        shape = (-1, self.env.copies)

        def back(later: Any, row: Any) -> tuple[Any, Any]:
            total, known = later
            reward, done = row
            total = reward + self.params.discount * pt.where(done > 0, 0.0, total)
            known = pt.maximum(done, known)
            return (total, known), (total, known)

        rows_of = (pt.reshape(rows.reward, shape), pt.reshape(rows.done, shape))
        nothing = pt.zeros(self.env.copies)
        _, (totals, known) = pt.scan(back, (nothing, nothing), rows_of, reverse=True)
        totals, known = pt.reshape(totals, (-1,)), pt.reshape(known, (-1,))
        count = pt.maximum(pt.sum(known), 1.0)
        mean = pt.sum(totals * known) / count
        spread = pt.sqrt(pt.sum(pt.square(totals - mean) * known) / count)
        return {"gain": (totals - mean) / (spread + 1e-8) * known, "known": known}

    def learn(self, t: Step, batch: Batch) -> None:
        logs = pt.log_softmax(self.policy(batch.x))
        entropy = -pt.sum(pt.exp(logs) * logs, axis=1)
        losses = -taken(logs, batch.action) * batch.gain - self.params.entropy * entropy
        t.minimize(self.opt, losses, batch.weight)
        t.log("entropy", pt.sum(entropy), entropy.shape[0])

    def predict(self, t: Step, batch: Batch) -> Any:
        return self.policy(batch.x)

    def answer(self, output: Any) -> dict[str, Any]:
        return best(output)
