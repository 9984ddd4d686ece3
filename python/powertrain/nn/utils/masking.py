"""Pruning a whole model: its smallest weights, or whole units, and the way back to plain weights."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from powertrain.nn import checks
from powertrain.nn.module import Module
from powertrain.nn.parameter import array_of
from powertrain.nn.quantizing import demand_layers, layers_of
from powertrain.nn.utils import prune
from powertrain.nn.utils.shrinking import unit_layers


def mask(model: Module, sparsity: float, *, structured: bool = False, skip: Sequence[str] = ()) -> None:
    """Keep a share of the weights of Linear and Conv2d layers at zero, the smallest of all layers together.

    `structured`: of each layer that `shrink` makes smaller, the units of the smallest norms, and their channels in the
    batch norm behind it.
    """
    demand_layers(model, skip, "prune")
    layers = layers_of(model, skip)
    if not structured:
        prune.global_unstructured([(layer, "weight") for layer in layers.values()], sparsity)
        return
    found = [one for one in unit_layers(model) if one.path in layers and not one.reason]
    if not found:
        raise checks.SettingError(
            f"[prune] {type(model).__name__} has no layer whose units can be taken away; expected layers that follow "
            "each other in a Sequential; prune single weights: structured = false"
        )
    for one in found:
        units = one.layer.weight.shape[-1]
        prune.ln_structured(one.layer, "weight", min(round(sparsity * units), units - 1))
        if one.norm is not None:
            weight = np.asarray(one.layer.weight)
            left = np.any(weight.reshape(-1, units) != 0, axis=0)
            for name in ("weight", "bias"):
                prune.custom_from_mask(one.norm, name, left)


def plain(model: Module) -> None:
    """Make plain weights, with their zeros, of all that are pruned."""
    for module in list(model.modules()):
        for name in ("weight", "bias"):
            if prune.is_pruned(module, name):
                prune.remove(module, name)


def nonzero(model: Module) -> int:
    """How many numbers of a model are not zero."""
    return sum(int(np.count_nonzero(array_of(slot))) for slot in model.parameters())
