"""What a monitor finds and what it lets be, on real data: each planted drift, and streams that nothing happened to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import powertrain as pt
from powertrain.builtin.data import Digits
from powertrain.monitor import Monitor, Profile

REFERENCE, WINDOW = 1000, 500
Drift = Callable[[np.ndarray, np.ndarray, np.random.Generator], np.ndarray]


def pictures() -> tuple[np.ndarray, np.ndarray]:
    made = Digits.build(Digits.Params(), None)  # type: ignore[call-arg, arg-type]
    fields = made.train.fetch(np.arange(len(made.train)))
    return fields["x"].astype(np.float64).reshape(len(fields["x"]), -1), fields["y"]


def column(at: int, change: Callable[[np.ndarray, np.random.Generator], np.ndarray]) -> Drift:
    def drift(x: np.ndarray, y: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        x = x.copy()
        x[:, at] = change(x[:, at], generator)
        return x

    return drift


def chosen(rows: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Drift:
    """A stream in which some examples are rarer: half of those that `rows` marks are others instead."""

    def drift(x: np.ndarray, y: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        marked = rows(x, y)
        swapped = marked & (generator.random(len(x)) < 0.8)
        x = x.copy()
        x[swapped] = x[generator.choice(np.flatnonzero(~marked), int(swapped.sum()))]
        return x

    return drift


def square(x: np.ndarray) -> np.ndarray:
    return x.reshape(len(x), 8, 8)


DRIFTS: dict[str, Drift] = {
    "one pixel is brighter": column(20, lambda v, g: v + 3),
    "one pixel is darker": column(35, lambda v, g: v * 0.6),
    "one pixel is noisy": column(42, lambda v, g: v + g.normal(0, 4, len(v))),
    "one pixel is stuck": column(28, lambda v, g: np.full(len(v), 8.0)),
    "one pixel is stuck for a third": column(28, lambda v, g: np.where(g.random(len(v)) < 0.35, 0, v)),
    "one pixel is missing at times": column(10, lambda v, g: np.where(g.random(len(v)) < 0.05, np.nan, v)),
    "one pixel is inverted": column(21, lambda v, g: 16 - v),
    "one pixel is clipped": column(36, lambda v, g: np.minimum(v, 8)),
    "one pixel has another unit": column(44, lambda v, g: v / 16),
    "a spike in one of fifty": column(30, lambda v, g: np.where(g.random(len(v)) < 0.04, 200.0, v)),
    "all is brighter": lambda x, y, g: x + 2,
    "all is fainter": lambda x, y, g: x * 0.8,
    "noise on all": lambda x, y, g: x + g.normal(0, 1, x.shape),
    "mirrored": lambda x, y, g: square(x)[:, :, ::-1].reshape(len(x), -1),
    "turned": lambda x, y, g: np.rot90(square(x), axes=(1, 2)).reshape(len(x), -1),
    "moved by one pixel": lambda x, y, g: np.roll(square(x), 1, axis=2).reshape(len(x), -1),
    "rounded to four levels": lambda x, y, g: np.round(x / 5) * 5,
    "two columns exchanged": lambda x, y, g: square(x)[:, :, [0, 1, 3, 2, 4, 5, 6, 7]].reshape(len(x), -1),
    "the first five digits are rare": chosen(lambda x, y: y < 5),
    "faint pictures are rare": chosen(lambda x, y: x.mean(axis=1) < np.median(x.mean(axis=1))),
}


def stream(seed: int) -> tuple[Profile, np.ndarray, np.ndarray, np.random.Generator]:
    """A profile of a thousand pictures, and five hundred others."""
    x, y = pictures()
    generator = np.random.default_rng(seed)
    order = generator.permutation(len(x))
    kept, rest = order[:REFERENCE], order[REFERENCE : REFERENCE + WINDOW]
    return Profile.of(square(x[kept])), x[rest], y[rest], generator


def alarms(profile: Profile, x: np.ndarray) -> list[Any]:
    return Monitor(profile, window=WINDOW).observe(square(x))


@pytest.mark.parametrize("seed", [0, 1])
def test_every_planted_drift_is_found(seed: int) -> None:
    assert len(DRIFTS) == 20
    missed = []
    for at, (name, drift) in enumerate(DRIFTS.items()):
        profile, x, y, generator = stream(100 * seed + at)
        if not alarms(profile, drift(x, y, generator)):
            missed.append(name)
    assert missed == []


@pytest.mark.parametrize("first", [0, 20, 40])
def test_at_most_one_of_twenty_quiet_streams_raises_an_alarm(first: int) -> None:
    loud = []
    for seed in range(first, first + 20):
        profile, x, _, _ = stream(1000 + seed)
        if events := alarms(profile, x):
            loud.append((seed, [event.text() for event in events]))
    assert len(loud) <= 1, loud


def test_a_larger_psi_limit_is_quieter() -> None:
    """The drifts are found because of what they change, not since everything is an alarm."""
    profile, x, y, generator = stream(0)
    changed = DRIFTS["one pixel is brighter"](x, y, generator)
    monitor = Monitor(profile, window=WINDOW, limits=pt.monitor.Limits(psi=50.0, share=2.0))
    assert monitor.observe(square(changed)) == []
    monitor = Monitor(profile, window=WINDOW)
    monitor.observe(square(changed))
    assert [row.name for row in monitor.rows if "drift" in row.problems] == ["x20", "x largest"]
