"""Early stopping: ends a run when a watched metric no longer improves, and keeps the best weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin.wording import suggestion
from powertrain.train.folder.run_folder import RunError
from powertrain.train.folder.saved_arrays import below

if TYPE_CHECKING:
    from powertrain.recipe.sections import Stop


class EarlyStop:
    """The best value so far and the evaluations since, with the weights of the best; part of every checkpoint, so
    that a resume stops at the same place with the same weights."""

    def __init__(self, stop: Stop) -> None:
        self.watch = stop.watch
        self.metric = stop.watch.removeprefix("valid.")
        self.patience = stop.patience
        self.mode = stop.mode
        self.lower = stop.mode == "min"
        self.best = math.nan
        self.since = 0
        self.at = (0, 0)  # the epoch and the step of the best
        self.weights: dict[str, NDArray[Any]] = {}

    @property
    def reason(self) -> str:
        """Why it ends a run."""
        evaluations = "one evaluation" if self.patience == 1 else f"{self.patience} evaluations"
        return f"valid.{self.metric} has not improved for {evaluations}"

    @property
    def kept(self) -> str:
        """Which weights are judged and used."""
        if not self.weights:
            return ""
        epoch, step = self.at
        where = f"epoch {epoch:,}" if epoch else f"step {step:,}"
        return f"the weights of {where} are kept: valid.{self.metric} {self.best:.4g}"

    @property
    def reached(self) -> bool:
        return self.since >= self.patience

    def check(self, metrics: Mapping[str, Any], has_valid: bool) -> None:
        """Refuse to watch what will not be measured, before anything runs; and ask the metric which way is better."""
        if not has_valid:
            raise RunError(
                "[run.stop] the data has no valid part to watch; expected one; for example split = { valid = 0.1 }"
            )
        names = [f"valid.{name}" for name in metrics if name != "confusion"]
        if f"valid.{self.metric}" not in names:
            raise RunError(
                f"[run.stop.watch] received {self.watch}; expected one of {', '.join(names)}"
                f"{suggestion(self.watch, names)}"
            )
        if self.mode == "auto":
            self.lower = bool(getattr(metrics[self.metric], "lower_is_better", False))

    def see(self, value: float, weights: Mapping[str, NDArray[Any]], at: tuple[int, int]) -> None:
        """Take in one evaluation, made after that epoch and step; a NaN never counts as an improvement."""
        better = value < self.best if self.lower else value > self.best
        if better or (math.isnan(self.best) and not math.isnan(value)):
            self.best, self.since, self.at = value, 0, at
            self.weights = {name: array.copy() for name, array in weights.items()}
            for array in self.weights.values():
                array.flags.writeable = False  # a checkpoint shares them
        else:
            self.since += 1

    def arrays(self) -> dict[str, NDArray[Any]]:
        state = {"stop": np.array([self.best, self.since, *self.at], dtype=np.float64)}
        return {**state, **{f"best.{name}": array for name, array in self.weights.items()}}

    def misfits(self, saved: Mapping[str, NDArray[Any]]) -> list[str]:
        if "stop" not in saved:  # a run may begin to watch, or cease to, when it is resumed
            return []
        state = saved["stop"]
        fits = state.dtype == np.float64 and state.shape == (4,) and all(0 <= one < 2**53 for one in state[1:])
        return [] if fits else ["stop is not a best value, a number of evaluations, an epoch and a step"]

    def restore(self, saved: Mapping[str, NDArray[Any]]) -> None:
        if "stop" not in saved:  # the run began without early stopping: it starts to watch now
            return
        best, since, epoch, step = saved["stop"].tolist()
        self.best, self.since, self.at = best, int(since), (int(epoch), int(step))
        self.weights = below(saved, "best.")
