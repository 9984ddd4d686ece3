"""Examples as small curves in a page: numbers that follow each other, such as those of a sensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.train.report.markup import Html, html, joined
from powertrain.train.report.pictures import captioned

LEAST, MOST = 16, 200  # numbers of a curve; of longer ones the means of pieces are shown
MOST_CHANNELS = 3
ALIKE = 0.5  # the correlation of numbers and those behind them, from which on they are a curve
WIDTH, HEIGHT, MARGIN = 120.0, 60.0, 2.0


def are_signals(x: NDArray[Any]) -> bool:
    """Whether examples, [examples, time] or [examples, time, channels], are numbers that follow each other: most have
    neighbours that are like them, which the numbers of a table have not.

    >>> time = np.linspace(0, 6, 40)
    >>> are_signals(np.sin([time, time + 1])), are_signals(np.random.default_rng(0).normal(size=(9, 40)))
    (True, False)
    """
    if x.ndim not in (2, 3) or x.dtype.kind not in "fiu" or x.shape[1] < LEAST or not len(x):
        return False
    if x.ndim == 3 and x.shape[2] > MOST_CHANNELS:
        return False
    values = np.nan_to_num(x.reshape(*x.shape[:2], -1).astype(np.float64), posinf=0, neginf=0)
    values = values - values.mean(axis=1, keepdims=True)
    spread = (values**2).sum(axis=1)
    along = (values[:, 1:] * values[:, :-1]).sum(axis=1)
    known = spread > 0
    return bool(known.any() and np.median(along[known] / spread[known]) > ALIKE)


def signals(x: NDArray[Any], titles: Sequence[str], kind: str, names: Sequence[str] = ()) -> Html:
    """Curves with a title each, as many in a row as there is room for, all on one scale. `kind` says what they are, in
    the singular, and `names` are those of their files."""
    values = np.nan_to_num(_shorter(x.reshape(*x.shape[:2], -1).astype(np.float64)), posinf=0, neginf=0)
    low, high = float(values.min()), float(values.max())
    places = HEIGHT - MARGIN - (values - low) * ((HEIGHT - 2 * MARGIN) / max(high - low, 1e-12))
    shown = zip(places, titles, names or [""] * len(titles), strict=True)
    return html(
        '<div class="pictures">{}</div>',
        joined(captioned(_curve(one, kind), title, name) for one, title, name in shown),
    )


def _shorter(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """The means of as many neighbours as make a curve short enough."""
    by = -(-values.shape[1] // MOST)
    whole = values.shape[1] // by * by
    return np.asarray(values[:, :whole].reshape(len(values), -1, by, values.shape[2]).mean(axis=2))


def _curve(places: NDArray[np.float64], kind: str) -> Html:
    across = np.linspace(MARGIN, WIDTH - MARGIN, len(places))
    lines = [" ".join(f"{x:.1f},{y:.1f}" for x, y in zip(across, one, strict=True)) for one in places.T]
    drawn = joined(html('<polyline class="channel{}" points="{}"/>', str(at), line) for at, line in enumerate(lines))
    box = f"0 0 {WIDTH:g} {HEIGHT:g}"
    return html('<svg class="curve" role="img" aria-label="{}" viewBox="{}">{}</svg>', kind, box, drawn)
