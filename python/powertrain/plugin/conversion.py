"""The check of a table against the parameters of a plugin: values become their declared types, or mistakes."""

from __future__ import annotations

import dataclasses
import functools
import math
import operator
import sys
import types
import typing
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union

from powertrain.io.plain_number import plain_number
from powertrain.plugin.params import Range, parameters
from powertrain.plugin.wording import show, suggestion


@dataclasses.dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in a table: the path of keys to it, and the sentence."""

    path: tuple[str | int, ...]
    text: str


def check(
    params: type, table: Mapping[str, Any], owner: str, path: tuple[str | int, ...] = (), reserved: Iterable[str] = ()
) -> tuple[Any, list[Mistake]]:
    """Make `params` from a table; return it (None when anything is wrong) and all mistakes at once.

    `owner` is the word used in the messages ("cnn"); keys in `reserved` belong to somebody else and are passed over.
    """
    fields = {field.name: field for field in parameters(params)}
    skipped, mistakes, values = set(reserved), [], {}
    for key, value in table.items():
        if key in skipped:
            continue
        if key not in fields:
            hint = _elsewhere(str(key), fields, path) or suggestion(key, fields)
            expected = f"{', '.join(fields)}{hint}" if fields else "none; leave it out"
            text = f"no such parameter of {owner}; expected {expected}"
            mistakes.append(Mistake((*path, key), text))
            continue
        values[key] = convert(value, fields[key].type, fields[key].range, (*path, key), mistakes)
    for name, field in fields.items():
        if field.range.run and name not in table:
            values[name] = None
        elif field.required and name not in table:
            kind = words(field.type, field.range)
            mistakes.append(Mistake(path, f"{name} is missing; {owner} needs {kind}; add {name} = ..."))
    if mistakes:
        return None, mistakes
    try:
        return params(**values), []
    except (ValueError, TypeError) as error:  # a check across fields, in the dataclass' __post_init__
        return None, [Mistake(path, str(error.__cause__ or error))]  # the boundary repeats what was given


def _elsewhere(key: str, fields: Iterable[str], path: tuple[str | int, ...]) -> str:
    """What says a setting of an optimizer of PyTorch."""
    if key == "betas" and "beta1" in fields:
        return "; in place of betas write beta1 = 0.9, beta2 = 0.999"
    if key.startswith("warmup") and path == ("optimizer",):
        return '; it belongs to the schedule: schedule = { use = "cosine", warmup = 100 }'
    return ""


def words(kind: Any, allowed: Range) -> str:
    """What is expected, in words: `a number > 0`, `a list of whole numbers >= 1`."""
    if allowed.choices is not None:
        return "one of " + ", ".join(show(choice) for choice in allowed.choices)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Literal:
        return "one of " + ", ".join(show(choice) for choice in arguments)
    if origin in (Union, types.UnionType):
        return " or ".join(words(option, allowed) for option in arguments if option is not type(None))
    if origin in (tuple, list, Sequence):
        element = arguments[0] if arguments else Any
        count = "" if len(arguments) < 2 or arguments[1] is Ellipsis else f"{len(arguments)} "
        one = words(element, allowed).removeprefix("a ")
        return f"a list of {count}{one.replace('number', 'numbers', 1).replace('table', 'tables', 1)}"
    if origin in (dict, Mapping):
        element = words(arguments[1], allowed).removeprefix("a ").replace("number", "numbers", 1)
        return "a table" if arguments[1] is Any else f"a table of {element}"
    if hasattr(kind, "expected"):  # says itself what it takes
        return str(kind.expected)
    names = {
        bool: "true or false",
        int: "a whole number",
        float: "a number",
        str: "a text in quotes",
        Path: "a path in quotes",
    }
    name = names.get(kind, "a table" if dataclasses.is_dataclass(kind) or kind in (dict, Mapping) else "a value")
    bounds = allowed.words() if kind in (int, float) else ""
    return f"{name} {bounds}" if bounds else name


def convert(value: Any, kind: Any, allowed: Range, path: tuple[str | int, ...], mistakes: list[Mistake]) -> Any:
    """One value as its declared type, or a mistake added to the list."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is Annotated:
        extra = next((item for item in arguments[1:] if isinstance(item, Range)), allowed)
        return convert(value, arguments[0], extra, path, mistakes)
    if origin in (Union, types.UnionType):
        return _convert_union(value, arguments, allowed, path, mistakes)
    if dataclasses.is_dataclass(kind) and isinstance(value, Mapping):
        owner = next((key for key in reversed(path) if isinstance(key, str)), "")  # of one in a list, the list
        made, found = check(typing.cast(type, kind), value, owner, path)
        mistakes.extend(found)
        return made
    if origin in (tuple, list, Sequence) and isinstance(value, (list, tuple)):
        return _convert_sequence(value, kind, allowed, path, mistakes)
    if origin in (dict, Mapping) and isinstance(value, Mapping):
        return {key: convert(one, arguments[1], allowed, (*path, key), mistakes) for key, one in value.items()}
    made = _convert_scalar(value if allowed.alias is None else allowed.alias(value) or value, kind)
    choices = arguments if origin is Literal else allowed.choices
    good = made is not None and (choices is None or made in choices)
    if good and kind in (int, float):
        good = allowed.holds(made)
    if good:
        return made
    text = f"received {show(value)}; expected {words(kind, allowed)}"
    if choices is not None and isinstance(value, str):
        text += suggestion(value, [choice for choice in choices if isinstance(choice, str)])
    if allowed.usual:
        text += f"; {allowed.usual}"
    mistakes.append(Mistake(path, text))
    return None


