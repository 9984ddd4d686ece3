"""SOAP: Adam in the eigenbasis of Shampoo's preconditioner (Vyas et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import powertrain as pt
from powertrain import _core
from powertrain.optim.formulas import running_mean
from powertrain.optim.layerwise import PerParameter
from powertrain.optim.optimizer import State
from powertrain.optim.parameters import Named
from powertrain.optim.settings import check_settings
from powertrain.plugin.params import param

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from powertrain.optim.settings import Settings
    from powertrain.typing import Numbers


class SOAP(PerParameter):
    """Adam on gradients turned into the eigenvectors of the means of g g^T and g^T g, and its step turned back.

    The first update only gathers: its eigenvectors are the first basis. Every `every` updates the basis makes one step
    of orthogonal iteration. Sides of a matrix above `largest`, and parameters that are no matrices, are not turned.
    The decay is taken off the parameter. As in the authors' implementation, algorithm 3 of the paper.

    Example
        >>> model = pt.nn.Linear(3, 2)
        >>> opt = pt.optim.SOAP(model, lr=0.1)
        >>> loss, grads = pt.nn.value_and_grad(model, lambda x: pt.square(model(x)).mean())(pt.ones((4, 3)))
        >>> opt.update(grads)
        >>> opt.updates.value.item()
        1
    """

    MOMENTS = ("m", "v", "rows", "columns", "row_basis", "column_basis")
    CYCLED = "betas"

    @dataclass(frozen=True)
    class Params:
        lr: float = param(3e-3, above=0, doc="step size", usual="3e-3 is usual for soap")
        beta1: float = param(0.95, low=0, below=1, doc="memory of the mean of gradients")
        beta2: float = param(0.95, low=0, below=1, doc="memory of the means of squares and products")
        eps: float = param(1e-8, low=0, doc="added to the root, so that it cannot be zero")
        every: int = param(10, low=1, doc="updates between two steps of the basis")
        largest: int = param(1024, low=1, doc="largest side of a matrix that is turned")
        weight_decay: float = param(0.01, low=0, doc="share of the parameter taken off, times the rate")

    def __init__(
        self,
        params: Named,
        lr: float = 3e-3,
        betas: tuple[float, float] = (0.95, 0.95),
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        *,
        every: int = 10,
        largest: int = 1024,
        **settings: Unpack[Settings],
    ) -> None:
        check_settings("soap", beta1=betas[0], beta2=betas[1], eps=eps, accumulate=every)
        self.betas, self.eps, self.every, self.largest = betas, eps, every, largest
        super().__init__(params, lr=lr, weight_decay=weight_decay, **settings)

    def moment_shape(self, moment: str, shape: tuple[int, ...]) -> tuple[int, ...]:
        if moment in ("m", "v"):
            return shape
        size = shape[0 if moment.startswith("row") else 1] if len(shape) == 2 else 0
        return (size, size) if 0 < size <= self.largest else ()

    def scalars(self, step: pt.Tensor, rate: pt.Tensor, decay: float) -> Numbers:
        # The first update does not count for Adam, whose corrections are then of a count of 1 that is not used.
        done = step - 1
        count, wide = pt.astype(pt.maximum(done, 1), "float64"), pt.astype(rate, "float64")
        size = wide * pt.sqrt(1 - pt.pow(self.betas[1], count)) / (1 - pt.pow(self.momentum_at(step), count))
        refresh = pt.where(pt.equal(pt.remainder(done, self.every), 0), 2, 0)
        return {
            "size": pt.astype(size, rate.dtype),
            "kept": pt.astype(1 - wide * decay, rate.dtype),
            "first": pt.equal(done, 0),
            "due": pt.astype(pt.where(pt.equal(done, 0), 1, refresh), "int64"),
        }

    def update_param(
        self, p: pt.Tensor, g: pt.Tensor, state: State, decay: float, scalars: Numbers
    ) -> tuple[pt.Tensor, dict[str, pt.Tensor]]:
        first = scalars["first"]
        m = running_mean(state["m"], g, self.momentum_of(scalars))
        v = running_mean(state["v"], pt.square(_turned(g, state)), self.betas[1])
        step = _turned(_turned(m, state) / (pt.sqrt(v) + self.eps), state, back=True)
        moved = p - step * scalars["size"]
        if decay:
            moved = moved * scalars["kept"]
        new = dict(state)
        new["m"] = pt.where(first, state["m"], m)
        v = pt.where(first, state["v"], v)
        refreshed = _core.op_function("eigenbasis")
        for axis, side in ((0, "row"), (1, "column")):
            if not _is_turned(state, side):
                continue
            product = pt.matmul(g, pt.permute_dims(g)) if axis == 0 else pt.matmul(pt.permute_dims(g), g)
            gathered = new[f"{side}s"] = running_mean(state[f"{side}s"], product, self.betas[1])
            new[f"{side}_basis"], order = refreshed(gathered, state[f"{side}_basis"], scalars["due"])
            v = pt.take(v, order, axis=axis)
        new["v"] = v
        return pt.where(first, p, moved), new


def _is_turned(state: State, side: str) -> bool:
    return len(state[f"{side}_basis"].shape) == 2


def _turned(x: pt.Tensor, state: State, back: bool = False) -> pt.Tensor:
    """Into the bases of both sides, or back from them."""
    if _is_turned(state, "row"):
        basis = state["row_basis"]
        x = pt.matmul(basis if back else pt.permute_dims(basis), x)
    if _is_turned(state, "column"):
        basis = state["column_basis"]
        x = pt.matmul(x, pt.permute_dims(basis) if back else basis)
    return x
