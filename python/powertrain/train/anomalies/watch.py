"""What a run does about anomalies: after each round, before anything is evaluated or saved."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain.train.anomalies.dead_units import DeadUnits
from powertrain.train.anomalies.gradients import NormsLook, odd_layers
from powertrain.train.anomalies.losses import ODD_GRADIENT, ODD_LOSS, SPIKE, OddLoss, RecentLosses
from powertrain.train.folder.run_folder import RunError
from powertrain.train.preflight import demand_own_steps
from powertrain.train.run.progress import Count

if TYPE_CHECKING:
    from powertrain.recipe.sections import Anomalies
    from powertrain.train.run.train_run import TrainRun

# What may be done, the strongest last: of several anomalies in one round it counts.
POLICIES = ("warn", "skip", "roll_back", "stop")
KINDS = {SPIKE: "loss spike", ODD_GRADIENT: "not finite", ODD_LOSS: "not finite"}


@dataclass(frozen=True)
class Anomaly:
    """What went wrong, at which step, and the policy for it."""

    kind: str
    step: int
    what: str
    policy: str

    def line(self) -> str:
        return f"{self.kind} at step {self.step:,}: {self.what}"


class Watch:
    """Looks for anomalies in a run, and does what its recipe says. What it remembers of losses and roll-backs is slots
    of the run, so that a resume sees and does the same; each process reports a layer once."""

    def __init__(self, run: TrainRun) -> None:
        self.run, self.settings = run, run.recipe.run.anomalies
        self.losses: dict[str, RecentLosses] = {}  # by the names of optimizers
        self.roll_backs = Count()
        self.stopped = False  # whether an anomaly ended the run
        self._held: dict[str, pt.Tensor] = {}  # what was learned at the last good commit, where that may be wanted
        self._seen: list[Anomaly] = []  # in layers, since anything was done about such
        self._told: set[tuple[str, str]] = set()  # kinds and layers
        self._dead: DeadUnits | None = None
        self._steps = 0  # at the last commit
        self._calls: dict[str, int] = {}

    def prepare(self) -> None:
        """Name the slots, once the optimizers are there and before a checkpoint is taken up."""
        table = self.run.table
        if self.settings is None:
            return
        demand_own_steps(self.run, "run.anomalies")
        if self.settings.dead_units != "off" and "valid" not in self.run.dataset.splits:
            raise RunError(
                "[run.anomalies.dead_units] the data has no valid part, for whose examples units are dead; expected "
                "one; for example split = { valid = 0.1 }"
            )
        for optimizer in table.optimizers.values():
            self.losses[optimizer.name] = recent = RecentLosses(self.settings, optimizer.name)
            table.named.update({slot.name: slot for slot in recent.slots})
        table.host["anomalies.roll_backs"] = self.roll_backs

    def hold(self) -> None:
        """Take this commit for a good one."""
        self._steps = self.run.progress.steps
        self._calls = {name: recent.calls for name, recent in self.losses.items()}
        if self.settings and "roll_back" in (self.settings.spike, self.settings.not_finite):
            self._held = {name: slot.value for name, slot in self._learned().items()}

    def _learned(self) -> Mapping[str, Any]:
        """What a roll-back sets back. Where the run stands in its data and its random numbers is not among it: so the
        batches that went wrong are passed over."""
        slots = self.run.table.engine_slots()
        return {name: slot for name, slot in slots.items() if name != "random" and not name.startswith("data.")}

    @property
    def looks(self) -> bool:
        """Whether the gradients of some steps are looked at."""
        return self.settings is not None and self.settings.gradients != "off"

    def looks_into(self, step: int) -> bool:
        """Whether those of this step are."""
        return self.settings is not None and self.looks and step % self.settings.every == 0

    def look(self) -> NormsLook:
        return NormsLook()

    def looked(self, step: int, look: NormsLook, found: pt.Tensor) -> None:
        """Take in the norms of a step; each layer is reported once."""
        assert self.settings is not None
        for one in odd_layers(look.named(found), self.settings):
            self._tell_once(Anomaly(one.kind, step, one.words, self.settings.gradients), one.layer)

    def evaluated(self) -> None:
        """Count the dead units, after an evaluation."""
        settings, run = self.settings, self.run
        if settings is None or settings.dead_units == "off":
            return
        self._dead = self._dead or DeadUnits(run)
        for layer, (dead, units) in self._dead.count("valid", run.recipe.evaluate.most).items():
            if dead >= settings.dead_share * units:
                what = f"{dead:,} of {units:,} units of {layer} are zero for every example of valid"
                self._tell_once(Anomaly("dead units", run.progress.steps, what, settings.dead_units), layer)
        self._handle(settings, self._seen)

    def _tell_once(self, anomaly: Anomaly, layer: str) -> None:
        if (anomaly.kind, layer) not in self._told:
            self._told.add((anomaly.kind, layer))
            self._seen.append(anomaly)

    def after_round(self) -> None:
        """Look at what the round brought, and act."""
        if self.settings is None:
            return
        found = [one for name, recent in self.losses.items() for one in self._taken(self.settings, name, recent)]
        self._handle(self.settings, found + self._seen)

    def _handle(self, settings: Anomalies, found: list[Anomaly]) -> None:
        self._seen = []
        if not found:
            return
        worst = max(found, key=lambda one: POLICIES.index(one.policy))
        done = self._act(settings, worst)
        for one in found:
            self.run.record("anomaly", kind=one.kind, at=one.step, what=one.what, done=done[one.policy])
        more = f" ({len(found) - 1} more in this round)" if len(found) > 1 else ""
        self.run.display.warn("anomaly: " + "; ".join(filter(None, (worst.line() + more, done[worst.policy]))))

    def _act(self, settings: Anomalies, worst: Anomaly) -> dict[str, str]:
        """Do what the worst anomaly of a round asks for; what is done about those of each policy, in words."""
        done = {"warn": "", "skip": "its update is left out", "stop": "the run ends"}
        if worst.policy == "roll_back" and self.roll_backs.value < settings.roll_backs:
            return {**done, "roll_back": self._roll_back(settings)}
        if worst.policy in ("roll_back", "stop"):
            self.stopped = True
            self.run.request_stop(worst.line())
        return {**done, "roll_back": f"the run ends, since it was rolled back {self.roll_backs.value} times before"}

    def _taken(self, settings: Anomalies, name: str, recent: RecentLosses) -> list[Anomaly]:
        """The anomalies of one optimizer's losses, each with its step: where a step calls `minimize` once, as is usual,
        by counting."""
        before = self._calls[name]
        steps, calls = self.run.progress.steps - self._steps, max(1, recent.calls - before)
        whose = f", of {name}" if len(self.losses) > 1 else ""
        return [
            Anomaly(
                KINDS[one.kind],
                self._steps - (before - one.call) * steps // calls,  # rounded up
                one.words() + whose,
                _policy(settings, one),
            )
            for one in recent.take()
        ]

    def _roll_back(self, settings: Anomalies) -> str:
        """Return to the last good commit, with a lower rate; what was done, in words."""
        for name, slot in self._learned().items():
            # Means are the only slots that a first step makes.
            slot.value = self._held[name] if name in self._held else pt.zeros(slot.shape, slot.dtype)
        for optimizer in self.run.table.optimizers.values():
            optimizer.lr = float(optimizer.lr.item()) * settings.rate_factor
        self.roll_backs.value += 1
        count = f"roll-back {self.roll_backs.value} of {settings.roll_backs}"
        return f"back to step {self._steps:,}, rates times {settings.rate_factor:g} ({count})"


def _policy(settings: Anomalies, one: OddLoss) -> str:
    if one.kind == SPIKE:
        return settings.spike
    # An update whose gradients are not finite is an error of the step; here only the loss is not.
    return "stop" if settings.not_finite == "error" else settings.not_finite
