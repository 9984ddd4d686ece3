"""The way between examples and noise, a quarter of a circle: x cos(w) + noise sin(w) (Salimans and Ho 2022)."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt

QUARTER = math.pi / 2
Direction = Callable[[NDArray[np.float32], NDArray[np.float32]], Any]


def placed(x: Any, noise: Any, when: Any) -> tuple[Any, Any]:
    """The places of examples on their way, `when` from 0 to 1, and the direction of the way there, as rows."""
    over = (-1, *[1] * (len(x.shape) - 1))
    cos, sin = (pt.reshape(turn(QUARTER * when), over) for turn in (pt.cos, pt.sin))
    return x * cos + noise * sin, pt.reshape(noise * cos - x * sin, (x.shape[0], -1))


def walked(direction: Direction, x: Any, steps: int, noise: float, rng: Any, bound: float = 1.0) -> Any:
    """From noise back to examples, whose numbers are from -bound to bound: DDIM (Song et al. 2021) where no step adds
    noise, DDPM (Ho et al. 2020) with noise 1. `direction(x, when)` is what the network says."""
    for angle, following in itertools.pairwise((np.linspace(1, 0, steps + 1) * QUARTER).tolist()):
        said = np.asarray(direction(x, np.full(len(x), angle / QUARTER, np.float32)), np.float32).reshape(x.shape)
        clean = np.clip(math.cos(angle) * x - math.sin(angle) * said, -bound, bound)
        left = math.sin(angle) * x + math.cos(angle) * said
        ratio = math.cos(angle) / math.cos(following)
        fresh = noise * math.sin(following) / math.sin(angle) * math.sqrt(max(0.0, 1 - ratio * ratio))
        x = math.cos(following) * clean + math.sqrt(max(0.0, math.sin(following) ** 2 - fresh**2)) * left
        if fresh > 0:
            x = x + fresh * rng.normal(size=tuple(x.shape)).numpy()
        x = x.astype(np.float32)
    return x
