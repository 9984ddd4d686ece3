"""Checks of the settings of modules, when these are made: `[module] what was received; what was expected; the fix`."""

from __future__ import annotations

import math
import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import powertrain as pt


class SettingError(pt.Error, ValueError):
    """A setting that a module cannot have: `[module] what was received; what was expected; how to fix it`."""


class StateError(pt.Error, ValueError):
    """Named values that do not fit a module: `[where] what was received; what was expected; how to fix it`."""


class MissingNameError(pt.Error, AttributeError):
    """A name or path that a module does not have: `[module] what was received; what was expected; how to fix it`."""


class MissingKeyError(pt.Error, KeyError):
    """A key that a container of modules does not have: `[module] what was received; what was expected; the fix`."""

    __str__ = Exception.__str__  # that of KeyError puts the text in quotes


MOST = 2**31 - 1  # of one size: an axis of more elements than that is a mistake
MOST_LAYERS = 10_000  # each is a module of its own: more would take longer to make than anybody waits


def whole(value: Any, least: int, most: int = MOST) -> bool:
    """Whether a value is a whole number from `least` on."""
    if isinstance(value, (bool, np.bool_)):
        return False
    try:
        return least <= operator.index(value) <= most
    except TypeError:
        return False


# Settings of PyTorch's constructors that have one meaning here: the values that say that meaning, and what to write
# instead of another one.
_FIXED: dict[str, tuple[tuple[Any, ...], str]] = {
    "batch_first": ((True,), "sequences are [batch, time, features]; turn them with pt.swapaxes(x, 0, 1)"),
    "inplace": ((False,), "tensors never change; leave inplace out and use what the module returns"),
    "max_norm": ((None,), "after an update write layer.weight.value = pt.renorm(layer.weight, 2, 0, max_norm)"),
    "padding_mode": (("zeros",), "pad before with pt.nn.ReflectionPad2d or its like"),
    "recompute_scale_factor": ((None, False), "give size, computed from scale_factor"),
}  # fmt: skip


def fixed(where: str, **given: Any) -> None:
    """Settings that PyTorch has and that have one value here, each by PyTorch's name."""
    for name, value in given.items():
        values, fix = _FIXED[name]
        if not any(value is one or (type(value) is type(one) and value == one) for one in values):
            words = " or ".join(map(repr, values))
            raise SettingError(f"[{where}] {name} = {value!r}; expected {words}; {fix}")


def sizes(where: str, least: int = 0, **given: Any) -> None:
    """Whole numbers, such as widths."""
    _demand_whole(where, least, MOST, given)


def layers(where: str, least: int = 0, **given: Any) -> None:
    """Numbers of layers."""
    _demand_whole(where, least, MOST_LAYERS, given)


def _demand_whole(where: str, least: int, most: int, given: Mapping[str, Any]) -> None:
    for name, value in given.items():
        if not whole(value, least, most):
            raise pt.ShapeError(
                f"[{where}] {name} = {value!r}; expected a whole number from {least} to {most}; "
                f"for example {name} = {max(8, least)}"
            )


def per_axis(where: str, axes: int, least: int = 0, **given: Any) -> None:
    """Whole numbers for each axis of space: one for all of them, or a tuple of one each."""
    for name, value in given.items():
        several = isinstance(value, (tuple, list))
        if not all(whole(one, least) for one in (value if several else [value])) or (several and len(value) != axes):
            words = f"a whole number from {least} to {MOST}" + (f", or a tuple of {axes}" if axes > 1 else "")
            raise pt.ShapeError(f"[{where}] {name} = {value!r}; expected {words}; for example {name} = {max(1, least)}")


def numbers(
    where: str, least: float = -math.inf, above: float = -math.inf, most: float = math.inf, **given: Any
) -> None:
    """Finite numbers within bounds."""
    for name, value in given.items():
        real = isinstance(value, (int, float, np.integer, np.floating)) and not isinstance(value, bool)
        if not (real and math.isfinite(value) and value >= least and value > above and value <= most):
            bounds = [f">= {least:g}"] * (least > -math.inf) + [f"> {above:g}"] * (above > -math.inf)
            bounds += [f"<= {most:g}"] * (most < math.inf)
            raise SettingError(
                f"[{where}] {name} = {value!r}; expected a finite number{' ' if bounds else ''}{' and '.join(bounds)}; "
                f"leave {name} out for the usual one"
            )


def share(where: str, p: Any, name: str = "p") -> float:
    """Of the numbers that become zero, by a dropout or as initial values."""
    real = isinstance(p, (int, float, np.integer, np.floating)) and not isinstance(p, bool)
    if not (real and 0 <= p < 1):
        raise SettingError(f"[{where}] {name} = {p!r}; expected 0 <= {name} < 1; 0.1 is usual")
    return float(p)


def choice(where: str, choices: Sequence[str], **given: Any) -> None:
    """One of several words."""
    for name, value in given.items():
        if value not in choices:
            words = ", ".join(repr(one) for one in choices[:-1]) + f" or {choices[-1]!r}"
            raise SettingError(f"[{where}] {name} = {value!r}; expected {words}; {choices[0]!r} is usual")


def spread(value: Any, axes: int) -> tuple[int, ...]:
    """One number for all axes of space, or one for each, as one for each."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes


def axes(where: str, x: Any, *counts: int, shape: str) -> None:
    """Of what goes into a module."""
    if x.ndim not in counts:
        words = " or ".join(map(str, counts))
        raise pt.ShapeError(f"[{where}] input is {list(x.shape)}; expected {words} axes, {shape}; reshape it")


def groups(where: str, inputs: int, outputs: int, groups: int) -> None:
    """Of a convolution."""
    sizes(where, 1, groups=groups)
    if inputs % groups or outputs % groups:
        raise pt.ShapeError(
            f"[{where}] {inputs} to {outputs} channels in {groups} groups; expected channels that are multiples of "
            "groups; change groups"
        )


def shape_of(value: Any) -> tuple[int, ...]:
    """Of a tensor, a symbolic one too, an array or numbers."""
    return tuple(value.shape) if hasattr(value, "shape") else np.shape(value)


def one_shape(where: str, **given: Any) -> None:
    """Of what is compared element by element, and would otherwise broadcast: [n, 1] and [n] to [n, n]."""
    found = [shape_of(value) for value in given.values()]
    if found and found.count(found[0]) < len(found):
        shapes = dict(zip(given, found, strict=True))
        *first, last = shapes
        words = ", ".join(f"{name} is {list(shape)}" for name, shape in shapes.items())
        raise pt.ShapeError(f"[{where}] {words}; expected one shape; reshape {last}, or {' or '.join(first)}")
