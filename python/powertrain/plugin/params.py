"""The parameters of a plugin: a frozen dataclass whose fields say their range, and the check of a table against it.

A field is written `lr: float = param(1e-3, above=0, doc="step size", usual="1e-3 is usual for adamw")`. The recipe, the
Python door and `powertrain plugins show` all read these fields, so a range is stated once.
"""

from __future__ import annotations

import dataclasses
import difflib
import functools
import inspect
import math
import operator
import sys
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, overload

from powertrain.io.printable import printable

KEY = "powertrain.param"

T = TypeVar("T")


@dataclasses.dataclass(frozen=True)
class Range:
    """What a value may be, beyond its type. Also usable as `Annotated[float, Range(above=0)]`."""

    low: float | None = None
    high: float | None = None
    above: float | None = None
    below: float | None = None
    choices: tuple[object, ...] | None = None
    doc: str = ""
    usual: str = ""
    alias: Callable[[object], object] | None = None
    run: bool = False
    results: bool = True

    def words(self) -> str:
        """The bounds as a person says them: `> 0 and <= 1`."""
        bounds = ((">=", self.low), (">", self.above), ("<=", self.high), ("<", self.below))
        return " and ".join(f"{sign} {_digits(bound)}" for sign, bound in bounds if bound is not None)

    def holds(self, value: float) -> bool:
        """Whether a number is inside; NaN and infinity are inside no range."""
        return (
            (isinstance(value, int) or math.isfinite(value))
            and (self.low is None or value >= self.low)
            and (self.high is None or value <= self.high)
            and (self.above is None or value > self.above)
            and (self.below is None or value < self.below)
        )


def _digits(bound: float) -> str:
    return f"{bound:,}" if isinstance(bound, int) else f"{bound:g}"


@overload
def param(
    default: T,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Sequence[object] | None = None,
    doc: str = "",
    usual: str = "",
    alias: Callable[[object], object] | None = None,
    run: bool = False,
    results: bool = True,
) -> T: ...
@overload
def param(
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Sequence[object] | None = None,
    doc: str = "",
    usual: str = "",
    alias: Callable[[object], object] | None = None,
    run: bool = False,
    results: bool = True,
) -> T: ...  # type: ignore[type-var]
def param(
    default: object = dataclasses.MISSING,
    *,
    low: float | None = None,
    high: float | None = None,
    above: float | None = None,
    below: float | None = None,
    choices: Sequence[object] | None = None,
    doc: str = "",
    usual: str = "",
    alias: Callable[[object], object] | None = None,
    run: bool = False,
    results: bool = True,
) -> object:
    """A dataclass field with a range: low and high are allowed values themselves, above and below are not.

    For a tuple the range holds for each element. `usual` ends an error message, for example "1e-3 is usual for adamw".
    `alias` gives one of the choices for another name of it, and None for anything else. With `run` it is a number of
    updates: None, whatever the default is, where a recipe does not give it, and then that of the whole run. With
    `results=False` it changes speed or memory alone: the check of plugins takes others without effect for faults.
    """
    named = None if choices is None else tuple(choices)
    allowed = Range(low, high, above, below, named, doc, usual, alias, run, results)
    return dataclasses.field(default=default, metadata={KEY: allowed})


@dataclasses.dataclass(frozen=True)
class Mistake:
    """One thing that is wrong in a table: the path of keys to it, and the sentence."""

    path: tuple[str | int, ...]
    text: str


@dataclasses.dataclass(frozen=True)
class Parameter:
    """One field, resolved: what `powertrain plugins show` prints."""

    name: str
    type: Any
    default: Any
    range: Range

    @property
    def required(self) -> bool:
        return self.default is dataclasses.MISSING


@dataclasses.dataclass(frozen=True)
class NoParams:
    """The parameters of a plugin that takes none."""


def parameters(params: type) -> list[Parameter]:
    """The fields of a parameter dataclass with their types and ranges."""
    hints = _hints(params)
    found = []
    for field in dataclasses.fields(params):
        if not field.init:
            continue
        default = field.default
        if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        hint, allowed = hints[field.name], field.metadata.get(KEY, Range())
        if typing.get_origin(hint) is Annotated:
            hint, *extras = typing.get_args(hint)
            allowed = next((extra for extra in extras if isinstance(extra, Range)), allowed)
        found.append(Parameter(field.name, hint, default, allowed))
    return found


def _hints(owner: Any) -> dict[str, Any]:
    """The annotations of a class or function, as types."""
    try:
        return typing.get_type_hints(owner, include_extras=True)
    except NameError as error:
        raise TypeError(
            f"the annotations of {getattr(owner, '__name__', owner)} cannot be read ({error}); expected names of its "
            "module; import them there, outside of `if TYPE_CHECKING:`"
        ) from None


@functools.lru_cache(maxsize=256)
def params_of(plugin: Any) -> type:
    """The parameter dataclass of a plugin: its `Params`, or one made from a function's keyword-only arguments."""
    declared = getattr(plugin, "Params", None)
    if declared is not None:
        if not (isinstance(declared, type) and dataclasses.is_dataclass(declared)):
            raise TypeError(f"{plugin!r}.Params is {declared!r}; expected a frozen dataclass")
        return declared
    if inspect.isclass(plugin):
        return NoParams
    if not callable(plugin):
        raise TypeError(f"received {show(plugin)}; expected a class or a function; name one")
    hints = _hints(plugin)
    fields: list[Any] = []
    for argument in inspect.signature(plugin).parameters.values():
        if argument.kind is not argument.KEYWORD_ONLY:
            continue
        missing = argument.default is argument.empty
        field = dataclasses.field(default=dataclasses.MISSING if missing else argument.default)
        fields.append((argument.name, hints.get(argument.name, Any), field))
    name = f"{getattr(plugin, '__name__', 'plugin')}_params"
    return dataclasses.make_dataclass(name, fields, frozen=True, kw_only=True)


def suggestion(word: str, known: Iterable[str]) -> str:
    """`; did you mean X?` when one of the known words is close, else nothing."""
    names = list(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if not close:
        close = [name for name in names if name.lower() == word.lower()]
    begun = [name for name in names if len(word) > 2 and name.startswith(word)]  # acc for accuracy
    if not close and len(begun) == 1:
        close = begun
    return f"; did you mean {close[0]}?" if close else ""


def show(value: Any) -> str:
    """A received value as TOML would write it, cut to one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = f'"{value}"' if isinstance(value, str) else str(value)
    if isinstance(value, (list, tuple)):
        text = "[" + ", ".join(show(item) for item in value) + "]"
    if isinstance(value, Mapping):
        text = "{ " + ", ".join(f"{key} = {show(item)}" for key, item in value.items()) + " }"
    text = printable(text)
    return text if len(text) <= 60 else text[:57] + "..."


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
            expected = ", ".join(fields) if fields else "none"
            text = f"no such parameter of {owner}; expected {expected}{suggestion(key, fields)}"
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
    """The value as `kind`, or None when it is of another type; true is no number, and 3 is a good float."""
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


def call_with(plugin: Callable[..., Any], params: Any) -> Callable[..., Any]:
    """A loss or a schedule with its parameters bound, so that only the engine's arguments remain."""
    build: Any = getattr(plugin, "build", None)  # of a class, or of what stands in the place of one
    if build is not None:
        made: Callable[..., Any] = build(params)
        return made
    values = {field.name: getattr(params, field.name) for field in dataclasses.fields(params)}
    return functools.partial(plugin, **values) if values else plugin
