"""Which checkpoints of a run stay: the last ones, the best ones by a metric, and one at every so much training."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from powertrain.recipe.durations import Duration

if TYPE_CHECKING:
    from powertrain.recipe.sections import Keep

Metas = Mapping[int, Mapping[str, Any]]  # what the headers of checkpoints say, by their numbers


@dataclass(frozen=True)
class Policy:
    """A checkpoint stays if one of these wants it.

    last    so many of the newest
    best    so many of those with the best values of the metric `by`; of two that are equal, the earlier one is better
    lower   whether lower values of it are better; None: as the checkpoints say
    every   the first one after each multiple of it
    """

    last: int = 2
    best: int = 0
    by: str = ""
    lower: bool | None = None
    every: Duration | None = None

    @classmethod
    def of(cls, keep: Keep | None) -> Policy:
        """That of a recipe."""
        if keep is None:
            return cls()
        lower = {"min": True, "max": False, "auto": None}[keep.mode]
        return cls(keep.last, keep.best, keep.by, lower, keep.every)

    def kept(self, metas: Metas) -> set[int]:
        """The numbers of those that stay."""
        return {number for numbers in self._wanted(metas).values() for number in numbers}

    def wants(self, number: int, metas: Metas) -> bool:
        """Whether one of them would stay even if it were not one of the last."""
        return not {"best", "every"}.isdisjoint(self.reasons(number, metas))

    def reasons(self, number: int, metas: Metas) -> list[str]:
        """Why one of them stays: last, best, every."""
        return [reason for reason, numbers in self._wanted(metas).items() if number in numbers]

    def _wanted(self, metas: Metas) -> dict[str, list[int]]:
        """The numbers of those that stay, by the reason."""
        return {
            "last": sorted(metas)[-self.last :],
            "best": self.ranked(metas)[: self.best],
            "every": self._marks(metas),
        }

    def ranked(self, metas: Metas) -> list[int]:
        """Those that were evaluated by the metric, the best first."""
        values = {number: meta.get("values", {}).get(self.by, math.nan) for number, meta in metas.items()}
        known = [number for number, value in values.items() if math.isfinite(value)]
        lower = any(self.by in meta.get("lower", ()) for meta in metas.values()) if self.lower is None else self.lower
        return sorted(known, key=lambda number: (values[number] if lower else -values[number], number))

    def _marks(self, metas: Metas) -> list[int]:
        if self.every is None:
            return []
        found: list[int] = []
        passed = 0
        for number in sorted(metas):
            marks = metas[number].get("progress", {}).get(self.every.unit, 0) // self.every.amount
            if marks > passed:
                found.append(number)
                passed = marks
        return found
