"""A pole on a cart (Barto, Sutton & Anderson 1983), with the dynamics and limits of Gymnasium's CartPole-v1."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import param
from powertrain_rl.envs.limited import Limited

GRAVITY, CART, POLE, HALF, PUSH, SECONDS = 9.8, 1.0, 0.1, 0.5, 10.0, 0.02
MASS, MOMENT = CART + POLE, POLE * HALF
EDGE, LEAN = 2.4, 12 * math.pi / 180  # beyond these it has fallen


class CartPole(Limited):
    """Push a cart left (0) or right (1) so that the pole on it stays up: 1 for each step, at most `longest`."""

    observation = np.zeros(4, np.float32)
    actions = 2
    draws = 4

    @dataclass(frozen=True)
    class Params(Limited.Params):
        longest: int = param(500, low=1, doc="steps after which an episode is cut short")

    def begin(self, uniform: Any) -> dict[str, Any]:
        start = uniform * 0.1 - 0.05
        return {name: start[:, at] for at, name in enumerate(("place", "speed", "angle", "spin"))}

    def see(self, state: Any) -> Any:
        return pt.stack([state["place"], state["speed"], state["angle"], state["spin"]], axis=1)

    def advance(self, state: Any, action: Any) -> tuple[dict[str, Any], Any, Any]:
        place, speed, angle, spin = state["place"], state["speed"], state["angle"], state["spin"]
        force = pt.where(action == 1, PUSH, -PUSH)
        cos, sin = pt.cos(angle), pt.sin(angle)
        pushed = (force + MOMENT * spin * spin * sin) / MASS
        turning = (GRAVITY * sin - cos * pushed) / (HALF * (4.0 / 3.0 - POLE * cos * cos / MASS))
        moving = pushed - MOMENT * turning * cos / MASS
        after = {
            "place": place + SECONDS * speed,
            "speed": speed + SECONDS * moving,
            "angle": angle + SECONDS * spin,
            "spin": spin + SECONDS * turning,
        }
        fallen = pt.logical_or(pt.abs(after["place"]) > EDGE, pt.abs(after["angle"]) > LEAN)
        return after, pt.ones_like(place), fallen

    def draw(self, axes: Any) -> None:
        place, _, angle, _ = self.see(self._state).numpy()[0].tolist()
        axes.plot([-EDGE, EDGE], [0, 0], color="gray", linewidth=1)
        axes.plot([place - 0.3, place + 0.3], [0, 0], color="C0", linewidth=8, solid_capstyle="butt")
        axes.plot([place, place + 2 * math.sin(angle)], [0.1, 0.1 + 2 * math.cos(angle)], color="C1", linewidth=3)
        axes.set(xlim=(-EDGE - 0.4, EDGE + 0.4), ylim=(-0.6, 2.6), aspect="equal")
        axes.axis("off")
