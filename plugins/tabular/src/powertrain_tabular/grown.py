"""Trees that have grown: LightGBM's booster, the loss after each tree, and what both say in the report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.data import DataModule
from powertrain.plugin import Section, columns_section


@dataclass(frozen=True)
class Grown:
    """What was fitted. `losses` are by part, one after each tree."""

    booster: Any
    losses: Mapping[str, Sequence[float]] = field(default_factory=dict)

    @property
    def best(self) -> int | None:
        """Where early stopping found its best; None for all trees, which a loaded booster has no more of."""
        found = int(self.booster.best_iteration)
        return found if found > 0 else None

    @property
    def trees(self) -> int:
        """As many as answer."""
        return self.best or int(self.booster.current_iteration())

    def importances(self) -> NDArray[np.float64]:
        """Each column's share of what all splits together gained; zeros where nothing was split."""
        gains = np.asarray(self.booster.feature_importance("gain", iteration=self.best), dtype=np.float64)
        return gains / gains.sum() if gains.sum() > 0 else gains


def grown_sections(state: Grown, dataset: DataModule, loss: str) -> list[Section]:
    """Which columns its splits use, and how the loss fell tree by tree."""
    made = []
    gains = state.importances()
    names = dataset.names()
    if len(names) == len(gains) and gains.any():
        label = "% of what all splits together gained"
        said = "A column that several others could stand for shares with them: little gain does not make it idle."
        made.append(columns_section("Which columns count", names, 100 * gains, label, lines=(said,)))
    if max(map(len, state.losses.values()), default=0) > 1:
        made.append(_course(state, loss))
    return made


def _course(state: Grown, loss: str) -> Section:
    ends = ", ".join(f"{part} {curve[state.trees - 1]:.4g}" for part, curve in state.losses.items())
    grown = max(map(len, state.losses.values()))
    said = f"The {loss} with all {state.trees:,} trees: {ends}."
    if state.trees < grown:
        said = f"It stopped at {grown:,} trees and answers with {state.trees:,}, where valid was best: {ends}."

    def draw(figure: Any) -> None:
        axes = figure.add_subplot()
        for part, curve in state.losses.items():
            axes.plot(range(1, len(curve) + 1), curve, label=part)
        if state.trees < grown:
            axes.axvline(state.trees, color="gray", linestyle="--", linewidth=1, label=f"answers with {state.trees:,}")
        axes.set(xlabel="trees", ylabel=loss)
        axes.grid(alpha=0.3)
        axes.legend(loc="best")
        figure.set_layout_engine("constrained")

    return Section("Loss, tree by tree", (said,), draw=draw)
