"""Proximal policy optimization: Schulman et al. 2017, with the generalized advantages of Schulman et al. 2016."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.plugin import Batch, Inputs, Run, Step, Strategy, param
from powertrain_rl.choices import best, demand_numbered, drawn, taken

LEARNED = ("x", "action", "chance", "value", "advantage", "target")  # what `learn` reads


class PPO(Strategy):
    """Play, estimate how much better each action was than usual, and make the better ones more likely; not by too much,
    so that the same steps serve for several passes."""

    task = "control"
    example_recipe = """\
data.env  = { use = "rl/cartpole", copies = 4 }
model     = { use = "rl/actor-critic", hidden = [8] }
strategy  = { use = "rl/ppo", horizon = 16, epochs = 2, minibatch = 24 }
optimizer = { use = "adam", lr = 1e-3, clip = 0.5 }
run       = { until = "10_000 env_steps" }
"""

    @dataclass(frozen=True)
    class Params:
        horizon: int = param(128, low=1, doc="steps of each copy between two updates")
        epochs: int = param(4, low=1, high=10_000, doc="passes over these steps")
        minibatch: int = param(256, low=1, doc="steps in one batch")
        clip: float = param(0.2, above=0, doc="how far the probability of an action may move, as a share")
        value_clip: float = param(0.0, low=0, doc="how far a value may move; 0: as far as it likes")
        discount: float = param(0.99, low=0, high=1, doc="what a reward is worth one step later")
        gae: float = param(0.95, low=0, high=1, doc="how far advantages look ahead: 0 one step, 1 to the end")
        entropy: float = param(0.0, low=0, doc="weight of keeping the choice of actions open")
        value: float = param(0.5, low=0, doc="weight of the error of the values")
        normalize: bool = param(True, doc="scale the advantages of a round to mean 0 and standard deviation 1")

    def setup(self, run: Run) -> None:
        self.policy, self.env = run.model(), run.env()
        demand_numbered("ppo", self.env)
        seen = self.env.observation
        self.critic = run.model("critic", inputs=Inputs("regression", seen.shape, 1, str(seen.dtype)))
        self.opt = run.optim("model", "critic")

    def round(self, run: Run) -> None:
        settings = self.params
        played = self.env.unroll(self.act, settings.horizon, self.judge)
        run.loop(self.learn, played.epochs(settings.epochs, settings.minibatch, LEARNED))

    def act(self, t: Step, batch: Batch) -> Any:
        return drawn(t, self.policy(batch.x))

    def judge(self, t: Step, rows: Batch) -> dict[str, Any]:
        """Of each step: how likely its action was, what its state was worth, and how much better it came."""
        values, following = self.critic(rows.x)[:, 0], self.critic(rows.next)[:, 0]
        chance = taken(pt.log_softmax(self.policy(rows.x)), rows.action)
        advantage = self.advantages(rows, values, following)
        target = advantage + values
        if self.params.normalize:
            advantage = (advantage - pt.mean(advantage)) / (pt.std(advantage) + 1e-8)
        return {"chance": chance, "value": values, "advantage": advantage, "target": target}

    def advantages(self, rows: Batch, values: Any, following: Any) -> Any:
        """From the last step backwards: how much more came than was expected, of each step and of those after it."""
        discount, shape = self.params.discount, (-1, self.env.copies)
        # A truncated episode would have gone on, so its last state has a value; a terminated one has none.
        more = rows.reward + discount * (1 - rows.terminated) * following - values
        carried = discount * self.params.gae * (1 - rows.done)

        def back(later: Any, row: Any) -> tuple[Any, Any]:
            more, carried = row
            advantage = more + carried * later
            return advantage, advantage

        rows_of = (pt.reshape(more, shape), pt.reshape(carried, shape))
        _, advantages = pt.scan(back, pt.zeros(self.env.copies), rows_of, reverse=True)
        return pt.reshape(advantages, (-1,))

    def learn(self, t: Step, batch: Batch) -> None:
        settings = self.params
        logs = pt.log_softmax(self.policy(batch.x))
        ratio = pt.exp(taken(logs, batch.action) - batch.chance)
        near = pt.clip(ratio, 1 - settings.clip, 1 + settings.clip)
        gain = pt.minimum(ratio * batch.advantage, near * batch.advantage)
        entropy = -pt.sum(pt.exp(logs) * logs, axis=1)
        value = self.critic(batch.x)[:, 0]
        error = pt.square(value - batch.target)
        if settings.value_clip:
            moved = batch.value + pt.clip(value - batch.value, -settings.value_clip, settings.value_clip)
            error = pt.maximum(error, pt.square(moved - batch.target))
        losses = -gain + settings.value * 0.5 * error - settings.entropy * entropy
        t.minimize(self.opt, losses, batch.weight)
        weight = pt.sum(batch.weight)
        for name, values in {"loss": losses, "entropy": entropy, "value_error": error}.items():
            t.log(name, pt.sum(values * batch.weight), weight)

    def predict(self, t: Step, batch: Batch) -> Any:
        return self.policy(batch.x)

    def answer(self, output: Any) -> dict[str, Any]:
        return best(output)
