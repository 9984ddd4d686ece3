"""From samples to figures: medians, what counts when the machine is shared, and how sure a ratio is."""

from __future__ import annotations

import dataclasses
import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.cli.bench.intervals import RESAMPLES, middle
from race.caches import CHANGED

# Turns in which other programs used more than this much of a core do not count, while enough others do.
QUIET_CORES = 0.15
LEAST_QUIET_TURNS = 3


@dataclass
class Turn:
    """Samples that a framework took while the others waited."""

    samples: list[float]  # milliseconds for one step
    others: float | None  # cores that other programs used meanwhile
    state: str = ""  # of the caches meanwhile, as race.caches tells it


@dataclass
class Entry:
    """What one framework did on one task."""

    framework: str
    version: str = ""
    first_step_s: float = 0.0
    losses: list[float] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    peak_mib: float = 0.0
    loss_error: float | None = None
    wrong: bool = False  # its losses are not those of the work
    note: str = ""  # why it has no figures, or few

    def counted(self) -> list[Turn]:
        quiet = [turn for turn in self.turns if turn.others is None or turn.others <= QUIET_CORES]
        return quiet if len(quiet) >= LEAST_QUIET_TURNS else self.turns

    @property
    def busy(self) -> bool:
        """Whether turns count in which the machine was not quiet."""
        return any(turn.others is not None and turn.others > QUIET_CORES for turn in self.counted())

    @property
    def samples(self) -> list[float]:
        return [sample for turn in self.counted() for sample in turn.samples]

    @property
    def median(self) -> float:
        return statistics.median(self.samples)

    @property
    def least(self) -> float:
        return min(self.samples)

    @property
    def spread(self) -> float:
        """The middle half of the samples, as a share of the median."""
        low, high = np.percentile(self.samples, [25, 75])
        return float(high - low) / self.median

    def medians(self) -> list[float]:
        return [statistics.median(turn.samples) for turn in self.turns]

    def as_json(self) -> dict[str, Any]:
        found: dict[str, Any] = {"framework": self.framework, "version": self.version, "note": self.note}
        if self.turns:
            found |= {
                "median_ms": self.median,
                "min_ms": self.least,
                "spread": self.spread,
                "turns_ms": self.medians(),
                "others_cores": [turn.others for turn in self.turns],
                "states": [turn.state for turn in self.turns],
                "busy": self.busy,
                "first_step_s": self.first_step_s,
                "peak_mib": self.peak_mib,
                "losses": self.losses,
                "loss_error": self.loss_error,
                "wrong": self.wrong,
            }
        return found


def interval(ours: Sequence[Turn], theirs: Sequence[Turn]) -> tuple[float, float]:
    """Between which values the ratio of the medians of all samples lies with 95 % confidence. Turns are drawn, since
    those of one turn are alike."""
    if min(len(ours), len(theirs)) < 2:
        return math.nan, math.nan
    rng = np.random.default_rng(0)
    return middle(_resampled(theirs, rng) / _resampled(ours, rng))


def _resampled(turns: Sequence[Turn], rng: np.random.Generator) -> NDArray[np.float64]:
    samples = [np.asarray(turn.samples) for turn in turns]
    drawn = rng.integers(0, len(turns), (RESAMPLES, len(turns)))
    return np.array([np.median(np.concatenate([samples[at] for at in row])) for row in drawn])


@dataclass
class Result:
    """All frameworks on one task; the first entry is Powertrain's."""

    task: str
    entries: list[Entry]
    peak_share: float | None = None  # of the multiply-adds measured in the same run
    copy_share: float | None = None  # of the copy measured in the same run

    @property
    def ours(self) -> Entry:
        return self.entries[0]

    @property
    def best(self) -> Entry | None:
        """The quickest peer that does the work."""
        peers = [entry for entry in self.entries[1:] if entry.turns and not entry.wrong]
        return min(peers, key=lambda entry: entry.median, default=None)

    @property
    def ratio(self) -> float | None:
        best = self.best
        return best.median / self.ours.median if best is not None and self.ours.turns else None

    def interval(self) -> tuple[float, float]:
        best = self.best
        if best is None or not self.ours.turns:
            return math.nan, math.nan
        return interval(self.ours.counted(), best.counted())

    @property
    def state(self) -> str:
        """Of the caches, while Powertrain had its turns; nothing where it is unknown."""
        found = {turn.state for turn in self.ours.turns}
        return found.pop() if len(found) == 1 else CHANGED if found else ""

    def by_state(self) -> list[Result]:
        """One result for each state that Powertrain's turns were in, with the turns that were in it. Turns in which it
        changed belong to none; where there are no others, all turns are one result."""
        known = sorted({turn.state for turn in self.ours.turns} - {CHANGED})
        if not known or {turn.state for entry in self.entries for turn in entry.turns} == set(known[:1]):
            return [self]
        return [self._in_state(state) for state in known]

    def _in_state(self, state: str) -> Result:
        entries = []
        for entry in self.entries:
            turns = [turn for turn in entry.turns if turn.state == state]
            note = entry.note or ("" if turns else f"no turn while the caches were {state}")
            entries.append(dataclasses.replace(entry, turns=turns, note=note))
        return Result(self.task, entries)

    @property
    def verdict(self) -> str:
        """Powertrain beside its best peer: one of the two if the whole interval says so."""
        low, high = self.interval()
        return "" if self.ratio is None else "faster" if low > 1 else "slower" if high < 1 else "unclear"

    def as_json(self) -> dict[str, Any]:
        low, high = self.interval()
        return {
            "task": self.task,
            "state": self.state,
            "verdict": self.verdict,
            "best_peer": self.best.framework if self.best else None,
            "ratio": self.ratio,
            "ratio_low": None if math.isnan(low) else low,
            "ratio_high": None if math.isnan(high) else high,
            "peak_share": self.peak_share,
            "copy_share": self.copy_share,
            "entries": [entry.as_json() for entry in self.entries],
        }
