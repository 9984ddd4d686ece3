"""A module's values as PyTorch's module of the same names has them, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from powertrain.nn.checks import StateError
from powertrain.nn.parameter import array_of

if TYPE_CHECKING:
    from powertrain.nn.state import State

Flattened = Mapping[str, tuple[int, ...]]


def fits(model: State, state: Mapping[str, NDArray[Any]]) -> bool:
    """Whether all values have PyTorch's shapes, and a shape or a name is PyTorch's alone."""
    found = _shapes(model, state)
    alone = any(torch and not own for own, torch, _ in found) or any(name in state for name in _torch_only(model))
    return all(torch for _, torch, _ in found) and alone


def unknown(model: State, state: Mapping[str, NDArray[Any]]) -> list[str]:
    """The names that PyTorch's module has not."""
    known = {path for path, *_ in model.every_path()} | _torch_only(model)
    return [name for name in state if name not in known]


def _torch_only(model: State) -> set[str]:
    """The names that PyTorch's module has and this one has not."""
    named = {f"{path}.{name}" if path else name for path, one in model.named_modules() for name in one.TORCH_ONLY}
    return named - {path for path, *_ in model.every_path()}


def assumed(model: State, state: Mapping[str, NDArray[Any]], foreign: bool) -> Literal["own", "torch"]:
    """The layout of a state of which nobody said it; `foreign`: PyTorch's tensors are in it.

    Arrays are in our layout. PyTorch's tensors are in its own where a shape says so; square matrices say nothing, and
    to guess would be to transpose them, or not to, behind the caller's back.
    """
    if not foreign:
        return "own"
    found = _shapes(model, state)
    if any(own and not torch for own, torch, _ in found):
        return "own"
    if any(torch and not own for own, torch, _ in found):
        return "torch"
    unclear = [path for _, _, path in found if path]
    if unclear:
        raise StateError(
            f"[load_state_dict] {unclear[0]} is {list(state[unclear[0]].shape)} in our layout and in PyTorch's, which "
            'is its transpose; expected the layout; write load_state_dict(state, layout="torch") for weights of '
            'PyTorch\'s module, layout="own" for those of state_dict()'
        )
    return "torch"


def _shapes(model: State, state: Mapping[str, NDArray[Any]]) -> list[tuple[bool, bool, str]]:
    """Of each value whose slot is there: fits ours, fits PyTorch's, and its path if both do and they differ."""
    found = []
    for path, owner, name, slot in model.every_path():
        if path not in state:
            continue
        shape, axes = tuple(state[path].shape), owner.torch_layout(name)
        turned = tuple(shape[axis] for axis in axes) if axes is not None and len(axes) == len(shape) else shape
        own, torch = shape == tuple(slot.shape), turned == tuple(slot.shape)
        found.append((own, torch, path if own and torch and axes is not None else ""))
    return found


def from_torch(model: State, state: Mapping[str, NDArray[Any]], flattened: Flattened) -> dict[str, NDArray[Any]]:
    """PyTorch's values under our names and in our layout; what the model does not know stays as it is."""
    first = {id(slot): name for name, slot in model.named_slots()}
    rest = dict(state)
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
    for name in _torch_only(model):
        rest.pop(name, None)
    return {**found, **rest}


def to_torch(model: State, flattened: Flattened) -> dict[str, NDArray[Any]]:
    """Our values under every name and in the layout that PyTorch's module has."""
    state = {}
    for path, owner, name, slot in model.every_path():
        if name in owner._transient:
            continue
        value = array_of(slot)
        axes = owner.torch_layout(name)
        if axes is not None:
            value = value.transpose(np.argsort(axes))
        state[path] = np.array(_channels_first(path, value, flattened), order="C")
    return state


def _checked(path: str, value: NDArray[Any], shape: tuple[int, ...]) -> None:
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