def _convert_union(
    value: Any, options: Sequence[Any], allowed: Range, path: tuple[str | int, ...], mistakes: list[Mistake]
) -> Any:
    """The first option that takes the value. With one option but None, its own mistakes tell most."""
    kinds = [option for option in options if option is not type(None)]
    if len(kinds) == 1:
        return convert(value, kinds[0], allowed, path, mistakes)
    for option in kinds:
        attempt: list[Mistake] = []
        made = convert(value, option, allowed, path, attempt)
        if not attempt:
            return made
        if isinstance(value, Mapping) and dataclasses.is_dataclass(option):  # a table is explained by the table's kind
            mistakes.extend(attempt)
            return None
    expected = words(functools.reduce(operator.or_, kinds), allowed)
    known = [word for kind in kinds if typing.get_origin(kind) is Literal for word in typing.get_args(kind)]
    hint = suggestion(value, known) if isinstance(value, str) and known else ""
    mistakes.append(Mistake(path, f"received {show(value)}; expected {expected}{hint}"))
    return None


def _convert_sequence(
    values: Sequence[Any], kind: Any, allowed: Range, path: tuple[str | int, ...], mistakes: list[Mistake]
) -> Any:
    arguments = typing.get_args(kind)
    fixed = typing.get_origin(kind) is tuple and len(arguments) >= 1 and arguments[-1] is not Ellipsis
    if fixed and len(values) != len(arguments):
        mistakes.append(Mistake(path, f"received {show(values)}; expected {words(kind, allowed)}"))
        return None
    kinds = arguments if fixed else [arguments[0] if arguments else Any] * len(values)
    made = [convert(value, kinds[at], allowed, (*path, at), mistakes) for at, value in enumerate(values)]
    return made if typing.get_origin(kind) is list else tuple(made)


def _convert_scalar(value: Any, kind: Any) -> Any:
    """The value as `kind`, or None when it is of another type; true is no number, and 3 is a good float.
    NumPy's numbers are numbers."""
    value = plain_number(value)
    origin = typing.get_origin(kind)
    if kind is Any or origin is Literal:
        return value
    if kind is float and isinstance(value, (int, float)) and not isinstance(value, bool):
        return math.inf if abs(value) > sys.float_info.max else float(value)
    if kind is Path and isinstance(value, (str, Path)):
        return None if "\0" in str(value) else Path(value)
    if hasattr(kind, "parse"):  # a small language of its own, for example a duration; None when it does not parse
        return kind.parse(value)
    if kind in (dict, Mapping):
        return value if isinstance(value, Mapping) else None
    if isinstance(kind, type) and isinstance(value, kind) and (kind is bool or not isinstance(value, bool)):
        return value
    return None
