"""L-BFGS (Nocedal & Wright 2006, algorithm 7.4) with a preconditioner, for smooth convex functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Function = Callable[[Floats], tuple[float, Floats]]

MEMORY = 10
# Armijo's condition: a step must gain this share of what the slope promises.
GAIN = 1e-4
HALVINGS = 30


@dataclass
class Minimum:
    """Where it ended: `slope` is the largest element of the gradient."""

    point: Floats
    value: float
    slope: float
    iterations: int
    converged: bool


def minimize(
    function: Function,
    start: Floats,
    *,
    precondition: Callable[[Floats], Floats] | None = None,
    tol: float,
    max_iter: int,
    rounding: float = 1e-15,
) -> Minimum:
    """Minimize a function that gives (value, gradient) until no element of the gradient is above `tol`.

    `precondition` multiplies by an inverse Hessian, as far as one is known; `rounding` is the relative error of the
    function's values, below which a step cannot be told from none.
    """
    point = start.copy()
    value, gradient = function(point)
    steps: list[Floats] = []
    changes: list[Floats] = []
    slope = _largest(gradient)
    for iteration in range(max_iter):
        if slope <= tol:
            return Minimum(point, value, slope, iteration, True)
        direction = -_multiply(gradient, steps, changes, precondition)
        promised = float(direction @ gradient)
        if not promised < 0:  # rounding has spoilt the memory
            steps, changes = [], []
            direction = -(precondition(gradient) if precondition else gradient)
            promised = float(direction @ gradient)
        length = 1.0 if steps or precondition else min(1.0, 1.0 / max(float(np.abs(gradient).sum()), 1e-300))
        found = _search(function, point, value, direction, promised, length, rounding)
        if found is None:
            return Minimum(point, value, slope, iteration, False)
        new_point, new_value, new_gradient = found
        step, change = new_point - point, new_gradient - gradient
        if float(step @ change) > 1e-14 * float(change @ change):
            steps, changes = [*steps[1 - MEMORY :], step], [*changes[1 - MEMORY :], change]
        point, value, gradient = new_point, new_value, new_gradient
        slope = _largest(gradient)
    return Minimum(point, value, slope, max_iter, slope <= tol)


def _largest(gradient: Floats) -> float:
    return float(np.abs(gradient).max(initial=0.0))


def _multiply(
    gradient: Floats,
    steps: list[Floats],
    changes: list[Floats],
    precondition: Callable[[Floats], Floats] | None,
) -> Floats:
    """The two loops: the inverse Hessian that the last steps tell of, times the gradient."""
    out = gradient.copy()
    shares = []
    for step, change in zip(reversed(steps), reversed(changes), strict=True):
        share = float(step @ out) / float(step @ change)
        shares.append(share)
        out -= share * change
    made = precondition(out) if precondition else out
    if steps:
        last = changes[-1]
        scaled = precondition(last) if precondition else last
        made = made * (float(steps[-1] @ last) / float(last @ scaled))
    for step, change, share in zip(steps, changes, reversed(shares), strict=True):
        made = made + (share - float(change @ made) / float(step @ change)) * step
    return made


def _search(
    function: Function,
    point: Floats,
    value: float,
    direction: Floats,
    promised: float,
    length: float,
    rounding: float,
) -> tuple[Floats, float, Floats] | None:
    """The first step that gains enough, shortened by the parabola through what is known; None where none does."""
    allowed = rounding * max(abs(value), 1e-300)
    for _ in range(HALVINGS):
        candidate = point + length * direction
        found, gradient = function(candidate)
        if found <= value + GAIN * length * promised + allowed:
            return candidate, found, gradient
        parabola = -promised * length * length / (2 * (found - value - promised * length))
        length = float(np.clip(parabola, 0.1 * length, 0.5 * length)) if np.isfinite(found) else 0.1 * length
    return None
