"""The settings of optimizers: which values each may have, and the error for an unknown one."""

from __future__ import annotations

import difflib
import inspect
import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypedDict

import powertrain as pt
from powertrain.errors.arguments import shown
from powertrain.io.plain_number import plain_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from powertrain.optim.scaling import LossScale
    from powertrain.plugin.group import Group
    from powertrain.plugin.schedule import Factor, Schedule
    from powertrain.typing import TensorLike


class Settings(TypedDict, total=False):
    """What every optimizer takes by keyword beside its own numbers: see Optimizer."""

    schedule: Schedule | Factor | None
    clip: float | None
    clip_value: float | None
    accumulate: int
    loss_scale: LossScale | None
    maximize: bool
    track_grad_norm: bool
    groups: Sequence[Group | Mapping[str, object]]
    layer_decay: float | None
    unfreeze_every: int | None
    name: str


class DecaySettings(Settings, total=False):
    """The same, of an optimizer that leaves the weight decay to the frame."""

    weight_decay: float


class OptimizerError(pt.Error, ValueError):
    """A setting or gradient that an optimizer cannot use: `[where] what was received; what was expected; the fix`."""


class UnknownSettingError(OptimizerError, TypeError):
    """A keyword that an optimizer does not take."""


def _is_count(value: float) -> bool:
    """Whether it is a whole number from 1 on that the engine's integers hold."""
    return 1 <= value < 2**63 and value == int(value)


# What each setting may be: the words, and the test (which NaN never passes).
_LIMITS: dict[str, tuple[str, Callable[[float], bool], str]] = {
    "lr": ("a number > 0", lambda value: 0 < value < math.inf, "1e-3 is usual for adamw"),
    "rate": ("a number >= 0", lambda value: 0 <= value < math.inf, "1 leaves the rate as it is"),
    "weight_decay": ("a number >= 0", lambda value: 0 <= value < math.inf, "0.01 is usual for adamw"),
    "initial_accumulator_value": ("a number >= 0", lambda value: 0 <= value < math.inf, "0 is usual"),
    "clip": ("a number > 0, or None", lambda value: 0 < value < math.inf, "1.0 is usual"),
    "clip_value": ("a number > 0, or None", lambda value: 0 < value < math.inf, "1.0 is usual"),
    "max_norm": ("a number > 0", lambda value: 0 < value < math.inf, "1.0 is usual"),
    "accumulate": ("a whole number >= 1", _is_count, "1 updates at each call"),
    "layer_decay": ("0 < layer_decay < 1, or None", lambda value: 0 < value < 1, "0.8 is usual"),
    "unfreeze_every": (
        "a whole number >= 1, or None",
        _is_count,
        "the updates of an epoch are usual",
    ),
    "max_iter": ("a whole number >= 1", _is_count, "20 is usual"),
    "max_eval": ("a whole number >= 1, or None", _is_count, "25 is usual"),
    "history_size": ("a whole number >= 1", _is_count, "10 is usual"),
    "ns_steps": ("a whole number >= 1", _is_count, "5 is usual"),
    "momentum": ("0 <= momentum < 1", lambda value: 0 <= value < 1, "0.9 is usual"),
    "decay": (
        "a number with 0 <= decay < 1",
        lambda value: 0 <= value < 1,
        "0.999 is usual; for one that changes average by hand: average.value = pt.lerp(average, slot, 1 - decay)",
    ),
    "dampening": ("0 <= dampening <= 1", lambda value: 0 <= value <= 1, "0 is usual"),
    "beta1": ("0 <= beta1 < 1", lambda value: 0 <= value < 1, "0.9 is usual"),
    "beta2": ("0 <= beta2 < 1", lambda value: 0 <= value < 1, "0.999 is usual"),
    "eps": ("a number >= 0", lambda value: 0 <= value < math.inf, "1e-8 is usual"),
}

# Settings of PyTorch, Keras and JAX that have another name here, or none.
_ELSEWHERE = {
    "learning_rate": "write lr=...",
    "clip_norm": "write clip=...",
    "clipnorm": "write clip=...",
    "max_grad_norm": "write clip=...",
    "global_clipnorm": "write clip=...",
    "clipvalue": "write clip_value=...",
    "decay": "write weight_decay=..., or schedule=... for the rate",
    "beta_1": "write betas=(0.9, 0.999)",
    "beta_2": "write betas=(0.9, 0.999)",
    "beta1": "write betas=(0.9, 0.999)",
    "beta2": "write betas=(0.9, 0.999)",
    "foreach": "leave it out: parameters lie in one flat buffer, and an update is one sweep",
    "fused": "leave it out: parameters lie in one flat buffer, and an update is one sweep",
    "capturable": "leave it out: pt.compile takes every update",
    "differentiable": "leave it out",
    "decoupled_weight_decay": "take AdamW for decay that is taken off the parameter",
}


def check_settings(where: str, **settings: TensorLike | None) -> None:
    for name, value in settings.items():
        expected, good, fix = _LIMITS[name]
        value = plain_number(value)
        try:
            if value is not None and (getattr(value, "shape", None) or not good(value)):  # an array is no number
                raise OptimizerError(f"[{where}] {name} = {value:g}; expected {expected}; {fix}")
        except (TypeError, OverflowError):  # the second is of a number that no float holds
            fix = "pass a function of the step as schedule=..." if callable(value) and name == "lr" else fix
            raise OptimizerError(f"[{where}] {name} = {shown(value)}; expected {expected}; {fix}") from None


def refuse_unknown(cls: type, unknown: dict[str, Any]) -> None:
    """The first keyword that no constructor of a class takes, with the one that was probably meant."""
    name = next(iter(unknown))
    taken = [
        parameter.name
        for base in cls.__mro__
        if "__init__" in vars(base) and base is not object
        for parameter in inspect.signature(vars(base)["__init__"]).parameters.values()
        if parameter.kind not in (parameter.VAR_KEYWORD, parameter.VAR_POSITIONAL) and parameter.name != "self"
    ]
    known = list(dict.fromkeys(taken))
    close = difflib.get_close_matches(name, known, 1)
    fix = _ELSEWHERE.get(name) or (f"did you mean {close[0]}?" if close else "leave it out")
    raise UnknownSettingError(
        f"[{cls.__name__}] received {name}={shown(unknown[name])}; expected one of {', '.join(known)}; {fix}"
    )
