"""Two links that hang (Sutton 1996), with the dynamics and limits of Gymnasium's Acrobot-v1.

Each link is one long and weighs one; a step of 0.2 seconds is one step of Runge and Kutta's method of fourth order.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain.plugin import param
from powertrain_rl.envs.limited import Limited

GRAVITY, SECONDS, CENTRE, INERTIA = 9.8, 0.2, 0.5, 1.0
FASTEST, FASTEST_SECOND = 4 * math.pi, 9 * math.pi
NAMES = ("angle", "bend", "spin", "bend_spin")


class Acrobot(Limited):
    """Swing the lower of two links above a line, by a torque of -1, 0 or 1 between them; -1 for each step before."""

    observation = np.zeros(6, np.float32)
    actions = 3
    draws = 4

    @dataclass(frozen=True)
    class Params(Limited.Params):
        longest: int = param(500, low=1, doc="steps after which an episode is cut short")

    def begin(self, uniform: Any) -> dict[str, Any]:
        start = uniform * 0.2 - 0.1
        return {name: start[:, at] for at, name in enumerate(NAMES)}

    def see(self, state: Any) -> Any:
        angle, bend = state["angle"], state["bend"]
        waves = [pt.cos(angle), pt.sin(angle), pt.cos(bend), pt.sin(bend)]
        return pt.stack([*waves, state["spin"], state["bend_spin"]], axis=1)

    def advance(self, state: Any, action: Any) -> tuple[dict[str, Any], Any, Any]:
        torque = pt.astype(action, "float32") - 1.0
        now = [state[name] for name in NAMES]
        first = changes(now, torque)
        second = changes(moved(now, first, SECONDS / 2), torque)
        third = changes(moved(now, second, SECONDS / 2), torque)
        fourth = changes(moved(now, third, SECONDS), torque)
        angle, bend, spin, bend_spin = (
            at + SECONDS / 6.0 * (a + 2 * b + 2 * c + d)
            for at, a, b, c, d in zip(now, first, second, third, fourth, strict=True)
        )
        after = {
            "angle": around(angle),
            "bend": around(bend),
            "spin": pt.clip(spin, -FASTEST, FASTEST),
            "bend_spin": pt.clip(bend_spin, -FASTEST_SECOND, FASTEST_SECOND),
        }
        above = -pt.cos(after["angle"]) - pt.cos(after["bend"] + after["angle"]) > 1.0
        return after, pt.where(above, 0.0, -pt.ones_like(angle)), above

    def draw(self, axes: Any) -> None:
        angle, bend = (self._state[name].numpy()[0].item() for name in ("angle", "bend"))
        middle = (math.sin(angle), -math.cos(angle))
        tip = (middle[0] + math.sin(angle + bend), middle[1] - math.cos(angle + bend))
        axes.plot([-2, 2], [1, 1], color="C2", linewidth=1)
        axes.plot([0, middle[0], tip[0]], [0, middle[1], tip[1]], color="C0", linewidth=4, marker="o", markersize=5)
        axes.set(xlim=(-2.2, 2.2), ylim=(-2.2, 2.2), aspect="equal")
        axes.axis("off")


def changes(now: Any, torque: Any) -> tuple[Any, Any, Any, Any]:
    """How fast angles and speeds change, by the equations of motion of two links (Sutton & Barto, section 11.3)."""
    angle, bend, spin, bend_spin = now
    cos, sin = pt.cos(bend), pt.sin(bend)
    near = 2 * INERTIA + 2 * CENTRE * CENTRE + 1.0 + 2 * CENTRE * cos
    between = CENTRE * CENTRE + CENTRE * cos + INERTIA
    falling = CENTRE * GRAVITY * pt.cos(angle + bend - math.pi / 2)
    whole = (
        -CENTRE * bend_spin * bend_spin * sin
        - 2 * CENTRE * bend_spin * spin * sin
        + (CENTRE + 1.0) * GRAVITY * pt.cos(angle - math.pi / 2)
        + falling
    )
    pulled = torque + between / near * whole - CENTRE * spin * spin * sin - falling
    bending = pulled / (CENTRE * CENTRE + INERTIA - between * between / near)
    return spin, bend_spin, -(between * bending + whole) / near, bending


def moved(now: Any, change: Any, seconds: float) -> list[Any]:
    return [at + seconds * by for at, by in zip(now, change, strict=True)]


def around(angle: Any) -> Any:
    """The same angle between -pi and pi."""
    return angle - 2 * math.pi * pt.floor((angle + math.pi) / (2 * math.pi))
