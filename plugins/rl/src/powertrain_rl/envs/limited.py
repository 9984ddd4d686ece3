"""What the environments here have in common: an episode that goes on for too long is cut short."""

from __future__ import annotations

from dataclasses import dataclass

from powertrain.plugin import TracedEnvironment, param


class Limited(TracedEnvironment):
    """Episodes have at most `longest` steps; where 200 are too few, an environment has Params of its own."""

    @dataclass(frozen=True)
    class Params:
        longest: int = param(200, low=1, doc="steps after which an episode is cut short")

    def __init__(self, params: Params) -> None:
        super().__init__(params)
        self.longest = params.longest
