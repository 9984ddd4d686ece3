"""A callback: it watches, and asks the run to end when a value is good enough."""

from __future__ import annotations

from dataclasses import dataclass

from powertrain.plugin import Callback, Event, Stop, param


class GoodEnough(Callback):
    @dataclass(frozen=True)
    class Params:
        watch: str = param("valid.loss", doc="what is watched")
        below: float = param(0.01, doc="the run ends when it falls below this")

    def after_commit(self, event: Event) -> Stop | None:
        value = event.values.get(self.params.watch)
        good = value is not None and value < self.params.below
        return Stop(f"{self.params.watch} is {value:.4g}") if good else None
