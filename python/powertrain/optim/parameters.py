"""Which parameters an optimizer trains, under which names and with which settings of their own."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import powertrain as pt
from powertrain.errors.boundary import shown
from powertrain.nn.module import Module
from powertrain.optim.settings import OptimizerError, check_settings

Named: TypeAlias = Module | pt.Slot | Mapping[str, Any] | Iterable[pt.Slot | tuple[str, pt.Slot] | Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Group:
    """Settings of the parameters whose names match a pattern; the first group that matches counts."""

    pattern: str
    rate: float = 1.0
    weight_decay: float | None = None
    frozen: bool = False


@dataclasses.dataclass(frozen=True)
class Chosen:
    """One parameter with its name, the factor on its rate, and its decay, if it has one of its own."""

    path: str
    slot: pt.Slot
    rate: float = 1.0
    weight_decay: float | None = None


def choose(where: str, params: Any, groups: Sequence[Group], lr: float) -> list[Chosen]:
    """The parameters to train, each named, after the frozen groups are frozen; every pattern must match something."""
    found = _unique(where, list(_entries(where, params, lr)))
    for group in groups:
        check_settings(where, rate=group.rate, weight_decay=group.weight_decay or 0.0)
        if not any(fnmatch.fnmatchcase(one.path, group.pattern) for one in found):
            paths = ", ".join(one.path for one in found[:6])
            raise OptimizerError(
                f"[{where}] group pattern {group.pattern!r} matches no parameter; expected one that matches some "
                f"of {paths}; see model.named_parameters()"
            )
    matched = [(one, next((g for g in groups if fnmatch.fnmatchcase(one.path, g.pattern)), None)) for one in found]
    for one, match in matched:
        if match is not None and match.frozen:
            one.slot.trainable = False
    chosen = [_with(one, match) for one, match in matched if one.slot.trainable]
    if not chosen:
        raise OptimizerError(
            f"[{where}] {len(found)} parameters, none to train; expected at least one; unfreeze some of the model"
        )
    for one in found:
        one.slot.name = one.path
    return chosen


def _with(one: Chosen, group: Group | None) -> Chosen:
    if group is None:
        return one
    decay = one.weight_decay if group.weight_decay is None else group.weight_decay
    return dataclasses.replace(one, rate=one.rate * group.rate, weight_decay=decay)


def _entries(where: str, params: Any, lr: float) -> Iterator[Chosen]:
    """What was given, with names that may be empty or there twice."""
    if isinstance(params, Module):
        yield from (Chosen(path, slot) for path, slot in params.named_parameters())
        return
    if isinstance(params, Mapping):
        params = [params] if "params" in params else list(params.items())
    for entry in params if isinstance(params, Iterable) and not isinstance(params, str) else [params]:
        if isinstance(entry, Mapping):
            yield from _group(where, entry, lr)
            continue
        name, slot = entry if isinstance(entry, (tuple, list)) and len(entry) == 2 else ("", entry)
        if not isinstance(slot, pt.Slot) or not isinstance(name, str):
            raise pt.DTypeError(
                f"[{where}] params holds {shown(entry)}; expected a module, slots, or pairs of name and slot; pass the "
                "model"
            )
        yield Chosen(name or slot.name, slot)


def _group(where: str, group: Mapping[str, Any], lr: float) -> Iterator[Chosen]:
    """A group as PyTorch has it: {"params": ..., "lr": ..., "weight_decay": ...}."""
    unknown = [key for key in group if key not in ("params", "lr", "weight_decay")]
    if unknown or "params" not in group:
        received = f"a group with {shown(unknown[0])}" if unknown else "a group without 'params'"
        raise OptimizerError(
            f"[{where}] {received}; expected params, and lr and weight_decay of their own; make another optimizer for "
            "parameters with other settings"
        )
    check_settings(where, lr=group.get("lr"), weight_decay=group.get("weight_decay"))
    rate = 1.0 if group.get("lr") is None else group["lr"] / lr
    for one in _entries(where, group["params"], lr):
        yield dataclasses.replace(one, rate=rate, weight_decay=group.get("weight_decay"))


def _unique(where: str, found: list[Chosen]) -> list[Chosen]:
    """Names under which a checkpoint can hold the moments: those that are there twice get their number in front."""
    if not found:
        raise OptimizerError(f"[{where}] no parameters; expected some; pass the model, or list(model.parameters())")
    seen: set[int] = set()
    for one in found:
        if id(one.slot) in seen:
            raise OptimizerError(
                f"[{where}] {one.path or 'a parameter'} is there twice; expected each parameter once; leave it out of "
                "all groups but one"
            )
        seen.add(id(one.slot))
    paths = [one.path for one in found]
    if "" not in paths and len(set(paths)) == len(paths):
        return found
    return [
        dataclasses.replace(one, path=f"{number}.{one.path}" if one.path else str(number))
        for number, one in enumerate(found)
    ]


def holds_alone(flat: pt.Slot, slots: Sequence[pt.Slot]) -> bool:
    """Whether a flat slot holds these, in this order, and no others."""
    unit = 64 // flat.dtype.itemsize
    end = 0
    for slot in slots:
        if slot.offset != end:
            return False
        end += (slot.size + unit - 1) // unit * unit
    return end == flat.size
