"""Deep Q-learning: Mnih et al. 2015, double by van Hasselt et al. 2016, prioritized by Schaul et al. 2016."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import Batch, Run, Step, Strategy, param
from powertrain_rl.choices import best, demand_numbered, greedy_or_random, taken

FIELDS = ("x", "action", "reward", "next", "terminated")
SMALLEST = 1e-3  # of a priority, so that no step is never drawn again


class DQN(Strategy):
    """Learn what each action is worth from steps of long ago, judged by a copy of the network that follows in jumps;
    mostly take the best action, and at times a random one."""

    task = "control"
    example_recipe = """\
data.env  = { use = "rl/cartpole", copies = 4 }
model     = { use = "rl/q-network", hidden = [8] }
strategy  = { use = "rl/dqn", steps = 8, batch_size = 16, replay = 256, warmup = 32, prioritized = 0.6 }
optimizer = { use = "adam", lr = 1e-3 }
run       = { until = "10_000 env_steps" }
"""

    @dataclass(frozen=True)
    class Params:
        steps: int = param(32, low=1, doc="steps of each copy between two times of learning")
        updates: int = param(128, low=1, high=10_000, doc="batches that are learned from each time")
        batch_size: int = param(64, low=1, doc="steps in one batch")
        replay: int = param(100_000, low=1, doc="steps that are kept")
        warmup: int = param(1_000, low=1, doc="steps that are kept before anything is learned")
        discount: float = param(0.99, low=0, high=1, doc="what a reward is worth one step later")
        explore: float = param(0.05, low=0, high=1, doc="share of random actions in the end")
        explore_steps: int = param(10_000, low=1, doc="environment steps until the share of random actions is there")
        follow: int = param(128, low=1, doc="updates after which the copy that judges becomes the network again")
        double: bool = param(True, doc="choose the next action by the network, and judge it by the copy")
        prioritized: float = param(0.0, low=0, high=1, doc="draw surprising steps more often; 0: all alike")

    def setup(self, run: Run) -> None:
        settings = self.params
        self.net, self.target = run.model(), run.model("target", frozen=True)
        for slow, slot in self._pairs():
            slow.value = slot.value
        self.opt, self.env = run.optim("model"), run.env()
        demand_numbered("dqn", self.env)
        one, number = self.env.observation, np.float32(0)
        fields = {"x": one, "next": one, "action": np.int64(0), "reward": number, "terminated": number}
        if settings.prioritized:
            fields["priority"] = number
        self.ring = run.ring("replay", settings.replay, **fields)
        self.explore = run.slot("explore", np.float32(1))
        self.updates = run.slot("updates", np.int64(0))
        self.surprise = run.slot("surprise", np.ones(settings.batch_size, np.float32))
        self.most = run.slot("most_surprise", np.float32(1))

    def _pairs(self) -> list[tuple[pt.Slot, pt.Slot]]:
        """Each slot of the copy that judges, and the network's own."""
        own = dict(self.net.named_slots())
        return [(slow, own[name]) for name, slow in self.target.named_slots()]

    def round(self, run: Run) -> None:
        settings = self.params
        done = min(1.0, run.progress.env_steps / settings.explore_steps)
        self.explore.value = pt.tensor(np.float32(1 + done * (settings.explore - 1)))
        played = self.env.unroll(self.act, settings.steps)
        rows = {name: played[name] for name in FIELDS}
        if settings.prioritized:  # a new step is as likely to be drawn as the most surprising one
            rows["priority"] = np.full(len(rows["reward"]), self.most.numpy(), np.float32)
        self.ring.append(**rows)
        if len(self.ring) < min(settings.warmup, settings.replay):
            return
        if not settings.prioritized:
            run.loop(self.learn, self.ring.sample(settings.batch_size), settings.updates)
            return
        for _ in range(settings.updates):
            run.loop(self.learn, self.ring.sample(settings.batch_size, by="priority"), 1)
            self.ring.update(priority=self.surprise.numpy())

    def act(self, t: Step, batch: Batch) -> Any:
        return greedy_or_random(t, self.net(batch.x), self.explore.value)

    def learn(self, t: Step, batch: Batch) -> None:
        settings = self.params
        judged = self.target(batch.next)
        following = pt.argmax(self.net(batch.next) if settings.double else judged, axis=1)
        # A truncated episode would have gone on, so what follows it counts; nothing follows a terminated one.
        value = settings.discount * (1 - batch.terminated) * taken(judged, following)
        error = taken(self.net(batch.x), batch.action) - pt.stop_gradient(batch.reward + value)
        weight = batch.weight
        if settings.prioritized:  # what is drawn more often than others counts less each time
            weight = weight * pt.min(batch.chance) / batch.chance
            self.surprise.value = (pt.stop_gradient(pt.abs(error)) + SMALLEST) ** settings.prioritized
            self.most.value = pt.maximum(self.most.value, pt.max(self.surprise.value))
        losses = pt.nn.functional.huber_loss(error, pt.zeros_like(error), reduction="none")
        t.minimize(self.opt, losses * weight)
        t.log("loss", pt.sum(losses), losses.shape[0])
        self.updates.value = self.updates.value + 1
        now = self.updates.value % settings.follow == 0
        for slow, slot in self._pairs():
            slow.value = pt.where(now, slot.value, slow.value)

    def predict(self, t: Step, batch: Batch) -> Any:
        return self.net(batch.x)

    def answer(self, output: Any) -> dict[str, Any]:
        return best(output)
