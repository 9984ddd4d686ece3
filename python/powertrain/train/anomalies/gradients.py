"""Layers whose gradients vanish or explode, told by the norm of the gradient over that of the weights.

Gradients of layers of different sizes cannot be compared, their ratios to the weights can: they are what LARS goes by
(You, Gitman & Ginsburg 2017). A layer whose ratio is a millionth of another's stands still beside it. One whose
gradient is a thousand times its weights is thrown away by any usual rate.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import powertrain as pt
from powertrain.train.run.looks import as_real, dense, divisor, layer_of, parameter_name

if TYPE_CHECKING:
    from powertrain.recipe.sections import Anomalies


class Norms(NamedTuple):
    """Of one parameter, or of the parameters of a layer together."""

    gradient: float
    weight: float


class NormsLook:
    """A Look at the norms of each parameter, told by name."""

    hooks = ()

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        self._names: list[str] = []
        self._norms: list[pt.Tensor] = []

    def minimized(self, opt: Any, grads: Any, weight: Any) -> None:
        scale = pt.astype(divisor(opt, weight), "float64")
        for (path, slot), gradient in zip(opt.params, grads, strict=True):
            self._names.append(parameter_name(opt, path))
            self._norms.append(pt.stack([_norm(dense(gradient)) / scale, _norm(slot.value)]))

    def found(self) -> pt.Tensor:
        return pt.stack(self._norms) if self._norms else pt.zeros((0, 2), "float64")

    def named(self, norms: pt.Tensor) -> dict[str, Norms]:
        """What a call of the program gave, by parameter."""
        return {name: Norms(*row) for name, row in zip(self._names, norms.numpy().tolist(), strict=True)}


def _norm(tensor: pt.Tensor) -> pt.Tensor:
    """In float64, so that the squares of finite numbers stay finite."""
    return pt.sqrt(pt.sum(pt.square(pt.astype(as_real(tensor), "float64"))))


class OddLayer(NamedTuple):
    kind: str
    layer: str
    words: str


def of_layers(parameters: Mapping[str, Norms]) -> dict[str, Norms]:
    """The norms of layers."""
    squares: dict[str, list[float]] = {}
    for name, (gradient, weight) in parameters.items():
        sums = squares.setdefault(layer_of(name), [0.0, 0.0])
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
