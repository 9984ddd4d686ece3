"""A pendulum with a motor, with the dynamics and limits of Gymnasium's Pendulum-v1."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import Box
from powertrain_rl.envs.acrobot import around
from powertrain_rl.envs.limited import Limited

GRAVITY, SECONDS, FASTEST, STRONGEST = 10.0, 0.05, 8.0, 2.0


class Pendulum(Limited):
    """Swing a pendulum up and hold it there, by a torque that is too weak to lift it at once."""

    observation = np.zeros(3, np.float32)
    actions = Box(low=(-STRONGEST,), high=(STRONGEST,))
    draws = 2

    def begin(self, uniform: Any) -> dict[str, Any]:
        return {"angle": (uniform[:, 0] * 2 - 1) * math.pi, "spin": uniform[:, 1] * 2 - 1}

    def see(self, state: Any) -> Any:
        return pt.stack([pt.cos(state["angle"]), pt.sin(state["angle"]), state["spin"]], axis=1)

    def advance(self, state: Any, action: Any) -> tuple[dict[str, Any], Any, Any]:
        angle, spin, torque = state["angle"], state["spin"], pt.clip(action[:, 0], -STRONGEST, STRONGEST)
        lean = around(angle)
        cost = lean * lean + 0.1 * spin * spin + 0.001 * torque * torque
        spin = pt.clip(spin + (1.5 * GRAVITY * pt.sin(angle) + 3.0 * torque) * SECONDS, -FASTEST, FASTEST)
        after = {"angle": angle + spin * SECONDS, "spin": spin}
        return after, -cost, pt.zeros_like(angle) > 0

    def draw(self, axes: Any) -> None:
        angle = self._state["angle"].numpy()[0].item()
        axes.plot([0, math.sin(angle)], [0, math.cos(angle)], color="C0", linewidth=6, solid_capstyle="round")
        axes.plot(0, 0, "o", color="black", markersize=5)
        axes.set(xlim=(-1.3, 1.3), ylim=(-1.3, 1.3), aspect="equal")
        axes.axis("off")
