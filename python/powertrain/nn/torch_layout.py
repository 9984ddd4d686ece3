"""A module's values as PyTorch's module of the same names has them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from powertrain.nn.module import Module

Flattened = Mapping[str, tuple[int, ...]]


def from_torch(model: Module, state: Mapping[str, Any], flattened: Flattened) -> dict[str, NDArray[Any]]:
    """PyTorch's values under our names and in our layout; what the model does not know stays as it is."""
    from powertrain.nn.module import StateError

    first = {id(slot): name for name, slot in model.named_slots()}
    rest = {name: np.asarray(value) for name, value in state.items()}
    found: dict[str, NDArray[Any]] = {}
    for path, owner, name, slot in model.every_path():
        value = rest.pop(path, None)
        if value is None:
            continue
        value = _channels_last(path, value, flattened)
        axes = owner.torch_layout(name)
        if axes is not None and value.ndim == len(axes):
            value = value.transpose(axes)
        own = first[id(slot)]
        if own in found and not np.array_equal(found[own], value, equal_nan=True):
            raise StateError(
                f"[load_state_dict] {path} and {own} have different values; expected one value, since they are tied "
                "here; untie them in the model"
            )
        found[own] = value
    for path, module in model.named_modules():
        for name in module.TORCH_ONLY:
            rest.pop(f"{path}.{name}" if path else name, None)
    return {**found, **rest}


def to_torch(model: Module, flattened: Flattened) -> dict[str, NDArray[Any]]:
    """Our values under every name and in the layout that PyTorch's module has."""
    state = {}
    for path, owner, name, slot in model.every_path():
        value = np.asarray(slot.numpy())
        axes = owner.torch_layout(name)
        if axes is not None:
            value = value.transpose(np.argsort(axes))
        state[path] = np.ascontiguousarray(_channels_first(path, value, flattened))
    return state


def _checked(path: str, value: NDArray[Any], shape: tuple[int, ...]) -> None:
    from powertrain.nn.module import StateError

    if value.ndim != 2 or value.shape[1] != np.prod(shape, dtype=np.int64):
        raise StateError(
            f"[load_state_dict] flattened {path} is {list(value.shape)}, images are {list(shape)}; expected a matrix "
            "with one column for each number of an image; give (channels, height, width)"
        )


def _channels_last(path: str, value: NDArray[Any], flattened: Flattened) -> NDArray[Any]:
    """The columns of a weight (out, in), which read a flat image, in the order of images with channels last."""
    if path not in flattened:
        return value
    shape = flattened[path]
    _checked(path, value, shape)
    return np.moveaxis(value.reshape(-1, *shape), 1, -1).reshape(value.shape)


def _channels_first(path: str, value: NDArray[Any], flattened: Flattened) -> NDArray[Any]:
    if path not in flattened:
        return value
    shape = flattened[path]
    _checked(path, value, shape)
    return np.moveaxis(value.reshape(-1, *shape[1:], shape[0]), -1, 1).reshape(value.shape)
