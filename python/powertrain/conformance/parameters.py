"""Checks of a plugin's parameters: what a recipe may set, and whether the defaults keep their own promises."""

from __future__ import annotations

import dataclasses
import inspect
import types
import typing
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from powertrain.conformance.finding import BrokenError, Finding, Subject
from powertrain.plugin.conversion import Mistake, check, convert
from powertrain.plugin.importing import in_words
from powertrain.plugin.params import parameters, params_of
from powertrain.plugin.wording import show


def check_parameters(subject: Subject) -> Iterator[Finding]:
    """What is wrong with the declaration itself."""
    plugin = subject.plugin
    if inspect.isfunction(plugin):
        for argument in inspect.signature(plugin).parameters.values():
            if argument.kind is argument.KEYWORD_ONLY and argument.annotation is argument.empty:
                yield subject.finding(
                    "parameter-type",
                    f"the parameter {argument.name} has no type",
                    "one, by which a recipe is checked",
                    f"write {argument.name}: float, or Annotated[float, Range(above=0)]",
                )
    try:
        params = params_of(plugin)
        fields = parameters(params)
    except Exception as error:
        raise BrokenError(
            subject.finding(
                "parameters",
                f"its parameters cannot be read: {in_words(error)}",
                "a frozen dataclass Params whose fields have types",
                "write @dataclass(frozen=True) class Params, and import what its types name",
                error,
            )
        ) from error
    if dataclasses.fields(params) and not params.__dataclass_params__.frozen:  # type: ignore[attr-defined]
        yield subject.finding(
            "parameters", "Params can be changed", "a frozen dataclass", "write @dataclass(frozen=True)"
        )
    for field in fields:
        if not _writable(field.type):
            kind = getattr(field.type, "__name__", field.type)
            yield subject.finding(
                "parameter-type",
                f"the parameter {field.name} is {kind}, which no recipe can write",
                "bool, int, float, str, Path, a Literal, a list or tuple of these, a dataclass of them, or a Kernel",
                "choose one of these",
            )
            continue
        if field.required or field.default is None:
            continue
        mistakes: list[Mistake] = []
        convert(field.default, field.type, field.range, (field.name,), mistakes)
        for mistake in mistakes:
            yield subject.finding(
                "parameter-default",
                f"the default of {field.name} is {show(field.default)}, which a recipe may not write",
                mistake.text.partition("expected ")[2] or "a value of its type",
                "change the default or the range",
            )


def _writable(kind: Any) -> bool:
    """Whether some TOML value is one of a type, as `convert` takes it; of several, whether one of them is."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        return _writable(arguments[0])
    if origin in (Union, types.UnionType):
        return any(_writable(one) for one in arguments if one is not type(None))
    if origin in (tuple, list, Sequence):
        return all(_writable(one) for one in arguments if one is not Ellipsis)
    known = (bool, int, float, str, Path, dict, Mapping, Any)
    tables = origin in (dict, Mapping, Literal) or kind in known or hasattr(kind, "parse") or hasattr(kind, "expected")
    return tables or dataclasses.is_dataclass(kind)


def cases(subject: Subject) -> list[Any]:
    """The parameters to check a plugin with: its `examples`, or else its defaults."""
    params = params_of(subject.plugin)
    tables: tuple[dict[str, Any], ...] = getattr(subject.plugin, "examples", ())
    required = [field.name for field in parameters(params) if field.required]
    if not tables and required:
        raise BrokenError(
            subject.finding(
                "no-example",
                f"it has no default for {', '.join(required)} and no examples",
                "parameters that it can be tried with",
                f"add a class attribute examples = ({{'{required[0]}': ...}},)",
            )
        )
    made = []
    for table in tables or ({},):
        found, mistakes = check(params, table, subject.name)
        if mistakes:
            raise BrokenError(
                subject.finding(
                    "no-example",
                    f"its example {show(table)} is wrong: {mistakes[0].text}",
                    "parameters that a recipe may write",
                    "fix the example",
                )
            )
        made.append(found)
    return made
