"""An optimizer: moments by name, and one update of a flat buffer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import powertrain as pt
from powertrain.plugin import Optimizer, param


class Signed(Optimizer):
    """Steps by the sign of the momentum (Bernstein et al. 2018)."""

    MOMENTS = ("m",)

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-3, above=0, doc="step size", usual="1e-3 is usual")
        keep: float = param(0.9, low=0, below=1, doc="share of the momentum that an update keeps")
        weight_decay: float = param(0.0, low=0, doc="share of the parameter taken off, times the rate")

    def __init__(
        self, params: Any, *, lr: float = 1e-3, keep: float = 0.9, weight_decay: float = 0.0, **settings: Any
    ) -> None:
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)
        self.keep = keep

    @classmethod
    def build(cls, params: Params, module: Any, **settings: Any) -> Signed:
        return cls(module, lr=params.lr, keep=params.keep, weight_decay=params.weight_decay, **settings)

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: Mapping[str, pt.Tensor], decay: float, scalars: Mapping[str, Any]
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        m = state["m"] * self.keep + g * (1 - self.keep)
        sign = pt.where(m > 0, 1.0, pt.where(m < 0, -1.0, 0.0))
        return p - scalars["rate"] * (sign + decay * p), {"m": m}
