"""From some measured rounds to the whole run: how many there will be, and what they take together."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from powertrain.train.folder.saving import SAVE_SHARE
from powertrain.train.report.energy import Usage

if TYPE_CHECKING:
    from powertrain.plugin.run import StepFunction
    from powertrain.train.planning.stepping import Looped
    from powertrain.train.run.schedule_horizon import Horizon

IN_STEPS = ("steps", "examples", "tokens")  # counters that grow by the steps of loops


@dataclass(frozen=True)
class Round:
    """One round with its commit, without evaluations and checkpoints in it."""

    usage: Usage
    in_loops: float  # seconds
    wanted: Mapping[StepFunction, int]  # steps that the strategy wanted
    ran: int  # and how many of them were made
    gained: Mapping[str, int]  # by which each counter of the progress grew
    traced: bool  # whether anything was traced for the first time

    @property
    def steps(self) -> int:
        return sum(self.wanted.values())

    def whole(self, looped: Mapping[StepFunction, Looped]) -> Usage:
        """What it would have taken with all of its steps."""
        if self.ran == self.steps and not self.traced:
            return self.usage
        seconds = self.usage.seconds - self.in_loops
        seconds += sum(count * looped[step].mean for step, count in self.wanted.items())
        return self.usage * (seconds / max(self.usage.seconds, 1e-9))

    def grown(self, name: str) -> float:
        """By how much a counter would have grown."""
        scale = self.steps / self.ran if self.ran and name in IN_STEPS else 1.0
        return scale * (1 if name == "rounds" else self.gained[name])


@dataclass(frozen=True)
class Extent:
    """How long a run is: its rounds and counters at the end, what all of its rounds take, and what the first ones take
    more than others."""

    rounds: float
    steps: int
    each: Usage  # one round
    first: float  # seconds more
    amounts: Mapping[str, float]

    @property
    def training(self) -> Usage:
        """All rounds."""
        return self.each * max(0.0, self.rounds + self.first / max(self.each.seconds, 1e-9))


def extent(rounds: Sequence[Round], looped: Mapping[StepFunction, Looped], horizon: Horizon, over: bool) -> Extent:
    """Of measured rounds and steps. `over`: they were the whole run."""
    exact = over and all(one.ran == one.steps for one in rounds)
    steady, others = (rounds, ()) if exact else _parted(rounds)
    each = sum((one.usage if exact else one.whole(looped) for one in steady), Usage()) * (1 / len(steady))
    grown = {name: sum(one.grown(name) for one in steady) / len(steady) for name in (*rounds[0].gained, "rounds")}
    source, until = horizon.source, horizon.until
    if source is not None and until.unit in (*IN_STEPS, "epochs"):
        count = horizon.total_steps / max(grown["steps"], 1e-9)
    else:
        count = float(math.ceil(until.amount / max(grown[until.unit], 1e-9)))
    amounts = {name: count * value for name, value in grown.items()}
    if source is not None and source.has_epochs:
        amounts["epochs"] = amounts["steps"] / len(source)
    amounts[until.unit] = until.amount
    first = 0.0 if exact else _first(steady, others, looped)
    return Extent(count, round(amounts["steps"]), each, first, amounts)


def _parted(rounds: Sequence[Round]) -> tuple[Sequence[Round], Sequence[Round]]:
    """Rounds that are like the rest of the run, and the others: in these something is traced, or a strategy fills what
    it will learn from."""
    begins = next((at for at, one in enumerate(rounds) if one.steps), 0)
    steady = [one for one in rounds[begins:] if not one.traced]
    if not steady:
        return rounds[-1:], rounds[:-1]
    return steady, [one for at, one in enumerate(rounds) if at < begins or one.traced]


def _first(steady: Sequence[Round], others: Sequence[Round], looped: Mapping[StepFunction, Looped]) -> float:
    """Seconds that the other rounds took more, for tracing; below 0 where they learned nothing yet."""
    outside = sum(one.usage.seconds - one.in_loops for one in steady) / len(steady)
    inside = sum(one.whole(looped).seconds for one in steady) / len(steady) - outside
    more = sum(one.usage.seconds - one.in_loops - outside for one in others)
    more -= sum(inside for one in others if not one.steps)
    return more + sum(seconds - one.mean for one in looped.values() for seconds in one.first)


def evaluations(extent: Extent, horizon: Horizon) -> int:
    """How many there will be: one at each mark, and at most one after each round."""
    return int(min(extent.amounts[horizon.every.unit] // horizon.every.amount, math.ceil(extent.rounds)))


def saves(extent: Extent, seconds: float, least: float, cost: float) -> int:
    """How many checkpoints are written in so many seconds: the first one after `least`, before anybody knows what one
    costs, others further apart where they cost much, and one at the end."""
    begins, apart = (max(least, extent.each.seconds, cost / share) for share in (math.inf, SAVE_SHARE))
    often = 1 + int((seconds - begins) / max(apart, 1e-9)) if seconds >= begins else 0
    return min(often + 1, math.ceil(extent.rounds))
