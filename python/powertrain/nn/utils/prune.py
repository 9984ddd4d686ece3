"""Pruning: weights that count little become zeros and stay so while the model is trained on.

A pruned parameter is its original times a mask (`nn.utils.parametrize`), so any training loop keeps the zeros. `remove`
makes them plain weights again. `shrink` takes away units that are zero as a whole, which makes the model smaller.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import powertrain as pt
from powertrain.errors.boundary import export as _export
from powertrain.errors.hints import attributes as _attributes
from powertrain.nn import checks
from powertrain.nn.module import Module
from powertrain.nn.utils.parametrize import (
    is_parametrized,
    list_of,
    register_parametrization,
    remove_parametrizations,
)
from powertrain.nn.utils.shrinking import Shrunk, shrink

if TYPE_CHECKING:
    from powertrain.typing import TensorLike

__all__ = [
    "Shrunk", "custom_from_mask", "global_unstructured", "is_pruned", "l1_unstructured", "ln_structured", "remove",
    "shrink", "sparsity",
]  # fmt: skip


class Mask(Module):
    """Ones for the weights that stay, zeros for the others; a buffer, so that it is saved with them."""

    def __init__(self, mask: Any) -> None:
        super().__init__()
        self.register_buffer("mask", mask)

    def forward(self, x: Any) -> pt.Tensor:
        made: pt.Tensor = x * pt.astype(self.mask.value, x.dtype)
        return made


def custom_from_mask(module: Module, name: str, mask: TensorLike) -> Module:
    """Keep a parameter at zero where a mask of its shape is zero; returns the module. What is pruned already stays so.

    Errors    a name that is no parameter; a mask of another shape; a parameter that is computed by other means
    Source    PyTorch, nn.utils.prune.custom_from_mask
    Example
        >>> layer = pt.nn.Linear(2, 2)
        >>> pt.nn.utils.prune.custom_from_mask(layer, "weight", [[1, 0], [1, 1]]).weight[0, 1].item() == 0
        True
    """
    return _masked("custom_from_mask", module, name, np.asarray(mask) != 0)


def l1_unstructured(module: Module, name: str, amount: float | int) -> Module:
    """Keep the smallest weights of a parameter at zero: a share of them, or so many; returns the module.

    A second call prunes on: its amount counts those that are zero already.

    Errors    a name that is no parameter; an amount that is no share and no number of them
    Source    PyTorch, nn.utils.prune.l1_unstructured
    Example
        >>> layer = pt.nn.utils.prune.l1_unstructured(pt.nn.Linear(8, 4), "weight", 0.75)
        >>> int((layer.weight == 0).sum().item())
        24
    """
    value = np.abs(_value("l1_unstructured", module, name))
    mask = _largest("l1_unstructured", value.reshape(-1), amount).reshape(value.shape)
    return _masked("l1_unstructured", module, name, mask)


def ln_structured(module: Module, name: str, amount: float | int, n: float = 2, dim: int = -1) -> Module:
    """Keep whole slices of a parameter at zero, those with the smallest norms; returns the module.

    `dim` is the axis that counts the slices: the last one, of outputs and channels, as weights lie here. With it the
    bias of what is pruned is zero too, so that `shrink` can take the units away.

    Errors    as of l1_unstructured; a norm that is not above 0
    Source    PyTorch, nn.utils.prune.ln_structured
    Example
        >>> layer = pt.nn.utils.prune.ln_structured(pt.nn.Linear(8, 4), "weight", 0.5)
        >>> [int(n) for n in (layer.weight == 0).sum(axis=0).numpy()].count(8), int((layer.bias == 0).sum().item())
        (2, 2)
    """
    where = "ln_structured"
    if n != np.inf:
        checks.numbers(where, above=0, n=n)
    value = np.abs(_value(where, module, name)).astype(np.float64)
    if not checks.whole(dim, -value.ndim, value.ndim - 1):
        raise checks.SettingError(f"[{where}] dim = {dim!r}; expected an axis of {list(value.shape)}; -1 is usual")
    axis = int(dim) % value.ndim
    slices = np.moveaxis(value, axis, 0).reshape(value.shape[axis], -1)
    norms = slices.max(axis=1, initial=0) if np.isinf(n) else (slices**n).sum(axis=1) ** (1 / n)
    keep = _largest(where, norms, amount)
    shape = [-1 if at == axis else 1 for at in range(value.ndim)]
    _masked(where, module, name, np.broadcast_to(keep.reshape(shape), value.shape))
    has_bias = any(known == "bias" for known, _ in module.named_parameters(recurse=False)) or is_pruned(module, "bias")
    if axis == value.ndim - 1 and has_bias and tuple(module.bias.shape) == keep.shape:
        _masked(where, module, "bias", keep)
    return module


def global_unstructured(parameters: Sequence[tuple[Module, str]], amount: float | int) -> None:
    """Keep the smallest weights of several parameters at zero, compared with each other: layers that need their weights
    keep more of them.

    Errors    as of l1_unstructured; no parameters
    Source    PyTorch, nn.utils.prune.global_unstructured
    Example
        >>> model = pt.nn.Sequential(pt.nn.Linear(8, 8), pt.nn.Linear(8, 2))
        >>> pt.nn.utils.prune.global_unstructured([(layer, "weight") for layer in model], 0.5)
        >>> pt.nn.utils.prune.sparsity(model)["weight"]
        0.5
    """
    where = "global_unstructured"
    given = list(parameters)
    if not given:
        raise checks.SettingError(
            f'[{where}] received no parameters; expected some; pass [(model.head, "weight"), ...]'
        )
    values = [np.abs(_value(where, module, name)) for module, name in given]
    keep = _largest(where, np.concatenate([value.reshape(-1) for value in values]), amount)
    ends = np.cumsum([value.size for value in values])[:-1]
    for (module, name), value, part in zip(given, values, np.split(keep, ends), strict=True):
        _masked(where, module, name, part.reshape(value.shape))


def is_pruned(module: Module, name: str | None = None) -> bool:
    """Whether a parameter of the module, or any of them, is kept at zero somewhere.

    Example
        >>> pt.nn.utils.prune.is_pruned(pt.nn.Linear(2, 2))
        False
    """
    if not is_parametrized(module, name):
        return False
    names = [name] if name is not None else list(module._modules["parametrizations"]._modules)
    return any(_mask_of(module, one) is not None for one in names)


def remove(module: Module, name: str) -> Module:
    """Make a pruned parameter a plain one again, with its zeros; returns the module.

    Errors    a parameter that is not pruned
    Source    PyTorch, nn.utils.prune.remove
    Example
        >>> layer = pt.nn.utils.prune.l1_unstructured(pt.nn.Linear(4, 4), "weight", 0.5)
        >>> sorted(pt.nn.utils.prune.remove(layer, "weight").state_dict())
        ['bias', 'weight']
    """
    if not is_pruned(module, name):
        raise checks.SettingError(
            f"[remove] {name!r} of {type(module).__name__} is not pruned; expected a parameter that is; see is_pruned"
        )
    return remove_parametrizations(module, name)


def sparsity(model: Module) -> dict[str, float]:
    """The share of zeros among the weights of each layer, by its path, and of all together as "weight".

    Example
        >>> pt.nn.utils.prune.sparsity(pt.nn.Sequential(pt.nn.Linear(2, 2)))
        {'0': 0.0, 'weight': 0.0}
    """
    zeros, sizes = {}, {}
    for path, module in model.named_modules():
        there = "weight" in module._slots or is_parametrized(module, "weight")
        weight = module.weight if there else None
        if weight is not None:
            value = np.asarray(pt.astype(pt.asarray(weight), "float32"))
            zeros[path], sizes[path] = int((value == 0).sum()), value.size
    found = {path: zeros[path] / max(sizes[path], 1) for path in zeros}
    return {**found, "weight": sum(zeros.values()) / max(sum(sizes.values()), 1)}


def _value(where: str, module: Module, name: str) -> NDArray[Any]:
    known = [one for one, _ in module.named_parameters(recurse=False)]
    if name not in known and not is_pruned(module, name):
        raise checks.SettingError(
            f"[{where}] name = {name!r}; expected a parameter of {type(module).__name__} that is not computed by other "
            f"means: {', '.join(known) or 'it has none'}; see module.named_parameters()"
        )
    return np.asarray(pt.astype(pt.asarray(getattr(module, name)), "float32"))


def _largest(where: str, sizes: NDArray[Any], amount: float | int) -> NDArray[np.bool_]:
    """Which of so many numbers are left when the smallest of them are taken; of equal ones the last stay."""
    whole = checks.whole(amount, 0, sizes.size)
    share = isinstance(amount, float) and 0 <= amount <= 1
    if not (whole or share):
        raise checks.SettingError(
            f"[{where}] amount = {amount!r}; expected a share from 0.0 to 1.0, or a whole number up to {sizes.size:,}; "
            "0.5 takes half"
        )
    count = round(amount * sizes.size) if isinstance(amount, float) else int(amount)
    keep = np.ones(sizes.size, np.bool_)
    keep[np.argsort(sizes, kind="stable")[:count]] = False
    return keep


def _masked(where: str, module: Module, name: str, keep: NDArray[np.bool_]) -> Module:
    value = _value(where, module, name)
    if keep.shape != value.shape:
        raise pt.ShapeError(
            f"[{where}] mask is {list(keep.shape)}, {name} is {list(value.shape)}; expected one number for each "
            "weight; reshape the mask"
        )
    held = _mask_of(module, name)
    if held is None:
        register_parametrization(module, name, Mask(keep.astype(np.uint8)))
    else:
        held.mask = held.mask.numpy() * keep.astype(np.uint8)
    return module


def _mask_of(module: Module, name: str) -> Mask | None:
    if not is_parametrized(module, name):
        return None
    return next((one for one in list_of(module, name).children() if isinstance(one, Mask)), None)


_export(globals())
__getattr__, __dir__ = _attributes(__name__, __all__)
