"""How far the features of the last windows were from their reference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from powertrain.monitor.comparison import Row

MOST_WINDOWS = 1000


class History:
    """The PSI of each feature in the last windows. All of its memory is taken at once: a server that compares a window
    a second would grow for a quarter of an hour otherwise."""

    def __init__(self, names: Iterable[str], most: int = MOST_WINDOWS) -> None:
        self._columns = {name: at for at, name in enumerate(dict.fromkeys(names))}
        self._psi = np.full((most, len(self._columns)), np.nan, np.float32)
        self._examples = np.zeros(most, np.int64)
        self._added = 0

    def __len__(self) -> int:
        return min(self._added, len(self._examples))

    def add(self, examples: int, rows: Iterable[Row]) -> None:
        """Add a window that ends after so many examples, by the rows of its comparison."""
        at = self._added % len(self._examples)
        self._psi[at] = np.nan
        for row in rows:
            if row.psi == row.psi:
                self._psi[at, self._columns[row.name]] = row.psi
        self._examples[at] = examples
        self._added += 1

    def points(self, name: str) -> list[tuple[int, float]]:
        """The windows in which a feature was compared, the oldest first: (examples, PSI)."""
        order = np.arange(self._added - len(self), self._added) % len(self._examples)
        values = self._psi[order, self._columns[name]]
        known = ~np.isnan(values)
        return list(zip(self._examples[order[known]].tolist(), values[known].tolist(), strict=True))
