"""A call of PyTorch as a call of the engine: its name and arguments in, results in PyTorch's layout out.

`CALLS` has an entry for each name that the engine offers; they are written in torch_calls/, with PyTorch's own argument
names, so that an argument that is not there is told from one that is wrong. Those of other layouts (channels last,
weights as (in, out)) turn their arguments here, not in the engine.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import torch

import powertrain as pt

CALLS: dict[str, Callable[..., Any]] = {}
COMPLEX: set[str] = set()  # of these names, those that are compared for complex numbers too


class NotOfferedError(Exception):
    """An argument, or a value of one, that the engine does not have; its text is the argument's name."""


def call_of(*names: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Registers a function of powertrain tensors as what stands for these names of PyTorch."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        CALLS.update(dict.fromkeys(names, function))
        return function

    return register


def offered(condition: bool, argument: str) -> None:
    if not condition:
        raise NotOfferedError(argument)


def bind(name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
    """The arguments as the call takes them, or NotOfferedError with the name of the first that it does not take."""
    signature = inspect.signature(CALLS[name])
    takes_all = any(p.kind is p.VAR_KEYWORD for p in signature.parameters.values())
    unknown = [] if takes_all else [key for key in kwargs if key not in signature.parameters]
    offered(not unknown, ", ".join(unknown))
    try:
        return signature.bind(*args, **kwargs)
    except TypeError:
        raise NotOfferedError(f"{len(args)} arguments by position") from None


def to_engine(value: Any, made: dict[int, Any] | None = None) -> Any:
    """Tensors, dtypes and what holds them, as the engine's; a tensor that is there twice is one here too."""
    made = {} if made is None else made
    if isinstance(value, torch.Tensor):
        offered(value.layout == torch.strided, "layout")
        if id(value) not in made:
            made[id(value)] = pt.tensor(value.detach().numpy(), to_engine(value.dtype))
        return made[id(value)]
    if isinstance(value, torch.dtype):
        name = str(value).removeprefix("torch.")
        offered(hasattr(pt.DType, name), name)
        return getattr(pt.DType, name)
    if isinstance(value, (list, tuple)):
        converted = [to_engine(item, made) for item in value]
        # Named tuples (torch.Size, results of torch.max) become plain ones.
        return converted if isinstance(value, list) else tuple(converted)
    if isinstance(value, dict):
        return {key: to_engine(item, made) for key, item in value.items()}
    return value


def tensors_of(value: Any, kind: Any) -> list[Any]:
    """The tensors of a kind in a tree of tuples, lists and dicts, from left to right."""
    if isinstance(value, kind):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [found for item in value for found in tensors_of(item, kind)] if isinstance(value, (list, tuple)) else []


def watched_places(tensors: list[Any]) -> list[int]:
    """The places of the tensors that gradients are taken of, each tensor once."""
    first = {id(tensor): at for at, tensor in reversed(list(enumerate(tensors)))}
    return [at for at, tensor in enumerate(tensors) if tensor.requires_grad and first[id(tensor)] == at]


def replaced(value: Any, new: dict[int, Any]) -> Any:
    """The tree with other values in the place of some tensors, which are told by identity."""
    if id(value) in new:
        return new[id(value)]
    if isinstance(value, dict):
        return {key: replaced(item, new) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        items = [replaced(item, new) for item in value]
        return tuple(items) if isinstance(value, tuple) else items
    return value


def channels_last(x: Any, axes: int) -> Any:
    """(N, C, space...) or (C, space...), which gets an N of 1, as (N, space..., C)."""
    return pt.moveaxis(x if x.ndim == axes + 2 else pt.expand_dims(x, 0), 1, -1)


def channels_first(y: Any, batched: bool) -> Any:
    first = pt.moveaxis(y, -1, 1)
    return first if batched else pt.squeeze(first, 0)


def sizes(value: Any, axes: int) -> tuple[int, ...]:
    """One number for all axes, or one of each."""
    return (value,) * axes if isinstance(value, int) else tuple(value) if len(value) > 1 else tuple(value) * axes


# Registers the calls.
from conformance.torch_calls import (  # noqa: E402
    elementwise,  # noqa: F401
    fourier,  # noqa: F401
    layers,  # noqa: F401
    linear_algebra,  # noqa: F401
    losses,  # noqa: F401
    reductions,  # noqa: F401
    scatter,  # noqa: F401
    shapes,  # noqa: F401
    windows,  # noqa: F401
)
