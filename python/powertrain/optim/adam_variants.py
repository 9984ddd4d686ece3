"""What followed Adam: NAdam, RAdam, Lion and SparseAdam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import powertrain as pt
from powertrain.optim.formulas import decayed, running_mean
from powertrain.optim.optimizer import Optimizer, State
from powertrain.optim.parameters import Named
from powertrain.optim.settings import check_settings
from powertrain.plugin.params import param

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from powertrain.optim.settings import Settings
    from powertrain.typing import Numbers


class NAdam(Optimizer):
    """Adam with Nesterov's momentum, whose memory grows from beta1 / 2 to beta1 (Dozat 2016).

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.NAdam(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("m", "v")
    CYCLED = "betas"
    COUNTERS: ClassVar[Mapping[str, float]] = {"mu_product": 1.0}

    @dataclass(frozen=True)
    class Params:
        lr: float = param(2e-3, above=0, doc="step size", usual="2e-3 is usual for nadam")
        beta1: float = param(0.9, low=0, below=1, doc="memory of the mean of gradients")
        beta2: float = param(0.999, low=0, below=1, doc="memory of the mean of their squares")
        eps: float = param(1e-8, low=0, doc="added to the root, so that it cannot be zero")
        momentum_decay: float = param(4e-3, low=0, doc="how fast the memory of the mean grows")
        weight_decay: float = param(0.0, low=0, doc="added to the gradient, times the parameter")

    def __init__(
        self,
        params: Named,
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("nadam", beta1=betas[0], beta2=betas[1], eps=eps, rate=momentum_decay)
        self.betas, self.eps, self.momentum_decay = betas, eps, momentum_decay
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def _memory(self, step: pt.Tensor, ahead: int = 0) -> pt.Tensor:
        """How much of the mean of gradients an update keeps, or one after it, in float64."""
        grown = 1 - 0.5 * pt.pow(0.96, pt.astype(step + ahead, "float64") * self.momentum_decay)
        return grown * self.momentum_at(step)

    def advance(self, step: pt.Tensor, counters: Mapping[str, pt.Tensor]) -> dict[str, pt.Tensor]:
        return {"mu_product": counters["mu_product"] * self._memory(step)}

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        root = pt.sqrt(1 - pt.pow(self.betas[1], pt.astype(step, "float64")))
        found = {"wide": pt.astype(rate, "float64"), "now": self._memory(step), "after": self._memory(step, ahead=1)}
        return {**found, "root": pt.astype(root, rate.dtype)}

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        g = decayed(g, p, decay)
        m = running_mean(state["m"], g, self.momentum_of(scalars))
        v = running_mean(state["v"], pt.square(g), self.betas[1])
        rate, now, after, product = (scalars[name] for name in ("wide", "now", "after", "mu_product"))
        of_g = pt.astype(rate * (1 - now) / (1 - product), p.dtype)
        of_m = pt.astype(rate * after / (1 - product * after), p.dtype)
        return p - (g * of_g + m * of_m) / (pt.sqrt(v) / scalars["root"] + self.eps), {"m": m, "v": v}


class RAdam(Optimizer):
    """Adam that leaves out the root of squares until it rests on enough gradients, then weighs it (Liu et al. 2020).

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.RAdam(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("m", "v")
    CYCLED = "betas"

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-3, above=0, doc="step size", usual="1e-3 is usual for radam")
        beta1: float = param(0.9, low=0, below=1, doc="memory of the mean of gradients")
        beta2: float = param(0.999, low=0, below=1, doc="memory of the mean of their squares")
        eps: float = param(1e-8, low=0, doc="added to the root, so that it cannot be zero")
        weight_decay: float = param(0.0, low=0, doc="added to the gradient, times the parameter")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("radam", beta1=betas[0], beta2=betas[1], eps=eps)
        self.betas, self.eps = betas, eps
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        count = pt.astype(step, "float64")
        left = pt.pow(self.betas[1], count)
        longest = 2 / (1 - self.betas[1]) - 1
        length = longest - 2 * count * left / (1 - left)
        known = length > 5
        safe = pt.where(known, length, 6.0)
        weight = (safe - 4) * (safe - 2) * longest / ((longest - 4) * (longest - 2) * safe)
        size = pt.astype(rate, "float64") / (1 - pt.pow(self.momentum_at(step), count))
        found = {"size": size, "weighed": size * pt.sqrt(weight) * pt.sqrt(1 - left)}
        return {"known": known, **{name: pt.astype(value, rate.dtype) for name, value in found.items()}}

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        g = decayed(g, p, decay)
        m = running_mean(state["m"], g, self.momentum_of(scalars))
        v = running_mean(state["v"], pt.square(g), self.betas[1])
        step = pt.where(scalars["known"], m * scalars["weighed"] / (pt.sqrt(v) + self.eps), m * scalars["size"])
        return p - step, {"m": m, "v": v}


class Lion(Optimizer):
    """p -= lr (sign(beta1 m + (1 - beta1) g) + decay p);  m = beta2 m + (1 - beta2) g (Chen et al. 2023).

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.Lion(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("m",)
    CYCLED = "betas"

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-4, above=0, doc="step size", usual="1e-4 is usual for lion")
        beta1: float = param(0.9, low=0, below=1, doc="share of the mean in the direction")
        beta2: float = param(0.99, low=0, below=1, doc="memory of the mean of gradients")
        weight_decay: float = param(0.0, low=0, doc="share of the parameter taken off, times the rate")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("lion", beta1=betas[0], beta2=betas[1])
        self.betas = betas
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        direction = pt.sign(running_mean(state["m"], g, self.momentum_of(scalars)))
        m = running_mean(state["m"], g, self.betas[1])
        return p - decayed(direction, p, decay) * scalars["rate"], {"m": m}


class SparseAdam(Optimizer):
    """Adam for tables with row-sparse gradients: rows without a gradient, and their m and v, stay as they are.

    m += (1 - b1) (g - m);  v += (1 - b2) (g^2 - v);  p -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps), where t
    counts all updates. As PyTorch has it; other parameters may be among them, and each of their rows is updated.

    Example
        >>> table = pt.nn.Embedding(10, 4, sparse=True)
        >>> opt = pt.optim.SparseAdam(table, lr=0.1)
        >>> opt.param_groups[0]['names']
        ['weight']
    """

    MOMENTS = ("m", "v")
    CYCLED = "betas"
    ROWS = True

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-3, above=0, doc="step size", usual="1e-3 is usual for sparse-adam")
        beta1: float = param(0.9, low=0, below=1, doc="memory of the mean of gradients")
        beta2: float = param(0.999, low=0, below=1, doc="memory of the mean of their squares")
        eps: float = param(1e-8, low=0, doc="added to the root, so that it cannot be zero")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("sparse-adam", beta1=betas[0], beta2=betas[1], eps=eps)
        self.betas, self.eps = betas, eps
        super().__init__(params, lr=lr, **settings)

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        """In float64: see Adam."""
        count, wide = pt.astype(step, "float64"), pt.astype(rate, "float64")
        size = wide * pt.sqrt(1 - pt.pow(self.betas[1], count)) / (1 - pt.pow(self.momentum_at(step), count))
        return {"size": pt.astype(size, rate.dtype)}

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        g = decayed(g, p, decay)
        m = running_mean(state["m"], g, self.momentum_of(scalars))
        v = running_mean(state["v"], pt.square(g), self.betas[1])
        return p - m / (pt.sqrt(v) + self.eps) * scalars["size"], {"m": m, "v": v}
