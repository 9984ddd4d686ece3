"""Operators of ONNX as functions of tensors: inputs by position (None where one is left out), attributes by name."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import powertrain as pt
from powertrain_onnx.errors import OnnxError

MOST_ELEMENTS = 1 << 31  # of one result: a few numbers of a file may ask for more than any memory holds


@dataclass(frozen=True)
class Operator:
    """A function, the values that an attribute may have where it may not have all, and which inputs are settings: they
    are read as numbers while a step is traced, so they are no parameters. Of one that `broadcasts`, the shape that the
    inputs have together is looked at before it is called."""

    function: Callable[..., Any]
    only: Mapping[str, tuple[Any, ...]]
    settings: tuple[int, ...]
    broadcasts: bool = False

    def __call__(self, *operands: Any, **attributes: Any) -> Any:
        if self.broadcasts:
            shapes = [one.shape[::-1] for one in operands if one is not None]
            bounded([max(sizes) for sizes in itertools.zip_longest(*shapes, fillvalue=1)])
        return self.function(*operands, **attributes)

    def lacks(self, inputs: int, attributes: Mapping[str, Any]) -> str:
        """What of a node it does not have; nothing if it has all."""
        parameters = inspect.signature(self.function).parameters
        listed = any(one.kind is one.VAR_POSITIONAL for one in parameters.values())
        unknown = [name for name in attributes if name not in parameters]
        if unknown:
            return f"attribute {unknown[0]}"
        for name, allowed in self.only.items():
            value = attributes.get(name, parameters[name].default)
            if value not in allowed:
                return f"{name} = {value!r}"
        positional = [one for one in parameters.values() if one.kind is one.POSITIONAL_OR_KEYWORD]
        if not listed and inputs > len(positional):
            return f"{inputs} inputs"
        return ""


OPERATORS: dict[str, Operator] = {}


def operator(
    *names: str, settings: Collection[int] = (), broadcasts: bool = False, **only: tuple[Any, ...]
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a function as what stands for operators of ONNX."""

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        OPERATORS.update(dict.fromkeys(names, Operator(function, only, tuple(settings), broadcasts)))
        return function

    return register


def offered(condition: bool, what: str) -> None:
    """Refuse what only the numbers of a call tell."""
    if not condition:
        raise OnnxError(f"{what} is not supported")


def ints(value: Any) -> tuple[int, ...]:
    """The numbers of a small tensor of integers, or of an attribute."""
    if isinstance(value, (tuple, list)):
        return tuple(int(one) for one in value)
    if value.symbolic:
        raise OnnxError("a size depends on numbers of the inputs; expected one that the shapes of the inputs tell")
    return tuple(int(one) for one in value.numpy().ravel())


def whole(value: Any) -> int:
    """The number of a tensor of one integer."""
    found = ints(value)
    offered(len(found) == 1, f"{len(found)} numbers in place of one")
    return found[0]


def bounded(shape: Collection[int]) -> tuple[int, ...]:
    """A shape that a file asks for, which memory can hold."""
    size = float(np.prod(np.array(list(shape), dtype=np.float64))) if shape else 1.0
    if size > MOST_ELEMENTS:
        raise OnnxError(f"a tensor of {list(shape)} is asked for; expected at most {MOST_ELEMENTS:,} elements")
    return tuple(shape)


def channels_last(x: Any) -> Any:
    """[n, channels, ...] as [n, ..., channels]."""
    return pt.moveaxis(x, 1, -1)


def channels_first(x: Any) -> Any:
    return pt.moveaxis(x, -1, 1)
