"""Layers whose gradients vanish or explode, told by the norm of the gradient over that of the weights.

Gradients of layers of different sizes cannot be compared, their ratios to the weights can: they are what LARS goes by
(You, Gitman & Ginsburg 2017). A layer whose ratio is a millionth of another's stands still beside it. One whose
gradient is a thousand times its weights is thrown away by any usual rate.

Only steps that are looked into run the program that computes the norms. It does the rest as the other one does, in the
same order, and so the same bits are learned with looks as without.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import powertrain as pt
from powertrain.autodiff.row_sparse import RowSparse

if TYPE_CHECKING:
    from powertrain.recipe.sections import Anomalies


class Norms(NamedTuple):
    """Of one parameter, or of the parameters of a layer together."""

    gradient: float
    weight: float


class Look:
    """What a program of a step gives beside its work: the norms of each parameter, told by name."""

    def __init__(self) -> None:
        self._names: list[str] = []
        self._norms: list[pt.Tensor] = []

    def begin(self) -> None:
        """Called where a trace begins: a step may be traced again."""
        self._names, self._norms = [], []

    def minimized(self, opt: Any, grads: Any, weight: Any) -> None:
        """Called inside a trace with the gradients of a sum, which the update divides by its weight."""
        scale = pt.asarray(1.0 if weight is None else weight)
        if opt.loss_scale is not None:
            scale = scale * opt.loss_scale.slot.value
        for (path, slot), gradient in zip(opt.params, grads, strict=True):
            g = gradient.summed()[0] if isinstance(gradient, RowSparse) else gradient
            self._names.append(path if opt.name == "optimizer" else f"{opt.name.partition('.')[2]}.{path}")
            self._norms.append(pt.stack([_norm(g) / pt.astype(scale, "float64"), _norm(slot.value)]))

    def found(self) -> pt.Tensor:
        return pt.stack(self._norms) if self._norms else pt.zeros((0, 2), "float64")

    def named(self, norms: pt.Tensor) -> dict[str, Norms]:
        """What a call of the program gave, by parameter."""
        return {name: Norms(*row) for name, row in zip(self._names, norms.numpy().tolist(), strict=True)}


def _norm(tensor: pt.Tensor) -> pt.Tensor:
    """In float64, so that the squares of finite numbers stay finite."""
    real = pt.view_as_real(tensor) if tensor.dtype.is_complex else tensor
    return pt.sqrt(pt.sum(pt.square(pt.astype(real, "float64"))))


class OddLayer(NamedTuple):
    kind: str
    layer: str
    words: str


def of_layers(parameters: Mapping[str, Norms]) -> dict[str, Norms]:
    """The norms of layers: a layer has the names of its parameters without their last part."""
    squares: dict[str, list[float]] = {}
    for name, (gradient, weight) in parameters.items():
        sums = squares.setdefault(name.rpartition(".")[0] or "model", [0.0, 0.0])
        sums[0] += gradient * gradient
        sums[1] += weight * weight
    return {name: Norms(math.sqrt(gradient), math.sqrt(weight)) for name, (gradient, weight) in squares.items()}


def odd_layers(parameters: Mapping[str, Norms], settings: Anomalies) -> Iterator[OddLayer]:
    """The layers that are out of proportion. Weights that are all zero, as adapters begin, have none."""
    ratios = {name: norms.gradient / norms.weight for name, norms in of_layers(parameters).items() if norms.weight > 0}
    largest = max(ratios.values(), default=0.0)
    for name, ratio in ratios.items():
        if ratio > settings.exploding:
            yield OddLayer("exploding gradient", name, f"the gradient of {name} is {ratio:.3g} times its weights")
        elif ratio < settings.vanishing * largest:
            yield OddLayer(
                "vanishing gradient", name,
                f"the gradient of {name} is {ratio:.3g} times its weights, and {largest:.3g} in another layer",
            )  # fmt: skip
