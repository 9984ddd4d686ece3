"""Rprop, which reads only signs of gradients, and ASGD, which averages its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import powertrain as pt
from powertrain.optim.formulas import decayed
from powertrain.optim.optimizer import Optimizer, State
from powertrain.optim.parameters import Named
from powertrain.optim.settings import OptimizerError, check_settings
from powertrain.plugin.params import param

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from powertrain.nn import Module
    from powertrain.optim.settings import Settings
    from powertrain.typing import Numbers


class Rprop(Optimizer):
    """A step size of its own for each number: longer while its gradient keeps its sign, shorter when that turns.

    For whole batches; a gradient whose sign turned is left out once (Riedmiller and Braun 1993).

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.Rprop(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("size", "before")
    DECAYS = False

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-2, above=0, doc="first step size", usual="1e-2 is usual for rprop")
        shorter: float = param(0.5, above=0, below=1, doc="factor of a step when the sign turns")
        longer: float = param(1.2, above=1, doc="factor of a step while the sign stays")
        least: float = param(1e-6, low=0, doc="shortest step")
        most: float = param(50.0, above=0, doc="longest step")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-2,
        etas: tuple[float, float] = (0.5, 1.2),
        step_sizes: tuple[float, float] = (1e-6, 50.0),
        **settings: Unpack[Settings],
    ) -> None:
        if not (0 < etas[0] < 1 < etas[1] and 0 <= step_sizes[0] <= step_sizes[1]):
            raise OptimizerError(
                f"[rprop] etas = {etas}, step_sizes = {step_sizes}; expected 0 < shorter < 1 < longer and least <= "
                "most; (0.5, 1.2) and (1e-6, 50) are usual"
            )
        self.etas, self.step_sizes = etas, step_sizes
        super().__init__(params, lr=lr, **settings)

    @classmethod
    def build(cls, params: Params, module: Module, **settings: Unpack[Settings]) -> Rprop:
        etas, sizes = (params.shorter, params.longer), (params.least, params.most)
        return cls(module, params.lr, etas=etas, step_sizes=sizes, **settings)

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        return {"rate": rate, "first": pt.equal(step, 1)}

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        size = pt.where(scalars["first"], scalars["rate"], state["size"])
        kept = pt.sign(g * state["before"])
        size = pt.where(kept > 0, size * self.etas[1], pt.where(kept < 0, size * self.etas[0], size))
        size = pt.clip(size, self.step_sizes[0], self.step_sizes[1])
        g = pt.where(kept < 0, 0.0, g)
        return p - pt.sign(g) * size, {"size": size, "before": g}


class ASGD(Optimizer):
    """Gradient descent whose rate falls as (1 + lambd lr t)^-alpha, and the mean of its parameters from t0 on.

    The mean is the state `mean` (Polyak and Juditsky 1992).

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.ASGD(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("mean",)

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-2, above=0, doc="first step size", usual="1e-2 is usual for asgd")
        lambd: float = param(1e-4, low=0, doc="share of the parameter taken off, times the rate")
        alpha: float = param(0.75, low=0, doc="power by which the rate falls")
        t0: float = param(1e6, low=0, doc="the update from which on parameters are averaged")
        weight_decay: float = param(0.0, low=0, doc="added to the gradient, times the parameter")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-2,
        lambd: float = 1e-4,
        alpha: float = 0.75,
        t0: float = 1e6,
        weight_decay: float = 0.0,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("asgd", rate=lambd, eps=alpha)
        self.lambd, self.alpha, self.t0 = lambd, alpha, t0
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        before, wide = pt.astype(step - 1, "float64"), pt.astype(rate, "float64")
        now = wide / pt.pow(1 + self.lambd * wide * before, self.alpha)
        found = {"rate": now, "kept": 1 - self.lambd * now, "share": 1 / pt.maximum(before - self.t0, 1.0)}
        return {name: pt.astype(value, rate.dtype) for name, value in found.items()}

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        g = decayed(g, p, decay)
        p = p * scalars["kept"] - g * scalars["rate"]
        return p, {"mean": state["mean"] + (p - state["mean"]) * scalars["share"]}
