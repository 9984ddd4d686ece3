"""Adapters in a model: put in beside its linear layers, merged into them, taken away."""

from __future__ import annotations

import difflib
import fnmatch
import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import powertrain as pt
from powertrain.nn import checks
from powertrain.nn.adapters.layers import Adapter, BottleneckLinear, LoRALinear, check_sizes
from powertrain.nn.layers import Linear
from powertrain.nn.module import Module
from powertrain.nn.quantized import QuantizedLinear
from powertrain.nn.quantizing import replaced

M = TypeVar("M", bound=Module)
KINDS = ("lora", "dora", "bottleneck")
_FORM = "_adapters"  # the attribute of a model that says what was put into it
SHOWN = 4  # names in a message


@dataclass(frozen=True)
class Form:
    """What was put into a model: the kind and sizes of its adapters, and the layers that have one."""

    kind: str
    rank: int
    alpha: float
    dropout: float
    layers: tuple[str, ...]
    trained: tuple[str, ...]  # patterns of parameters that are trained whole

    @property
    def kind_of_layer(self) -> type[Adapter]:
        return BottleneckLinear if self.kind == "bottleneck" else LoRALinear

    def plain(self, name: str) -> str:
        """The name of a slot as the model had it before there were adapters."""
        parts = name.split(".")
        for at, part in enumerate(parts):
            if part == "base" and ".".join(parts[:at]) in self._paths:
                return ".".join(parts[:at] + parts[at + 1 :])
        return name

    def owns(self, name: str) -> bool:
        """Whether a slot is an adapter's own."""
        parts = name.split(".")
        return any(
            part in self.kind_of_layer.OWN and ".".join(parts[:at]) in self._paths for at, part in enumerate(parts)
        )

    def shapes(self, layer: Any) -> dict[str, tuple[int, ...]]:
        """The slots of the adapter of a layer, by their names in it."""
        inputs, outputs, rank = layer.in_features, layer.out_features, self.rank
        if self.kind == "bottleneck":
            return {
                "down.weight": (outputs, rank), "down.bias": (rank,), "up.weight": (rank, outputs),
                "up.bias": (outputs,),
            }  # fmt: skip
        found: dict[str, tuple[int, ...]] = {"lora_a": (inputs, rank), "lora_b": (rank, outputs)}
        return found | ({"magnitude": (outputs,)} if self.kind == "dora" else {})

    @functools.cached_property
    def _paths(self) -> frozenset[str]:
        return frozenset(self.layers)

    def layer(self, base: Any, generator: pt.random.Generator | None = None) -> Adapter:
        """One adapter around a layer."""
        sizes = (base, self.rank, self.alpha, self.dropout)
        if self.kind == "bottleneck":
            return BottleneckLinear(*sizes, generator=generator)
        return LoRALinear(*sizes, dora=self.kind == "dora", generator=generator)


def add(
    model: M,
    kind: str = "lora",
    *,
    rank: int = 8,
    alpha: float | None = None,
    dropout: float = 0.0,
    targets: str | Sequence[str] = "*",
    trained: str | Sequence[str] = (),
    generator: pt.random.Generator | None = None,
) -> M:
    """Put an adapter beside linear layers of a model, and freeze everything else; returns the model itself.

        kind       "lora": the product of two thin matrices; "dora": the same with trained lengths; "bottleneck": a
                   narrow network behind the layer
        rank       the inner width of each adapter
        alpha      what comes out of an adapter is multiplied by alpha / rank; as rank where it is not given
        dropout    share of an adapter's inputs that is zero in training
        targets    patterns of the paths of the layers, such as "*.q_proj"; all linear layers without
        trained    patterns of the names of parameters that are trained whole beside them, such as "head.*"

    A new adapter changes no answer. Make the optimizer afterwards: it takes what is not frozen. Layers that
    `pt.quantize` has made keep their 8 or 4 bits under the adapters.

    Errors    a model that has adapters; a pattern that names nothing; a rank below 1
    Example
        >>> model = pt.nn.Sequential(pt.nn.Linear(8, 16), pt.nn.ReLU(), pt.nn.Linear(16, 3))
        >>> model = pt.nn.adapters.add(model, rank=2, targets="0", trained="2.*")
        >>> [name for name, slot in model.named_parameters() if slot.trainable]
        ['0.lora_a', '0.lora_b', '2.weight', '2.bias']
        >>> pt.optim.AdamW(model, lr=1e-3).param_groups[0]["names"]
        ['0.lora_a', '0.lora_b', '2.weight', '2.bias']
    """
    checks.choice("adapters", KINDS, kind=kind)
    check_sizes("adapters", rank, alpha, dropout)
    refuse_adapted(model)
    whole = _patterns(trained)
    _demand_matches("trained", whole, [name for name, _ in model.named_parameters()], "parameter")
    layers = _chosen(model, _patterns(targets), whole)
    form = Form(kind, rank, float(rank if alpha is None else alpha), float(dropout), layers, whole)
    return placed(model, form, generator)


