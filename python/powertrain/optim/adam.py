"""Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import powertrain as pt
from powertrain import _core
from powertrain.optim.formulas import decayed, running_mean
from powertrain.optim.optimizer import Optimizer
from powertrain.optim.parameters import Named
from powertrain.optim.settings import check_settings
from powertrain.plugin.params import param

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from powertrain.optim.settings import Settings
    from powertrain.typing import Numbers

adam_step = _core.op_function("adam_step")


class Adam(Optimizer):
    """m = b1 m + (1 - b1) g;  v = b2 v + (1 - b2) g^2;  p -= lr m^ / (sqrt(v^) + eps), with bias-corrected m^ and v^.

    Weight decay, if any, is added to the gradient (AdamW takes it off the parameter instead). With `amsgrad`, v^ never
    falls (Reddi, Kale and Kumar 2018).

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.Adam(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    DECOUPLED = False
    SCALES = True
    CYCLED = "betas"

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-3, above=0, doc="step size", usual="1e-3 is usual for adam")
        beta1: float = param(0.9, low=0, below=1, doc="memory of the mean of gradients")
        beta2: float = param(0.999, low=0, below=1, doc="memory of the mean of their squares")
        eps: float = param(1e-8, low=0, doc="added to the root, so that it cannot be zero")
        amsgrad: bool = param(False, doc="divide by the largest mean of squares so far")
        weight_decay: float = param(0.0, low=0, doc="added to the gradient, times the parameter")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("adamw" if self.DECOUPLED else "adam", beta1=betas[0], beta2=betas[1], eps=eps)
        self.betas, self.eps, self.amsgrad = betas, eps, amsgrad
        # Read by the frame when it makes the flat buffers.
        self.MOMENTS = ("m", "v", "largest") if amsgrad else ("m", "v")  # type: ignore[misc]
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        """In float64, as PyTorch has it: 1 - 0.999^t in float32 would be wrong by up to 3e-5 at the first steps."""
        count, wide = pt.astype(step, "float64"), pt.astype(rate, "float64")
        size = wide / (1 - pt.pow(self.momentum_at(step), count))
        unbias = 1 / pt.sqrt(1 - pt.pow(self.betas[1], count))
        found = {"size": pt.astype(size, rate.dtype), "unbias": pt.astype(unbias, rate.dtype)}
        return {**found, "kept": pt.astype(1 - wide * decay, rate.dtype)} if decay and self.DECOUPLED else found

    def update_flat(
        self, p: pt.Tensor, g: pt.Tensor, state: Mapping[str, pt.Tensor], decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        beta1, beta2 = self.betas
        given = {name: scalars.get(name) for name in ("size", "unbias", "kept", "factor")}
        numbers = {name: number for name, number in given.items() if number is not None}
        added = 0.0 if self.DECOUPLED else decay
        if "momentum" in scalars:
            return _composed(p, g, state, numbers, scalars["momentum"], beta2, self.eps, added)
        new_p, *new = adam_step(
            p, g, state["m"], state["v"], state.get("largest"), **numbers,
            beta1=beta1, beta2=beta2, eps=self.eps, decay=added,
        )  # fmt: skip
        return new_p, dict(zip(state, new, strict=True))


def _composed(
    p: pt.Tensor,
    g: pt.Tensor,
    state: Mapping[str, pt.Tensor],
    numbers: Numbers,
    beta1: pt.Tensor | float,
    beta2: float,
    eps: float,
    decay: float,
) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
    """The update in ops, for a beta1 that a schedule moves: in `adam_step` it is a constant."""
    g = g * numbers["factor"] if "factor" in numbers else g
    p = p * numbers["kept"] if "kept" in numbers else p
    g = decayed(g, p, decay)
    new = {"m": running_mean(state["m"], g, beta1), "v": running_mean(state["v"], pt.square(g), beta2)}
    if "largest" in state:
        new["largest"] = pt.maximum(state["largest"], new["v"])
    root = pt.sqrt(new.get("largest", new["v"])) * numbers["unbias"]
    return p - new["m"] / (root + eps) * numbers["size"], new


class AdamW(Adam):
    """Adam with the decay taken off the parameter: p -= lr (m^ / (sqrt(v^) + eps) + decay p).

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.AdamW(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    DECOUPLED = True

    @dataclass(frozen=True)
    class Params(Adam.Params):
        lr: float = param(1e-3, above=0, doc="step size", usual="1e-3 is usual for adamw")
        weight_decay: float = param(0.01, low=0, doc="share of the parameter taken off, times the rate")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        amsgrad: bool = False,
        **settings: Unpack[Settings],
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, **settings)
