"""The built-in callbacks: they watch a run and ask for something, and change nothing by themselves."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from powertrain.plugin.learning import Callback, Event, SetScalar
from powertrain.plugin.params import param


class Plateau(Callback):
    """Lowers the rate where a watched value has not fallen for some evaluations."""

    @dataclass(frozen=True)
    class Params:
        watch: str = param("valid.loss", doc="what must fall, such as valid.loss")
        patience: int = param(3, low=1, doc="evaluations without a new lowest value before the rate is lowered")
        factor: float = param(0.5, above=0, below=1, doc="what the rate is multiplied with")
        least: float = param(1e-6, above=0, doc="the rate never falls below this")
        scalar: str = param("optimizer.lr", doc="the number that is lowered")

    def __init__(self, params: Params) -> None:
        super().__init__(params)
        self._lowest, self._since = math.inf, 0

    def after_commit(self, event: Event) -> SetScalar | None:
        settings = self.params
        if not event.values:
            return None
        if settings.watch not in event.values:
            known = ", ".join(event.values)
            raise ValueError(f"{settings.watch} was not measured; watch one of {known}")
        value = event.values[settings.watch]
        if value < self._lowest:
            self._lowest, self._since = value, 0
            return None
        self._since += 1
        rate = event.scalars[settings.scalar]
        if self._since < settings.patience or rate <= settings.least:
            return None
        self._since = 0
        return SetScalar(settings.scalar, max(settings.least, rate * settings.factor))

    def state(self) -> dict[str, NDArray[np.float64]]:
        return {"seen": np.array([self._lowest, self._since], dtype=np.float64)}

    def restore(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        lowest, since = arrays["seen"].tolist()
        self._lowest, self._since = lowest, int(since)