def placed(model: M, form: Form, generator: pt.random.Generator | None = None) -> M:
    """The model itself, with adapters at the layers that a form names."""
    held = dict(model.named_modules())
    replaced(model, {path: form.layer(held[path], generator) for path in form.layers})
    for name, slot in model.named_parameters():
        slot.trainable = form.owns(name) or fits(form.plain(name), form.trained)
    object.__setattr__(model, _FORM, form)
    return model


def form_of(model: Module) -> Form | None:
    """What `add` has put into a model; None where it has put nothing."""
    found: Form | None = vars(model).get(_FORM)
    return found


def demand_form(where: str, model: Module) -> Form:
    """The form of a model that has adapters."""
    form = form_of(model)
    if form is None:
        raise checks.StateError(
            f"[{where}] a {type(model).__name__} without adapters; expected one that pt.nn.adapters.add was given; "
            "pass the same module that add was given"
        )
    return form


def refuse_adapted(model: Module) -> None:
    """Adapters stand beside layers, not beside adapters."""
    held = next((path for path, module in model.named_modules() if isinstance(module, Adapter)), None)
    if held is not None:
        raise checks.StateError(
            f"[adapters] {held or 'the model'} has an adapter; expected a model without; write "
            "pt.nn.adapters.merge(model) or pt.nn.adapters.remove(model) first"
        )


def adaptable(model: Module) -> dict[str, Module]:
    """The layers that can have an adapter, by their paths."""
    return {
        path: module
        for path, module in model.named_modules()
        if type(module) in (Linear, QuantizedLinear) and "weight" in module._slots
    }


def _chosen(model: Module, targets: tuple[str, ...], whole: tuple[str, ...]) -> tuple[str, ...]:
    """The paths of the layers that patterns name, without those that are trained whole."""
    found = adaptable(model)
    if "" in found:
        raise checks.StateError(
            f"[adapters] the model is a single {type(model).__name__}; expected a module that holds layers; write "
            "pt.nn.adapters.LoRALinear(layer)"
        )
    _demand_matches("targets", targets, list(found), "linear layer")
    layers = tuple(
        path for path, layer in found.items()
        if fits(path, targets) and not all(fits(f"{path}.{name}", whole) for name in layer._slots)
    )  # fmt: skip
    if not layers:
        raise checks.StateError(
            f"[adapters] targets = {list(targets)} and trained = {list(whole)}: no linear layer is left; expected some "
            f"to put adapters beside, such as {', '.join(list(found)[:SHOWN]) or 'none here'}; train fewer whole"
        )
    return layers


def _patterns(given: str | Sequence[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)


def fits(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)


def _demand_matches(setting: str, patterns: Sequence[str], names: Sequence[str], what: str) -> None:
    for pattern in patterns:
        if not isinstance(pattern, str) or not any(fnmatch.fnmatchcase(name, pattern) for name in names):
            close = difflib.get_close_matches(str(pattern), names, 1)
            fix = f"did you mean {close[0]!r}?" if close else "see model.named_modules()"
            raise checks.SettingError(
                f"[adapters] {setting} = {pattern!r} names no {what}; expected a pattern of names such as "
                f"{', '.join(names[:SHOWN]) or 'none here'}; {fix}"
            )


def merge(model: M) -> M:
    """Put plain layers in the places of adapters, with what these have learned in their weights; returns the model.

    In evaluation mode the answers are the same, up to rounding. A layer over a quantized base becomes one of floats.
    Parameters stay frozen: `model.unfreeze()` lets them be trained.

    Errors    a model without adapters; bottlenecks, which are no matrix
    Example
        >>> model = pt.nn.adapters.add(pt.nn.Sequential(pt.nn.Linear(4, 3)), "dora", rank=2)
        >>> pt.nn.adapters.merge(model)
        Sequential(
          (0): Linear(in_features=4, out_features=3)
        )
    """
    demand_form("merge", model)
    held = _adapters(model)
    made = {path: module.merged() for path, module in held.items()}
    for path, layer in made.items():
        layer.weight.trainable = False
        if layer.bias is not None:
            layer.bias.trainable = bool(getattr(held[path].base.bias, "trainable", False))
    return _without(model, made)


def remove(model: M) -> M:
    """Take the adapters away and give back the model as it was before `add`, but for what was trained whole.

    Errors    a model without adapters
    Example
        >>> model = pt.nn.adapters.add(pt.nn.Sequential(pt.nn.Linear(4, 3)))
        >>> pt.nn.adapters.remove(model)
        Sequential(
          (0): Linear(in_features=4, out_features=3)
        )
    """
    demand_form("remove", model)
    return _without(model, {path: module.base for path, module in _adapters(model).items()})


def _adapters(model: Module) -> dict[str, Adapter]:
    return {path: module for path, module in model.named_modules() if isinstance(module, Adapter)}


def _without(model: M, made: Mapping[str, Module]) -> M:
    replaced(model, made)
    object.__delattr__(model, _FORM)
    return model
