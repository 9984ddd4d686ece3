"""A module as text: its parts with their settings, and a table of its slots."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

import powertrain as pt
from powertrain.nn.parameter import slot_size
from powertrain.nn.registry import Registry, join

if TYPE_CHECKING:
    from powertrain.nn.module import Module

_HOME = __name__.rpartition(".")[0]


def settings(module: Module) -> str:
    """The arguments of one of our modules, those that a caller had to give and those that are not as usual."""
    made = type(module).__init__
    if not str(made.__module__).startswith(_HOME):
        return ""
    shown = []
    for name, parameter in inspect.signature(made).parameters.items():
        value = vars(module).get(name, inspect.Parameter.empty)
        if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            continue
        if value is None and isinstance(parameter.default, bool):
            value = False  # such as a bias that is not there
        if isinstance(value, (pt.Slot, pt.Tensor, Registry)) or callable(value) or _usual(value, parameter.default):
            continue
        shown.append(f"{name}={value!r}")
    return ", ".join(shown)


def _usual(value: Any, default: Any) -> bool:
    if value is inspect.Parameter.empty:
        return True
    if isinstance(value, tuple) and value and isinstance(default, int):
        return all(one == default for one in value)
    return type(value) is type(default) and bool(value == default)


def text(module: Module) -> str:
    """As PyTorch shows modules, one line for each; neighbours in a list that are alike share one."""
    head, parts = module.extra_repr(), _alike(module._shown())
    lines = "\n".join(([head] if head else []) + [f"({name}): {part}" for name, part in parts])
    if parts or "\n" in head:
        lines = "\n  " + lines.replace("\n", "\n  ") + "\n"
    return f"{type(module).__name__}({lines})"


def _alike(parts: list[tuple[str, Any]]) -> list[tuple[str, str]]:
    """Names and texts; those that are numbered and alike under one name, such as 0-5."""
    found: list[tuple[str, str, str]] = []  # the first name, the last one, the text
    for name, part in parts:
        told = str(part) if isinstance(part, (Registry, str)) else getattr(part, "__name__", repr(part))
        if found and name.isdigit() and found[-1][2] == told:
            found[-1] = (found[-1][0], name, told)
        else:
            found.append((name, name, told))
    return [
        (first, told) if first == last else (f"{first}-{last}", f"{int(last) - int(first) + 1} x {told}")
        for first, last, told in found
    ]


def table(module: Module) -> str:
    """The parts that hold slots, with shapes and counts, and the totals."""
    rows = [
        (part.path or "(self)", part.kind, f"{part.parameters:,}", ", ".join(part.shapes)) for part in parts(module)
    ]
    total, trained = counts(module)
    widths = [max([len(row[column]) for row in rows], default=0) for column in range(3)]
    lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d}" for a, b, c, d in rows]
    frozen = f", of which {total - trained:,} are frozen" if trained < total else ""
    return "\n".join([*lines, f"{total:,} parameters{frozen}"])


class Part(NamedTuple):
    """A module that holds slots of its own: how many parameters it has, how many of these are trained, and its slots
    with their shapes."""

    path: str
    kind: str
    parameters: int
    trained: int
    shapes: list[str]


def parts(module: Module) -> list[Part]:
    """Those of a module that hold slots. What is tied counts where it comes first."""
    found = []
    first: dict[int, str] = {}
    for path, part in module.named_modules():
        shapes, count, trained = [], 0, 0
        for name, slot in part._slots.items():
            tied = first.setdefault(id(slot), join(path, name))
            if tied != join(path, name):
                shapes.append(f"{name} = {tied}")
                continue
            shapes.append(f"{name} {list(slot.shape)}")
            size = 0 if name in part._buffers else slot_size(slot)
            count, trained = count + size, trained + (size if slot.trainable else 0)
        if shapes:
            found.append(Part(path, type(part).__name__, count, trained, shapes))
    return found


def counts(module: Module) -> tuple[int, int]:
    """How many numbers its parameters have, and how many of these are trained. Weights of 8 or 4 bits count as others
    do."""
    from powertrain.nn.quantized import QuantizedConv2d, QuantizedLinear

    coded = 0
    for inner in module.modules():
        if isinstance(inner, QuantizedLinear):
            coded += inner.in_features * inner.out_features
        elif isinstance(inner, QuantizedConv2d):
            coded += slot_size(inner.weight)
        else:
            continue
        coded += slot_size(inner.bias) if inner.bias is not None else 0
    return coded + sum(map(slot_size, module.parameters())), sum(map(slot_size, module.trainable()))
