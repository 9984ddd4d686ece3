"""What a plugin of each group is, and what the engine hands to it.

A plugin is a class that derives from the base of its kind and has a class method `build`; its parameters are a frozen
dataclass `Params` (see params.py). A loss or a schedule may be a function, whose keyword-only arguments are its
parameters; a kernel is an object, a recipe the path of a file.

    group      base             the engine calls                        which gives
    model      Model            build(params, inputs: Inputs)           a nn.Module
    loss       Loss             build(params), or the function          one value per example of (output, target)
    data       Data             build(params, base: Path)               a DataModule
    transform  Transform        build(params, x: ndarray)               what maps batches
               RandomTransform  build(params, inputs: Inputs)           what changes training batches
    env        Environment      build(params)                           reset, step
    strategy   Strategy         build(params)                           setup, round, predict
    optimizer  Optimizer        build(params, module, **settings)       an Optimizer
    schedule   Schedule         build(params), or the function          the factor on the rate of step, or (step, total)
    metric     Metric           build(params)                           measure, result; update, compute
    callback   Callback         build(params)                           after_commit
    backend    Backend          build(params)                           runs traced programs
    task       Task             build(params)                           what a target is, and what follows from it
    exporter   Exporter         build(params)                           writes a trained run in another form
    kernel                      a Kernel, called like an op             Tensors
    recipe                      the path of a TOML file in a package    text
"""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Any

from powertrain.errors.methods import lacking
from powertrain.io.named import resolve
from powertrain.plugin.declared import FieldError, check_functions

GROUPS = (
    "model",
    "loss",
    "data",
    "transform",
    "env",
    "strategy",
    "optimizer",
    "schedule",
    "metric",
    "callback",
    "kernel",
    "recipe",
    "backend",
    "task",
    "exporter",
)


# Where the base of each group is; imported when a plugin of the group is.
BASES = {
    "model": "powertrain.plugin.model:Model",
    "loss": "powertrain.plugin.bases:Loss",
    "data": "powertrain.plugin.bases:Data",
    "transform": "powertrain.plugin.bases:Transform",
    "env": "powertrain.plugin.environment:Environment",
    "strategy": "powertrain.plugin.learning:Strategy",
    "optimizer": "powertrain.optim.optimizer:Optimizer",
    "schedule": "powertrain.plugin.schedule:Schedule",
    "metric": "powertrain.plugin.metric:Metric",
    "callback": "powertrain.plugin.learning:Callback",
    "backend": "powertrain.plugin.bases:Backend",
    "task": "powertrain.plugin.tasks:Task",
    "exporter": "powertrain.plugin.exporter:Exporter",
}
# What `build` gets besides the parameters, and what a function gets.
HANDED = {"model": ("inputs",), "data": ("base",), "transform": ("x",), "optimizer": ("module",)}
TO_FUNCTIONS = {"loss": ("output", "target"), "schedule": ("step", "total")}
SETTINGS = ("schedule", "clip", "accumulate", "groups", "name")  # that an optimizer's build gets as keywords


def base_of(group: str) -> type:
    """The class from which plugins of a group derive."""
    found: type = resolve(BASES[group])
    return found


def unfit(group: str, plugin: Any, name: str) -> str:
    """What is wrong with a plugin as one of its group, in words; nothing where it can be used."""
    if group not in BASES:
        return ""
    page = f"see powertrain help plugins/{group}"
    if not inspect.isclass(plugin):
        if group not in TO_FUNCTIONS or not callable(plugin):
            return f"{name} is no class; expected one that derives from {_names(group)}; {page}"
        try:
            check_functions(name, plugin, base_of(group))
        except FieldError as error:
            return str(error)
        return _signature(plugin, TO_FUNCTIONS[group], "it", page, name)
    bases = (base_of(group), *([_random()] if group == "transform" else []))
    if not issubclass(plugin, bases):
        kind = bases[0].__name__
        return (
            f"{name} does not derive from {_names(group)}; expected class {plugin.__name__}({kind}); import {kind} "
            f"from powertrain.plugin; {page}"
        )
    if missing := lacking(plugin):
        return f"{name} has no {' and no '.join(missing)}; expected {plugin.__name__}.{missing[0]}; {page}"
    handed = ("inputs",) if group == "transform" and is_random(plugin) else HANDED.get(group, ())
    settings = SETTINGS if group == "optimizer" else ()
    build: Any = getattr(plugin, "build")  # noqa: B009 - of which the checker of types does not know
    return _signature(build, ("params", *handed), "build", page, name, settings)


def is_random(transform: Any) -> bool:
    """Whether a transform changes training batches at random, rather than mapping all of them."""
    return bool(transform.random)


def _random() -> type:
    from powertrain.plugin.bases import RandomTransform

    return RandomTransform


def _names(group: str) -> str:
    """The base, as a person imports it."""
    kind = BASES[group].rpartition(":")[2]
    return f"powertrain.plugin.{kind}" + (" or RandomTransform" if group == "transform" else "")


def _signature(
    function: Any, given: tuple[str, ...], what: str, page: str, name: str, settings: tuple[str, ...] = ()
) -> str:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return ""
    known = {one.name: None for one in signature.parameters.values() if one.kind is one.KEYWORD_ONLY}
    try:
        signature.bind(*given, **{**known, **dict.fromkeys(settings)})
    except TypeError:
        stars: dict[Any, str] = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
        takes = ", ".join(stars.get(one.kind, "") + one.name for one in signature.parameters.values())
        wanted = ", ".join([*given, *(["**settings"] if settings else [])])
        return f"{name}: {what} takes ({takes}); expected ({wanted}); {page}"
    return ""


@dataclass(frozen=True)
class Inputs:
    """What the data tells a model: so shapes and class counts never stand in a recipe.

    shape        of one example after the transforms, without the batch axis
    outputs      the number of classes, of regression targets, or the vocabulary
    labels       the names of the classes or the characters of the vocabulary
    vocabulary   the number of tokens, where x is tokens

    Example
        >>> from powertrain.plugin import Inputs
        >>> Inputs('classification', shape=(8, 8), outputs=10).outputs
        10
    """

    task: str
    shape: tuple[int, ...]
    outputs: int
    dtype: str = "float32"
    labels: tuple[str, ...] = ()
    context: int | None = None
    vocabulary: int | None = None
