"""L-BFGS (Nocedal & Wright 2006, algorithm 7.4) with a preconditioner, for smooth convex functions."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from powertrain.solvers.checks import SolverError, number, whole
from powertrain.solvers.tall import Floats

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

Function = Callable[[Floats], tuple[float, Floats]]

MEMORY = 10
# Armijo's condition: a step must gain this share of what the slope promises.
GAIN = 1e-4
HALVINGS = 30


@dataclass
class Minimum:
    """Where `minimize` ended; `gradient` is the largest magnitude of an element of the gradient there.

    Example
        >>> bowl = lambda w: (float(((w - 3) ** 2).sum()), 2 * (w - 3))
        >>> [round(x, 3) for x in pt.solvers.minimize(bowl, np.zeros(2)).x.tolist()]
        [3.0, 3.0]
    """

    x: Floats
    value: float
    gradient: float
    iterations: int
    converged: bool


def minimize(
    fun: Callable[[Floats], tuple[float, Floats]],
    x0: TensorLike,
    *,
    precondition: Callable[[Floats], Floats] | None = None,
    tol: float = 1e-5,
    max_iter: int = 1000,
    rounding: float = 1e-15,
) -> Minimum:
    """Minimize a smooth function by L-BFGS, until no element of its gradient is larger than `tol`.

    fun           gives (value, gradient) of a point, an array like x0
    precondition  multiplies a gradient by an inverse Hessian, as far as one is known
    rounding      relative error of fun's values: a smaller change of the value counts as none

    Shapes    x0 [n], gradient [n] -> Minimum.x [n]
    Errors    x0 not [n], or a value or gradient at x0 that is not finite or of another shape: SolverError; of a
              point that it tries later and that is not finite, it takes a shorter step
    Source    Nocedal & Wright 2006, algorithm 7.4
    Example
        >>> end = minimize(lambda x: (float(((x - 3) ** 2).sum()), 2 * (x - 3)), np.zeros(2))
        >>> end.x.round(4).tolist(), end.converged
        ([3.0, 3.0], True)
    """
    start = np.asarray(x0)
    if start.ndim != 1 or start.size == 0 or start.dtype.kind not in "fiub":
        raise SolverError(
            f"[minimize] x0 is {start.dtype.name}{list(start.shape)}; expected numbers [n]; flatten it with ravel()"
        )
    tol, most = number("minimize", "tol", tol), whole("minimize", "max_iter", max_iter, 1)
    error = number("minimize", "rounding", rounding)
    return descend(fun, start.astype(np.float64), precondition=precondition, tol=tol, max_iter=most, rounding=error)


def descend(
    function: Function,
    start: Floats,
    *,
    precondition: Callable[[Floats], Floats] | None,
    tol: float,
    max_iter: int,
    rounding: float,
) -> Minimum:
    """`minimize` for settings that are known to be right."""
    point = start.copy()
    value, gradient = _first(function, point)
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


def _first(function: Function, point: Floats) -> tuple[float, Floats]:
    """The value and gradient at the start."""
    made = function(point.copy())
    value, gradient = made if isinstance(made, tuple) and len(made) == 2 else (made, None)
    slopes = np.asarray(gradient)
    if slopes.shape != point.shape or slopes.dtype.kind not in "fiub" or np.ndim(value) != 0:
        raise SolverError(
            f"[minimize] fun(x0) gave a gradient {slopes.dtype.name}{list(slopes.shape)}; expected (value, gradient): "
            f"a number, and numbers {list(point.shape)}; return both, for example by pt.value_and_grad"
        )
    value, slopes = float(value), slopes.astype(np.float64)
    if not (np.isfinite(value) and np.isfinite(slopes).all()):
        raise SolverError(
            f"[minimize] fun(x0) = {value:g}, its gradient from {slopes.min():g} to {slopes.max():g}; expected finite "
            "numbers; begin where fun is finite"
        )
    return value, slopes


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
