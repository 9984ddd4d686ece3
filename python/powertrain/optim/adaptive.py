"""Rates that follow the size of past gradients: RMSprop, Adagrad, Adadelta and Adamax."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import powertrain as pt
from powertrain.optim.formulas import decayed, running_mean
from powertrain.optim.momentum import has_momentum
from powertrain.optim.optimizer import Optimizer, State
from powertrain.optim.parameters import Named
from powertrain.optim.settings import check_settings
from powertrain.plugin.params import param

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from powertrain.optim.settings import Settings
    from powertrain.typing import Numbers


class RMSprop(Optimizer):
    """v = alpha v + (1 - alpha) g^2;  p -= lr g / (sqrt(v) + eps), through a momentum if there is one.

    Centered, the variance of the gradient takes the place of v (Tieleman and Hinton 2012; Graves 2013).

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.RMSprop(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    CYCLED = "momentum"

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-2, above=0, doc="step size", usual="1e-2 is usual for rmsprop")
        alpha: float = param(0.99, low=0, below=1, doc="memory of the mean of squares")
        eps: float = param(1e-8, low=0, doc="added to the root, so that it cannot be zero")
        momentum: float = param(0.0, low=0, below=1, doc="share of the last direction that is kept")
        centered: bool = param(False, doc="divide by the root of the variance")
        weight_decay: float = param(0.0, low=0, doc="added to the gradient, times the parameter")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("rmsprop", beta2=alpha, eps=eps, momentum=momentum)
        self.alpha, self.eps, self.momentum, self.centered = alpha, eps, momentum, centered
        self.moves = has_momentum(momentum, settings.get("schedule"))
        self.MOMENTS = ("v", *(("mean",) if centered else ()), *(("m",) if self.moves else ()))  # type: ignore[misc]
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        g = decayed(g, p, decay)
        new = {"v": running_mean(state["v"], pt.square(g), self.alpha)}
        spread = new["v"]
        if self.centered:
            new["mean"] = running_mean(state["mean"], g, self.alpha)
            spread = spread - pt.square(new["mean"])
        step = g / (pt.sqrt(spread) + self.eps)
        if self.moves:
            step = new["m"] = pt.flush_denormals(state["m"] * self.momentum_of(scalars) + step)
        return p - step * scalars["rate"], new


class Adagrad(Optimizer):
    """v += g^2;  p -= lr g / (sqrt(v) + eps), lr falling as 1 / (1 + lr_decay t) (Duchi, Hazan and Singer 2011).

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.Adagrad(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("v",)
    ROWS = True

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-2, above=0, doc="step size", usual="1e-2 is usual for adagrad")
        lr_decay: float = param(0.0, low=0, doc="how fast the rate falls with the updates")
        eps: float = param(1e-10, low=0, doc="added to the root, so that it cannot be zero")
        weight_decay: float = param(0.0, low=0, doc="added to the gradient, times the parameter")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("adagrad", rate=lr_decay, eps=eps)
        check_settings("adagrad", initial_accumulator_value=initial_accumulator_value)
        self.lr_decay, self.eps = lr_decay, eps
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)
        for part in self.parts if initial_accumulator_value else ():
            v = part.state["v"]
            v.value = pt.full(v.shape, initial_accumulator_value, v.dtype)

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        return (
            {"rate": rate / (1 + pt.astype(step - 1, rate.dtype) * self.lr_decay)} if self.lr_decay else {"rate": rate}
        )

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        g = decayed(g, p, decay)
        v = state["v"] + pt.square(g)
        return p - g / (pt.sqrt(v) + self.eps) * scalars["rate"], {"v": v}


class Adadelta(Optimizer):
    """v = rho v + (1 - rho) g^2;  d = g sqrt(u + eps) / sqrt(v + eps);  u = rho u + (1 - rho) d^2;  p -= lr d.

    Steps have the units of the parameter (Zeiler 2012).

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.Adadelta(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("v", "u")

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1.0, above=0, doc="factor of the step", usual="1 is usual for adadelta")
        rho: float = param(0.9, low=0, below=1, doc="memory of the means of squares")
        eps: float = param(1e-6, low=0, doc="added under the roots, so that they cannot be zero")
        weight_decay: float = param(0.0, low=0, doc="added to the gradient, times the parameter")

    def __init__(
        self,
        params: Named,
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("adadelta", beta2=rho, eps=eps)
        self.rho, self.eps = rho, eps
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        g = decayed(g, p, decay)
        v = running_mean(state["v"], pt.square(g), self.rho)
        delta = pt.sqrt(state["u"] + self.eps) / pt.sqrt(v + self.eps) * g
        u = running_mean(state["u"], pt.square(delta), self.rho)
        return p - delta * scalars["rate"], {"v": v, "u": u}


class Adamax(Optimizer):
    """Adam with the largest past gradient in place of the mean of squares (Kingma and Ba 2015, section 7).

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.Adamax(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("m", "u")
    CYCLED = "betas"

    @dataclass(frozen=True)
    class Params:
        lr: float = param(2e-3, above=0, doc="step size", usual="2e-3 is usual for adamax")
        beta1: float = param(0.9, low=0, below=1, doc="memory of the mean of gradients")
        beta2: float = param(0.999, low=0, below=1, doc="memory of the largest gradient")
        eps: float = param(1e-8, low=0, doc="added to each gradient's size")
        weight_decay: float = param(0.0, low=0, doc="added to the gradient, times the parameter")

    def __init__(
        self,
        params: Named,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("adamax", beta1=betas[0], beta2=betas[1], eps=eps)
        self.betas, self.eps = betas, eps
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        corrected = pt.astype(rate, "float64") / (1 - pt.pow(self.momentum_at(step), pt.astype(step, "float64")))
        return {"rate": pt.astype(corrected, rate.dtype)}

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        g = decayed(g, p, decay)
        m = running_mean(state["m"], g, self.momentum_of(scalars))
        u = pt.maximum(state["u"] * self.betas[1], pt.abs(g) + self.eps)
        return p - m / u * scalars["rate"], {"m": m, "u": u}
