"""The traced side of histograms: evenly spaced numbers of the gradients, weights and activations of each layer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain import _core
from powertrain.data.source import evenly_spaced
from powertrain.nn.hooks import Hook
from powertrain.train.run.looks import as_real, dense, divisor, layer_of, parameter_name

if TYPE_CHECKING:
    from powertrain.nn import Module
    from powertrain.recipe.sections import HistogramsSection

One = TypeVar("One")
GRADIENT, WEIGHT, ACTIVATION = KINDS = ("gradient", "weight", "activation")


class Samples:
    """A Look that samples each layer. The result is one vector; `named` cuts it up."""

    def __init__(self, modules: Mapping[str, Module], settings: HistogramsSection) -> None:
        self._settings = settings
        self.hooks = list(self._hooks_of(modules))
        self.begin()

    def begin(self) -> None:
        self._outputs: list[tuple[str, pt.Tensor]] = []  # of modules, in the order of their calls
        self._samples: dict[str, pt.Tensor] = {}
        self._trace = _core.trace_id()

    def minimized(self, opt: Any, grads: Any, weight: Any) -> None:
        layers: dict[str, list[tuple[pt.Tensor, pt.Tensor]]] = {}
        for (path, slot), gradient in zip(opt.params, grads, strict=True):
            layers.setdefault(layer_of(parameter_name(opt, path)), []).append((dense(gradient), slot.value))
        scale = pt.astype(divisor(opt, weight), "float32")
        for layer, parameters in _spread_out(list(layers.items()), self._settings.layers):
            gradients, weights = zip(*parameters, strict=True)
            self._add(f"{GRADIENT} {layer}", self._sample(gradients) / scale)
            self._add(f"{WEIGHT} {layer}", self._sample(weights))

    def found(self) -> pt.Tensor:
        for layer, output in _spread_out(self._outputs, self._settings.layers):
            self._add(f"{ACTIVATION} {layer}", self._sample([output]))
        return pt.concat(list(self._samples.values())) if self._samples else pt.zeros((0,))

    def named(self, found: pt.Tensor) -> dict[str, NDArray[np.float32]]:
        """What a call of the program gave, by kind and layer: `gradient 0`."""
        ends = np.cumsum([sample.shape[0] for sample in self._samples.values()])
        return dict(zip(self._samples, np.split(found.numpy(), ends[:-1]), strict=True))

    def _add(self, name: str, sample: pt.Tensor) -> None:
        """A layer that is called again, or an optimizer that takes a second step, counts its calls."""
        calls = sum(other.partition(" (call ")[0] == name for other in self._samples)
        self._samples[f"{name} (call {calls + 1})" if calls else name] = sample

    def _sample(self, tensors: Sequence[pt.Tensor]) -> pt.Tensor:
        """About so many of the numbers of some tensors together, evenly spaced."""
        tensors = [as_real(tensor) for tensor in tensors]
        apart = -(-sum(math.prod(tensor.shape) for tensor in tensors) // self._settings.sample)
        spaced = [pt.reshape(tensor, (-1,))[:: _no_divisor(apart, tensor)] for tensor in tensors]
        return pt.concat([pt.astype(numbers, "float32") for numbers in spaced])

    def _hooks_of(self, modules: Mapping[str, Module]) -> Iterator[tuple[Module, Hook]]:
        """A hook for each module without others in it, whose output is an activation."""
        for role, module in modules.items():
            for path, inner in module.named_modules():
                if not list(inner.children()):
                    name = path if role == "model" and path else f"{role}.{path}".rstrip(".")
                    yield inner, Hook.after(self._seen(name))

    def _seen(self, layer: str) -> Any:
        def see(module: Module, args: Any, output: Any) -> None:
            if _core.trace_id() != self._trace:  # in a loop, a branch or a checkpoint: no value leaves it
                return
            first = output[0] if isinstance(output, tuple) else output  # recurrent ones give their state too
            if isinstance(first, pt.Tensor) and (first.dtype.is_float or first.dtype.is_complex):
                self._outputs.append((layer, first))

        return see


def _no_divisor(apart: int, tensor: pt.Tensor) -> int:
    """The next distance that has no divisor in common with the last axis: each of its channels is met."""
    while tensor.shape and math.gcd(apart, tensor.shape[-1]) > 1:
        apart += 1
    return apart


def _spread_out(found: list[One], most: int) -> list[One]:
    """At most so many, the first and the last among them."""
    return [found[at] for at in evenly_spaced(len(found), most).tolist()]
