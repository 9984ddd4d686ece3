"""Stochastic gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import powertrain as pt
from powertrain.optim.formulas import decayed
from powertrain.optim.momentum import has_momentum
from powertrain.optim.optimizer import Optimizer
from powertrain.optim.parameters import Named
from powertrain.optim.settings import OptimizerError, check_settings
from powertrain.plugin.params import param

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from powertrain.optim.settings import Settings
    from powertrain.typing import Numbers


class SGD(Optimizer):
    """g += decay p;  m = momentum m + g;  p -= lr m, or lr (g + momentum m) with Nesterov's momentum.

    As PyTorch has it (Sutskever et al. 2013 up to the place of lr). With dampening m = momentum m + (1 - dampening) g
    from the second update on. Without momentum there is no m.

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.SGD(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    CYCLED = "momentum"

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-3, above=0, doc="step size", usual="0.1 is usual for sgd")
        momentum: float = param(
            0.0, low=0, below=1, doc="share of the last direction that is kept", usual="0.9 is usual"
        )
        dampening: float = param(0.0, low=0, high=1, doc="share of the gradient that the direction leaves out")
        nesterov: bool = param(False, doc="look ahead along the direction")
        weight_decay: float = param(0.0, low=0, doc="added to the gradient, times the parameter")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("sgd", momentum=momentum, dampening=dampening)
        if nesterov and momentum == 0:
            raise OptimizerError("[sgd] nesterov without momentum; expected momentum > 0; 0.9 is usual")
        if nesterov and dampening > 0:
            raise OptimizerError(f"[sgd] nesterov with dampening = {dampening:g}; expected 0; leave dampening out")
        self.momentum, self.dampening, self.nesterov = momentum, dampening, nesterov
        # Read by the frame when it makes the flat buffers.
        self.moves = has_momentum(momentum, settings.get("schedule"))
        self.MOMENTS = ("m",) if self.moves else ()  # type: ignore[misc]
        self.ROWS = not self.moves  # type: ignore[misc]
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        if not (self.moves and self.dampening):
            return {"rate": rate}
        # The first direction is the gradient itself.
        share = 1.0 - pt.astype(pt.greater(step, 1), "float64") * self.dampening
        return {"rate": rate, "share": pt.astype(share, rate.dtype)}

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: Mapping[str, pt.Tensor], decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        g = decayed(g, p, decay)
        if not self.moves:
            return p - g * scalars["rate"], {}
        momentum = self.momentum_of(scalars)
        taken = g * scalars["share"] if self.dampening else g
        m = pt.flush_denormals(state["m"] * momentum + taken)
        direction = g + m * momentum if self.nesterov else m
        return p - direction * scalars["rate"], {"m": m}
