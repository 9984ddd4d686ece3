"""Python objects in the place of a plugin's name: a module, arrays, a loss, an optimizer, a schedule, a metric, a
callback.

Each becomes a plugin that has no parameters and gives the object, so that a run made from objects is trained by what
trains a recipe. In the record of the run a description stands in its place.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import powertrain as pt
from powertrain.plugin.model import Model
from powertrain.plugin.params import NoParams
from powertrain.plugin.protocols import base_of
from powertrain.plugin.wording import show


class ObjectError(pt.Error, TypeError):
    """An object that cannot be used as asked: `[where] what was received; what was expected; how to fix it`."""


@dataclass(frozen=True)
class Given:
    """An object as a plugin."""

    name: str
    plugin: Any
    record: Any  # what stands in its place in the record of the run


def given(group: str, value: Any) -> Given:
    """The plugin that gives an object of the user's; an ObjectError where it is none of that group."""
    made = _MADE.get(group)
    if made is None:
        fix, name = "name one", type(value).__name__
        if group == "transform":  # a run makes its own: it is fitted on the training part
            fix = f'pass its class, as [{name}], or [{{"use": {name}, ...}}] with its parameters'
        raise ObjectError(f"[{group}] received {show(value)}; expected the name of a {group} in quotes; {fix}")
    return made(value)


def kebab(name: str) -> str:
    """`top-k-accuracy`, of TopKAccuracy."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).replace("_", "-").lower()


def _class_name(value: Any) -> str:
    return getattr(value, "__name__", "") or type(value).__name__


class Stands:
    """Stands in the place of a plugin, and gives the object."""

    Params = NoParams


class GivenModel(Stands):
    """Gives a module as it is, with the weights that it has; to who asks for another one, such as a teacher, a copy."""

    def __init__(self, module: Any) -> None:
        self.module = module
        self.strategy = module.strategy if isinstance(module, Model) else Model.strategy
        self._asked = False

    def build(self, params: Any, inputs: Any) -> Any:
        module = copy.deepcopy(self.module) if self._asked else self.module
        self._asked = True
        return module


def _model(value: Any) -> Given:
    if not isinstance(value, pt.nn.Module):
        fix = "pass an object of the class, as Net()" if isinstance(value, type) else "derive it from pt.nn.Module"
        raise ObjectError(f"[model] received {_kind(value)}; expected a pt.nn.Module or a name in quotes; {fix}")
    shapes = {name: list(slot.shape) for name, slot in value.named_slots()}
    return Given(type(value).__name__, GivenModel(value), {"use": type(value).__name__, "slots": shapes})


class GivenData(Stands):
    def __init__(self, dataset: Any) -> None:
        self.dataset = dataset

    def build(self, params: Any, base: Path) -> Any:
        return self.dataset

    def reopen(self, params: Any, kept: Any) -> Any:
        from powertrain.data.tables import reopened

        return reopened(self.dataset.made_by, kept) if self.dataset.made_by else kept

    def rebuild(self, params: Any, base: Path, kept: Any, known: Any) -> Any:
        return self.dataset


def _data(value: Any) -> Given:
    from powertrain.data.in_memory import dataset_of

    dataset = dataset_of(value)
    record: dict[str, Any] = {"use": dataset.name, "task": dataset.task, "outputs": dataset.outputs}
    if dataset.class_weight is not None:
        record["class_weight"] = dataset.class_weight.tolist()
    if dataset.made_by:
        record["made_by"] = dict(dataset.made_by)
    return Given(dataset.name, GivenData(dataset), record)


def _loss(value: Any) -> Given:
    if isinstance(value, type) or not callable(value):
        fix = f"pass an object of the class, as {value.__name__}()" if isinstance(value, type) else "name one"
        raise ObjectError(f"[loss] received {_kind(value)}; expected a function of (output, target); {fix}")
    return Given(_class_name(value), per_example(value), {"use": _class_name(value)})


def per_example(loss: Callable[..., Any]) -> Callable[..., Any]:
    """A loss with one value per example, where it can be had: a module that takes the mean is asked not to."""
    if isinstance(loss, pt.nn.Module) and getattr(loss, "reduction", "none") != "none":
        loss = copy.deepcopy(loss)
        loss.reduction = "none"
    return loss


class GivenOptimizer(Stands):
    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer

    def build(self, params: Any, module: Any, **settings: Any) -> Any:
        named = module.named_parameters() if isinstance(module, pt.nn.Module) else module
        wanted = {id(slot) for _, slot in named}
        held = {id(slot) for _, slot in self.optimizer.params}
        if not held or not held <= wanted:
            raise ObjectError(
                f"[optimizer] {type(self.optimizer).__name__} updates {len(held):,} parameters, of which the model has "
                f"{len(held & wanted):,}; expected parameters of the model; make it from the model that you pass"
            )
        if "loss_scale" in settings and self.optimizer.loss_scale is None:
            raise ObjectError(
                f"[optimizer] {type(self.optimizer).__name__} has no loss scale, and precision is f16; expected one; "
                "make it with loss_scale=pt.optim.LossScale()"
            )
        return self.optimizer


def _optimizer(value: Any) -> Given:
    if not isinstance(value, pt.optim.Optimizer):
        raise ObjectError(
            f"[optimizer] received {_kind(value)}; expected a pt.optim optimizer or a name in quotes; for example "
            "pt.optim.AdamW(model, lr=1e-3)"
        )
    return Given(type(value).__name__, GivenOptimizer(value), {"use": type(value).__name__})


class Giver(Stands):
    """Gives an object to whoever would make one."""

    def __init__(self, value: Any) -> None:
        self.value = value

    def build(self, params: Any) -> Any:
        return self.value


def _derived(group: str) -> Callable[[Any], Given]:
    def made(value: Any) -> Given:
        base = base_of(group)
        if not isinstance(value, base):
            raise ObjectError(
                f"[{group}] received {_kind(value)}; expected a powertrain.plugin.{base.__name__}; derive its class "
                f"from that; see powertrain help plugins/{group}"
            )
        return Given(type(value).__name__, Giver(value), {"use": type(value).__name__})

    return made


def _kind(value: Any) -> str:
    return f"the class {value.__name__}" if isinstance(value, type) else show(value)


_MADE: dict[str, Callable[[Any], Given]] = {
    "model": _model,
    "data": _data,
    "loss": _loss,
    "optimizer": _optimizer,
    "schedule": _derived("schedule"),
    "metric": _derived("metric"),
    "callback": _derived("callback"),
}
