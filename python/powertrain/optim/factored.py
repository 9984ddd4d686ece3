"""Adafactor: second moments of matrices as a row and a column."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import powertrain as pt
from powertrain.optim.layerwise import PerParameter
from powertrain.optim.optimizer import State
from powertrain.optim.parameters import Named
from powertrain.optim.settings import check_settings
from powertrain.plugin.params import param

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from powertrain.nn import Module
    from powertrain.optim.settings import Settings
    from powertrain.typing import Numbers


class Adafactor(PerParameter):
    """Steps relative to the size of a parameter, by a second moment that matrices keep as means of rows and columns.

    v = (1 - t^decay) v + t^decay g^2;  u = g / sqrt(v), scaled down to a root mean square of at most `threshold`;
    p -= min(lr, 1 / sqrt(t)) max(least, rms(p)) u. As PyTorch has it (Shazeer and Stern 2018, algorithms 4 to 6), of
    the last two axes; parameters of one axis keep v itself. The decay is taken off the parameter.

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.Adafactor(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("rows", "columns")

    @dataclass(frozen=True)
    class Params:
        lr: float = param(1e-2, above=0, doc="largest step size", usual="1e-2 is usual for adafactor")
        beta2_decay: float = param(-0.8, high=0, doc="power of the step by which second moments forget")
        d: float = param(1.0, above=0, doc="largest root mean square of a step before the rate")
        least: float = param(1e-3, above=0, doc="least size that a parameter counts with")
        weight_decay: float = param(0.0, low=0, doc="share of the parameter taken off, times the rate")

    def __init__(
        self,
        params: Named,
        lr: float = 1e-2,
        beta2_decay: float = -0.8,
        eps: tuple[float | None, float] = (None, 1e-3),
        d: float = 1.0,
        weight_decay: float = 0.0,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("adafactor", lr=d, rate=-beta2_decay, clip=eps[1])
        self.beta2_decay, self.eps, self.d = beta2_decay, eps, d
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    @classmethod
    def build(cls, params: Params, module: Module, **settings: Unpack[Settings]) -> Adafactor:
        return cls(
            module, params.lr, params.beta2_decay, (None, params.least), params.d, params.weight_decay, **settings
        )

    def moment_shape(self, moment: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        if len(shape) < 2:
            return shape if moment == "rows" else ()
        return (*shape[:-1], 1) if moment == "rows" else (*shape[:-2], 1, shape[-1])

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        count, wide = pt.astype(step, "float64"), pt.astype(rate, "float64")
        found = {
            "fresh": pt.pow(count, self.beta2_decay),
            "rate": pt.minimum(wide, 1 / pt.sqrt(count)),
            "kept": 1 - wide * decay,
        }
        return {name: pt.astype(value, rate.dtype) for name, value in found.items()}

    def update_param(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        size = pt.maximum(_root_mean_square(p), self.eps[1]) * scalars["rate"]
        if decay:
            p = p * scalars["kept"]
        squares, tiny = pt.square(g), self.eps[0] or _EPSILON[p.dtype.name]
        if p.ndim < 2:
            rows = _towards(state["rows"], squares, scalars["fresh"])
            new, v = {"rows": rows, "columns": state["columns"]}, rows
        else:
            rows = _towards(state["rows"], pt.mean(squares, axis=-1, keepdims=True), scalars["fresh"])
            columns = _towards(state["columns"], pt.mean(squares, axis=-2, keepdims=True), scalars["fresh"])
            v = rows * columns / pt.maximum(pt.mean(rows, axis=-2, keepdims=True), tiny)
            new = {"rows": rows, "columns": columns}
        u = g * pt.rsqrt(pt.maximum(v, tiny * tiny))
        return p - u * (size / pt.maximum(_root_mean_square(u) / self.d, 1.0)), new


_EPSILON = {"float32": 2.0**-23, "float64": 2.0**-52, "float16": 2.0**-10, "bfloat16": 2.0**-7}


def _root_mean_square(x: pt.Tensor) -> pt.Tensor:
    return pt.sqrt(pt.sum(pt.square(x))) / math.sqrt(max(1, x.size))


def _towards(old: pt.Tensor, new: pt.Tensor, share: Any) -> pt.Tensor:
    return old + (new - old) * share
