"""A line search for the strong Wolfe conditions: enough descent, and a slope that has become flatter.

Bracketing and zooming with cubic interpolation, step by step as in PyTorch and its ancestor minFunc (Nocedal and Wright
2006, algorithms 3.5 and 3.6).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import powertrain as pt

_DESCENT, _FLATTER = 1e-4, 0.9


@dataclass
class Point:
    """A place on the line: how far, the loss, the gradient, and the slope along the line."""

    t: float
    loss: float
    g: pt.Tensor
    slope: float


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through both points with their slopes is least, within the bounds."""
    low, high = bounds or (min(a.t, b.t), max(a.t, b.t))
    d1 = a.slope + b.slope - 3 * (a.loss - b.loss) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (low + high) / 2
    root = math.sqrt(square)
    left, right = (a, b) if a.t <= b.t else (b, a)
    below = right.slope - left.slope + 2 * root
    if below == 0:
        return (low + high) / 2
    place = right.t - (right.t - left.t) * ((right.slope + root - d1) / below)
    return min(max(place, low), high)


def descends(start: Point, now: Point) -> bool:
    return now.loss <= start.loss + _DESCENT * now.t * start.slope


def flattens(start: Point, now: Point) -> bool:
    return abs(now.slope) <= -_FLATTER * start.slope


def strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, size: float, tolerance: float, most: int
) -> tuple[Point, int]:
    """A point that meets the conditions, or the best that `most` trials found; and how many there were."""
    before, now, calls, tries = start, at(t), 1, 0
    bracket: list[Point] = []
    while tries < most:
        if not descends(start, now) or (tries > 1 and now.loss >= before.loss):
            bracket = [before, now]
            break
        if flattens(start, now):
            return now, calls
        if now.slope >= 0:
            bracket = [before, now]
            break
        reach = (now.t + 0.01 * (now.t - before.t), now.t * 10)
        before, t = now, cubic_minimum(before, now, reach)
        now, calls, tries = at(t), calls + 1, tries + 1
    return _zoom(at, start, bracket or [start, now], size, tolerance, most, (calls, tries))


def _zoom(
    at: Callable[[float], Point],
    start: Point,
    bracket: list[Point],
    size: float,
    tolerance: float,
    most: int,
    counts: tuple[int, int],
) -> tuple[Point, int]:
    """Between two points of which one is good and the other bounds it."""
    calls, tries = counts
    stuck = False
    low = 0 if bracket[0].loss <= bracket[1].loss else 1
    while tries < most and abs(bracket[1].t - bracket[0].t) * size >= tolerance:
        t = cubic_minimum(bracket[0], bracket[1])
        first, last = min(point.t for point in bracket), max(point.t for point in bracket)
        margin = 0.1 * (last - first)
        if min(last - t, t - first) < margin:
            if stuck or t >= last or t <= first:
                # A tenth away from the end that is nearer.
                t = last - margin if abs(t - last) < abs(t - first) else first + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        now, calls, tries = at(t), calls + 1, tries + 1
        if not descends(start, now) or now.loss >= bracket[low].loss:
            bracket[1 - low] = now
            low = 0 if bracket[0].loss <= bracket[1].loss else 1
            continue
        if flattens(start, now):
            return now, calls
        if now.slope * (bracket[1 - low].t - bracket[low].t) >= 0:
            bracket[1 - low] = bracket[low]
        bracket[low] = now
    return bracket[low], calls
