"""Which parameters an optimizer trains, under which names and with which settings of their own."""

from __future__ import annotations

import dataclasses
import difflib
import fnmatch
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import powertrain as pt
from powertrain.errors.arguments import shown
from powertrain.io.plain_number import plain_number
from powertrain.nn.module import Module
from powertrain.optim.depth import from_the_output
from powertrain.optim.hints import SEVERAL_MODULES
from powertrain.optim.settings import OptimizerError, check_settings
from powertrain.plugin.conversion import check
from powertrain.plugin.group import Group

Named: TypeAlias = Module | pt.Slot | Mapping[str, Any] | Iterable[pt.Slot | tuple[str, pt.Slot] | Mapping[str, Any]]


@dataclasses.dataclass(frozen=True)
class Chosen:
    """One parameter with its name, the factor on its rate, its decay, if it has one of its own, and how many updates
    leave it as it is."""

    path: str
    slot: pt.Slot
    rate: float = 1.0
    weight_decay: float | None = None
    start: int = 0


def choose(
    where: str,
    params: Any,
    groups: Sequence[Group | Mapping[str, object]],
    lr: float,
    layer_decay: float | None = None,
    unfreeze_every: int | None = None,
) -> tuple[list[Chosen], list[Chosen]]:
    """The parameters to train, each named, after those of frozen groups are frozen; and those that are frozen.

    Every pattern must match a parameter, and a parameter at most one pattern. What a group says goes before what the
    depth of a layer says.
    """
    found = _unique(where, list(_entries(where, params, lr)))
    made = [_made(where, group) for group in groups]
    for group in made:
        if not any(_matches(group, one) for one in found):
            close = difflib.get_close_matches(group.match, [one.path for one in found], 1)
            paths = ", ".join(one.path for one in found[:6])
            fix = f"did you mean {close[0]}?" if close else "see model.named_parameters()"
            raise OptimizerError(
                f"[{where}] group pattern {group.match!r} matches no parameter; expected one that matches some "
                f"of {paths}; {fix}"
            )
    matched = [(one, _group_of(where, one, made)) for one in found]
    for one, match in matched:
        if match is not None and match.frozen:
            one.slot.trainable = False
    matched = [(one, match) for one, match in matched if one.slot.trainable]
    if matched and (layer_decay is not None or unfreeze_every is not None):
        settings = {"layer_decay": layer_decay, "unfreeze_every": unfreeze_every}
        depth = from_the_output(where, [one.path for one, _ in matched], settings)
        matched = [(_at_depth(one, depth[one.path], layer_decay, unfreeze_every), match) for one, match in matched]
    chosen = [_with(one, match, lr) for one, match in matched]
    if not chosen:
        raise OptimizerError(
            f"[{where}] {len(found)} parameters, none to train; expected at least one; unfreeze some of the model"
        )
    for one in found:
        one.slot.name = one.path
    return chosen, [one for one in found if not one.slot.trainable]


def _made(where: str, group: Group | Mapping[str, object]) -> Group:
    """A group, which may be given as a dict."""
    if not isinstance(group, (Group, Mapping)):
        raise OptimizerError(
            f"[{where}] groups holds {shown(group)}; expected dicts; write "
            'groups=[{"match": "*.bias", "weight_decay": 0.0}]'
        )
    table = dataclasses.asdict(group) if isinstance(group, Group) else group
    given = {key: value for key, value in table.items() if value is not None}
    made, mistakes = check(Group, given, "a group")
    if made is None:
        at = ".".join(["groups", *map(str, mistakes[0].path)])
        raise OptimizerError(f"[{where} {at}] {mistakes[0].text}")
    return made


def _matches(group: Group, one: Chosen) -> bool:
    return fnmatch.fnmatchcase(one.path, group.match)


def _group_of(where: str, one: Chosen, groups: Sequence[Group]) -> Group | None:
    found = [group for group in groups if _matches(group, one)]
    if len(found) > 1:
        raise OptimizerError(
            f"[{where}] group patterns {found[0].match!r} and {found[1].match!r} both match {one.path}; expected one "
            "group for each parameter; make one of the patterns narrower"
        )
    return found[0] if found else None


def _with(one: Chosen, group: Group | None, lr: float) -> Chosen:
    if group is None:
        return one
    decay = one.weight_decay if group.weight_decay is None else group.weight_decay
    start = one.start if group.start is None else group.start
    rate = one.rate if group.lr is None else group.lr / lr
    return dataclasses.replace(one, rate=rate, weight_decay=decay, start=start)


def _at_depth(one: Chosen, layers: int, layer_decay: float | None, unfreeze_every: int | None) -> Chosen:
    """With the settings of a parameter that so many layers part from the output."""
    rate = one.rate * (1.0 if layer_decay is None else layer_decay) ** layers
    return dataclasses.replace(one, rate=rate, start=layers * (unfreeze_every or 0))


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
            fix = SEVERAL_MODULES if isinstance(slot, Module) else "pass the model"
            raise pt.DTypeError(
                f"[{where}] params holds {shown(entry)}; expected a module, slots, or pairs of name and slot; {fix}"
            )
        yield Chosen(name or slot.name, slot)


# What else the settings of a group are called.
_OTHER_NAMES = {
    name: known
    for known, names in (("weight_decay", ("wd", "decay", "l2")), ("lr", ("learning_rate", "rate")))
    for name in names
}


def _group(where: str, group: Mapping[str, Any], lr: float) -> Iterator[Chosen]:
    """A group as PyTorch has it: {"params": ..., "lr": ..., "weight_decay": ...}."""
    unknown = [key for key in group if key not in ("params", "lr", "weight_decay")]
    if unknown or "params" not in group:
        received = f"a group with {shown(unknown[0])}" if unknown else "a group without 'params'"
        fix = "make another optimizer for parameters with other settings"
        if unknown and unknown[0] in _OTHER_NAMES:
            fix = f"write {_OTHER_NAMES[unknown[0]]}"
        raise OptimizerError(f"[{where}] {received}; expected params, and optionally lr and weight_decay; {fix}")
    check_settings(where, lr=group.get("lr"), weight_decay=group.get("weight_decay"))
    rate = 1.0 if group.get("lr") is None else plain_number(group["lr"]) / lr
    decay = plain_number(group.get("weight_decay"))
    for one in _entries(where, group["params"], lr):
        yield dataclasses.replace(one, rate=rate, weight_decay=decay)


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
