"""What quantile regression says of a part: how often targets lie below each quantile, and intervals with what came."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import evenly_spaced
from powertrain.plugin import Section

Floats = NDArray[np.float64]
MOST_POINTS = 200  # rows that the report draws


def pinball(said: Floats, came: Floats, levels: Sequence[float]) -> float:
    """The mean pinball loss over rows and levels."""
    wanted = np.asarray(levels, np.float64)
    miss = came[:, None] - said
    return float(np.maximum(wanted * miss, (wanted - 1) * miss).mean())


def quantile_section(levels: Sequence[float], said: Floats, came: Floats, part: str, unit: str) -> Section:
    """How often targets lie below each quantile, and the intervals of some rows with what came."""
    below = (came[:, None] <= said).mean(axis=0)
    rows = [("level", "targets below it"), *((f"{a:g}", f"{b:.3f}") for a, b in zip(levels, below, strict=True))]
    inside = float(((came >= said[:, 0]) & (came <= said[:, -1])).mean())
    doubt = 2 * float(np.sqrt(inside * (1 - inside) / len(came)))
    line = (
        f"Of {len(came):,} examples of {part}, {inside:.1%} lie between the levels {levels[0]:g} and {levels[-1]:g} "
        f"(± {doubt:.1%}); {levels[-1] - levels[0]:.0%} should."
    )
    middle = len(levels) // 2
    chosen = evenly_spaced(len(came), MOST_POINTS)
    order = chosen[np.argsort(said[chosen, middle], kind="stable")]

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        at = np.arange(len(order))
        axes.fill_between(at, said[order, 0], said[order, -1], alpha=0.3, label=f"{levels[0]:g} to {levels[-1]:g}")
        axes.plot(at, said[order, middle], label=f"{levels[middle]:g}")
        axes.plot(at, came[order], ".", color="black", markersize=3, label="what came")
        axes.set(xlabel=f"examples of {part}, by the quantile {levels[middle]:g}", ylabel=unit or "target")
        axes.legend(loc="best")

    return Section("Quantiles", (line,), tuple(rows), draw)
