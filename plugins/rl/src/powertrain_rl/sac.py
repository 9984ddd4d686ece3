"""Soft actor-critic: Haarnoja et al. 2018, with two critics and a temperature that is learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import Batch, Box, Inputs, Run, Step, Strategy, param
from powertrain_rl.errors import StrategyError

FIELDS = ("x", "action", "reward", "next", "terminated")
NARROWEST, WIDEST = -5.0, 2.0  # logarithms of deviations


class SAC(Strategy):
    """Learn what actions of numbers are worth from steps of long ago, and a policy that takes good ones, and takes them
    as much at random as still pays."""

    task = "control"
    example_recipe = """\
data.env  = { use = "rl/pendulum", copies = 2 }
model     = { use = "mlp", hidden = [8] }
strategy  = { use = "rl/sac", batch_size = 16, replay = 256, warmup = 32 }
optimizer = { use = "adam", lr = 1e-3 }
run       = { until = "10_000 env_steps" }
"""

    @dataclass(frozen=True)
    class Params:
        steps: int = param(1, low=1, doc="steps of each copy between two times of learning")
        updates: int = param(1, low=1, high=10_000, doc="batches that are learned from each time")
        batch_size: int = param(256, low=1, doc="steps in one batch")
        replay: int = param(100_000, low=1, doc="steps that are kept")
        warmup: int = param(1_000, low=1, doc="steps that are kept before anything is learned")
        discount: float = param(0.99, low=0, high=1, doc="what a reward is worth one step later")
        follow: float = param(0.005, above=0, high=1, doc="how far the slow critics follow the others each time")
        temperature: float = param(0.2, above=0, doc="what randomness is worth at first")
        temperature_rate: float = param(3e-3, low=0, doc="how fast that is learned; 0: it stays")
        entropy: float | None = param(None, doc="the randomness that is aimed at; by default -1 for each number of an "
                                               "action")  # fmt: skip
        round_steps: int = param(
            16, low=1, high=100_000, doc="times of playing between two commits; results do not depend on it"
        )

    def setup(self, run: Run) -> None:
        settings, self.env = self.params, run.env()
        box = self.env.actions
        if not isinstance(box, Box):
            raise StrategyError(
                "[strategy sac] the environment has discrete actions; expected continuous ones; "
                'use strategy = "rl/dqn" or "rl/ppo"'
            )
        one, number = self.env.observation, np.float32(0)
        # Of the same table: the actor gives two numbers for each of an action; of two critics the lesser is believed.
        self.actor = run.model(inputs=Inputs("regression", one.shape, 2 * box.size))
        judged = Inputs("regression", (one.size + box.size,), 1)
        self.critics = [run.model(role, inputs=judged) for role in ("critic", "critic_2")]
        self.slow = [run.model(f"slow_{role}", frozen=True, inputs=judged) for role in ("critic", "critic_2")]
        self._follow(1.0)
        self.opt, self.critic_opt = run.optim("model"), run.optim("critic", "critic_2")
        low, high = np.asarray(box.low, np.float32), np.asarray(box.high, np.float32)
        self.middle, self.reach = (high + low) / 2, (high - low) / 2
        fields = {"x": one, "next": one, "reward": number, "terminated": number}
        self.ring = run.ring("replay", settings.replay, **fields, action=np.zeros(box.size, np.float32))
        self.temperature = run.slot("log_temperature", np.float32(math.log(settings.temperature)))
        self.entropy = -float(box.size) if settings.entropy is None else settings.entropy

    def round(self, run: Run) -> None:
        settings = self.params
        for _ in range(settings.round_steps):
            played = self.env.unroll(self.act, settings.steps)
            self.ring.append(**{name: played[name] for name in FIELDS})
            if len(self.ring) >= settings.warmup:
                run.loop(self.learn, self.ring.sample(settings.batch_size), settings.updates)

    def act(self, t: Step, batch: Batch) -> Any:
        action, _ = self._drawn(t, batch.x)
        return pt.clip(action, self.middle - self.reach, self.middle + self.reach)

    def _drawn(self, t: Step, x: Any) -> tuple[Any, Any]:
        """An action for each row, between the bounds by tanh, and the logarithm of its density."""
        mean, spread = self._spread(x)
        noise = t.rng.normal(size=tuple(mean.shape))
        free = mean + pt.exp(spread) * noise
        # log(1 - tanh(u)^2) = 2 (log 2 - u - softplus(-2u)), which does not overflow.
        bent = 2 * (math.log(2.0) - free - pt.nn.functional.softplus(-2 * free))
        density = -0.5 * pt.square(noise) - spread - 0.5 * math.log(2 * math.pi) - bent - np.log(self.reach)
        return self.middle + self.reach * pt.tanh(free), pt.sum(density, axis=1)

    def _spread(self, x: Any) -> tuple[Any, Any]:
        """Means, and logarithms of deviations, before they are bent to the bounds."""
        outputs = self.actor(x)
        numbers = outputs.shape[1] // 2
        return outputs[:, :numbers], pt.clip(outputs[:, numbers:], NARROWEST, WIDEST)

    def _follow(self, share: float) -> None:
        """Bring the slow critics nearer to the others."""
        for slow, critic in zip(self.slow, self.critics, strict=True):
            for (_, old), (_, new) in zip(slow.named_slots(), critic.named_slots(), strict=True):
                old.value = (1 - share) * old.value + share * new.value

    def learn(self, t: Step, batch: Batch) -> None:
        settings, temperature = self.params, pt.exp(self.temperature.value)
        action, density = self._drawn(t, batch.next)
        judged = pt.min(worth(self.slow, batch.next, action), axis=1) - temperature * density
        target = pt.stop_gradient(batch.reward + settings.discount * (1 - batch.terminated) * judged)
        errors = pt.sum(pt.square(worth(self.critics, batch.x, batch.action) - target[:, None]), axis=1)
        t.minimize(self.critic_opt, errors)
        action, density = self._drawn(t, batch.x)
        value = pt.min(worth(self.critics, batch.x, action), axis=1)
        t.minimize(self.opt, pt.stop_gradient(temperature) * density - value)
        self._follow(settings.follow)
        short = pt.mean(pt.stop_gradient(density)) + self.entropy  # above 0: less random than is aimed at
        self.temperature.value = self.temperature.value + settings.temperature_rate * short
        t.log("value_error", pt.sum(errors), errors.shape[0])
        t.log("temperature", temperature)

    def predict(self, t: Step, batch: Batch) -> Any:
        mean, _ = self._spread(batch.x)
        return self.middle + self.reach * pt.tanh(mean)

    def answer(self, output: Any) -> dict[str, Any]:
        return {"action": [float(one) for one in output]}


def worth(critics: Sequence[Any], x: Any, action: Any) -> Any:
    """What actions are worth in states by each critic, a column each."""
    given = pt.concat([pt.reshape(x, (x.shape[0], -1)), action], axis=1)
    return pt.concat([critic(given) for critic in critics], axis=1)
