"""Updates that look at a whole parameter: LARS, LAMB and Muon."""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass
from itertools import repeat
from typing import TYPE_CHECKING

import powertrain as pt
from powertrain.errors.methods import missing
from powertrain.optim.formulas import running_mean
from powertrain.optim.optimizer import Optimizer, State
from powertrain.optim.parameters import Named
from powertrain.optim.parts import Part
from powertrain.optim.settings import check_settings
from powertrain.plugin.params import param
from powertrain.program import slots

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from powertrain.optim.settings import DecaySettings, Settings
    from powertrain.typing import Numbers


class PerParameter(Optimizer, declares=True):
    """The frame of an update that reads each parameter as it is shaped; a subclass writes `update_param`."""

    def update_part(self, part: Part, g: pt.Tensor, scalars: Numbers) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        flats = {"p": part.values.value, "g": g, **{name: slot.value for name, slot in part.state.items()}}
        values: list[pt.Tensor] = []
        moments: dict[str, list[pt.Tensor]] = {name: [] for name in part.state}
        pieces = zip(*(slot.segments for slot in part.state.values()), strict=True) if part.state else repeat(())
        for segment, moments_at in zip(part.values.segments, pieces, strict=bool(part.state)):
            state = {name: _cut(flats[name], at) for name, at in zip(part.state, moments_at, strict=True)}
            p, new = self.update_param(
                _cut(flats["p"], segment), _cut(flats["g"], segment), state, part.weight_decay, scalars
            )
            values.append(p)
            for name, value in new.items():
                moments[name].append(value)
        return pt.pack(values, part.values), {name: pt.pack(all_, part.state[name]) for name, all_ in moments.items()}

    @abstractmethod
    def update_param(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        """New value and moments of one parameter."""
        raise missing(self, "update_param")


def _cut(flat: pt.Tensor, at: slots.Segment) -> pt.Tensor:
    return pt.reshape(flat[at.offset : at.offset + math.prod(at.shape)], at.shape)


def _norm(x: pt.Tensor) -> pt.Tensor:
    return pt.sqrt(pt.sum(pt.square(x)))


def _ratio(top: pt.Tensor, below: pt.Tensor) -> pt.Tensor:
    """top / below, or 1 where one of them is 0."""
    known = pt.logical_and(top > 0, below > 0)
    return pt.where(known, top / pt.where(known, below, 1.0), 1.0)


class LARS(PerParameter):
    """SGD with momentum, each parameter's step being trust times its own norm (You, Gitman and Ginsburg 2017).

    d = (g + decay p) trust |p| / (|g| + decay |p|);  m = momentum m + d;  p -= lr m.

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.LARS(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("m",)
    CYCLED = "momentum"

    @dataclass(frozen=True)
    class Params:
        lr: float = param(0.1, above=0, doc="step size", usual="0.1 is usual for lars")
        momentum: float = param(0.9, low=0, below=1, doc="share of the last direction that is kept")
        trust: float = param(1e-3, above=0, doc="length of a step as a share of the parameter")
        weight_decay: float = param(0.0, low=0, doc="added to the gradient, times the parameter")

    def __init__(
        self,
        params: Named,
        lr: float = 0.1,
        *,
        momentum: float = 0.9,
        trust: float = 1e-3,
        **settings: Unpack[DecaySettings],
    ) -> None:
        check_settings("lars", momentum=momentum, lr=trust)
        self.momentum, self.trust = momentum, trust
        super().__init__(params, lr=lr, **settings)

    def update_param(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        long, steep = _norm(p), _norm(g)
        known = pt.logical_and(long > 0, steep > 0)
        trust = pt.where(known, long * self.trust / pt.where(known, steep + long * decay, 1.0), 1.0)
        m = pt.flush_denormals(state["m"] * self.momentum_of(scalars) + (g + p * decay) * trust)
        return p - m * scalars["rate"], {"m": m}


class LAMB(PerParameter):
    """Adam's step with decay, scaled to the norm of the parameter: p -= lr (|p| / |u|) u (You et al. 2020).

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.LAMB(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("m", "v")
    CYCLED = "betas"

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-3, above=0, doc="step size", usual="1e-3 is usual for lamb")
        beta1: float = param(0.9, low=0, below=1, doc="memory of the mean of gradients")
        beta2: float = param(0.999, low=0, below=1, doc="memory of the mean of their squares")
        eps: float = param(1e-6, low=0, doc="added to the root, so that it cannot be zero")
        weight_decay: float = param(0.01, low=0, doc="added to the step, times the parameter")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-6,
        weight_decay: float = 0.01,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("lamb", beta1=betas[0], beta2=betas[1], eps=eps)
        self.betas, self.eps = betas, eps
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        count = pt.astype(step, "float64")
        found = {"mean": 1 - pt.pow(self.momentum_at(step), count), "root": pt.sqrt(1 - pt.pow(self.betas[1], count))}
        return {"rate": rate, **{name: pt.astype(value, rate.dtype) for name, value in found.items()}}

    def update_param(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        m = running_mean(state["m"], g, self.momentum_of(scalars))
        v = running_mean(state["v"], pt.square(g), self.betas[1])
        u = m / scalars["mean"] / (pt.sqrt(v) / scalars["root"] + self.eps) + p * decay
        return p - u * (_ratio(_norm(p), _norm(u)) * scalars["rate"]), {"m": m, "v": v}


# Of the quintic whose iteration drives singular values towards 1 (Jordan 2024).
_QUINTIC = (3.4445, -4.7750, 2.0315)


class Muon(PerParameter):
    """Momentum whose matrices are made orthogonal by five Newton-Schulz steps (Jordan 2024).

    m = momentum m + (1 - momentum) g; the step is that of Nesterov, its singular values brought near 1, and the rate is
    times sqrt(max(1, rows / columns)), rows being outputs. The decay is taken off the parameter. Parameters that are no
    matrices take a step of momentum as it is: give those another optimizer. Computed in float32.

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.Muon(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("m",)
    CYCLED = "momentum"

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-3, above=0, doc="step size", usual="1e-3 is usual for muon")
        momentum: float = param(0.95, low=0, below=1, doc="memory of the mean of gradients")
        nesterov: bool = param(True, doc="look ahead along the direction")
        ns_steps: int = param(5, low=1, doc="Newton-Schulz steps")
        weight_decay: float = param(0.1, low=0, doc="share of the parameter taken off, times the rate")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-3,
        weight_decay: float = 0.1,
        momentum: float = 0.95,
        nesterov: bool = True,
        ns_coefficients: tuple[float, float, float] = _QUINTIC,
        eps: float = 1e-7,
        ns_steps: int = 5,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("muon", momentum=momentum, eps=eps, ns_steps=ns_steps)
        self.momentum, self.nesterov = momentum, nesterov
        self.ns_coefficients, self.eps, self.ns_steps = ns_coefficients, eps, ns_steps
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def update_param(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        momentum = self.momentum_of(scalars)
        m = running_mean(state["m"], g, momentum)
        step = g * (1 - momentum) + m * momentum if self.nesterov else m
        if p.ndim == 2:
            inputs, outputs = p.shape  # weights are (in, out)
            step = orthogonal(step, self.ns_steps, self.ns_coefficients, self.eps) * max(1.0, outputs / inputs) ** 0.5
        kept = p * (1 - scalars["rate"] * decay) if decay else p
        return kept - step * scalars["rate"], {"m": m}


def orthogonal(
    x: pt.Tensor, steps: int, coefficients: tuple[float, float, float] = _QUINTIC, eps: float = 1e-7
) -> pt.Tensor:
    """A matrix with singular values brought from 0..1 to about 0.7..1.2, and the same singular vectors."""
    a, b, c = coefficients
    wide = x.shape[0] > x.shape[1]
    y = pt.permute_dims(x) if wide else x
    y = y / pt.maximum(_norm(y), eps)
    for _ in range(steps):
        square = pt.matmul(y, pt.permute_dims(y))
        y = y * a + pt.matmul(square * b + pt.matmul(square, square) * c, y)
    return pt.permute_dims(y) if wide else y
