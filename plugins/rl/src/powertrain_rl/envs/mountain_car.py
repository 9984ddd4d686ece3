"""A car in a valley (Moore 1990), with the dynamics and limits of Gymnasium's MountainCar-v0."""

from __future__ import annotations

from typing import Any

import numpy as np

import powertrain as pt
from powertrain_rl.envs.limited import Limited

LEFT, RIGHT, FASTEST, GOAL = -1.2, 0.6, 0.07, 0.5
ENGINE, GRAVITY = 0.001, 0.0025


class MountainCar(Limited):
    """Drive a weak car out of a valley: left (0), coast (1) or right (2); -1 for each step until it is at the flag."""

    observation = np.zeros(2, np.float32)
    actions = 3
    draws = 1

    def begin(self, uniform: Any) -> dict[str, Any]:
        place = uniform[:, 0] * 0.2 - 0.6
        return {"place": place, "speed": pt.zeros_like(place)}

    def see(self, state: Any) -> Any:
        return pt.stack([state["place"], state["speed"]], axis=1)

    def advance(self, state: Any, action: Any) -> tuple[dict[str, Any], Any, Any]:
        pushed = (pt.astype(action, "float32") - 1.0) * ENGINE
        speed = pt.clip(state["speed"] + pushed - pt.cos(3.0 * state["place"]) * GRAVITY, -FASTEST, FASTEST)
        place = pt.clip(state["place"] + speed, LEFT, RIGHT)
        speed = pt.where(pt.logical_and(place <= LEFT, speed < 0), 0.0, speed)  # the wall stops it
        there = pt.logical_and(place >= GOAL, speed >= 0)
        return {"place": place, "speed": speed}, -pt.ones_like(place), there

    def draw(self, axes: Any) -> None:
        place = self.see(self._state).numpy()[0, 0].item()
        road = np.linspace(LEFT, RIGHT, 60)
        axes.plot(road, np.sin(3 * road), color="gray", linewidth=1)
        axes.plot([GOAL, GOAL], [np.sin(3 * GOAL), np.sin(3 * GOAL) + 0.4], color="C2", linewidth=3)
        axes.plot(place, np.sin(3 * place) + 0.08, "o", color="C0", markersize=7)
        axes.set(xlim=(LEFT, RIGHT), ylim=(-1.2, 1.6))
        axes.axis("off")
