"""Whether parameters have an effect: whether anything reads them, and whether other values give other results."""

from __future__ import annotations

import dataclasses
import inspect
import itertools
import re
import sys
import types
import typing
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import Any, Literal, Union

import powertrain as pt
from powertrain.conformance.finding import Finding, Subject, source_folder
from powertrain.plugin.conversion import Mistake, check, convert
from powertrain.plugin.importing import in_words
from powertrain.plugin.params import Parameter, parameters, params_of
from powertrain.plugin.wording import show

# Who looks at parameters without using them: recipes and their hashes, consent to URLs, this check, and dataclasses
# themselves.
ENGINE = Path(pt.__file__).parent
OURS = (str(ENGINE / name) for name in ("recipe", "conformance", "train", "io"))
LOOKERS = (*OURS, dataclasses.__file__, "<string>")
FIX = "use it, or leave it out; where it changes speed alone, write param(..., results=False)"


@contextmanager
def reads(params: type) -> Iterator[set[str]]:
    """The names of the parameters that somebody reads, on any object of their class."""
    names = {field.name for field in dataclasses.fields(params)}
    found: set[str] = set()

    def look(self: Any, name: str) -> Any:
        if name in names or name == "__dict__":
            code = sys._getframe(1).f_code
            if not code.co_filename.startswith(LOOKERS) and code.co_name != "__post_init__":
                found.update(names if name == "__dict__" else (name,))
        return object.__getattribute__(self, name)

    if not names:
        yield found
        return
    params.__getattribute__ = look  # type: ignore[assignment]
    try:
        yield found
    finally:
        del params.__getattribute__


def unread(subject: Subject, read: set[str]) -> Iterator[Finding]:
    """Parameters that nothing has read, and that the plugin's source names nowhere but where they are declared."""
    for field in parameters(params_of(subject.plugin)):
        if field.name not in read and not _named(subject.plugin, field.name):
            yield _without_effect(subject, field.name, "nothing reads it")


def _without_effect(subject: Subject, name: str, why: str) -> Finding:
    return subject.finding(
        "parameter-unused", f"the parameter {name} has no effect: {why}", "one that changes what it does", FIX
    )


def _named(plugin: Any, name: str) -> bool:
    """Whether code beside the plugin has the name as an attribute or as a text: it may be read where a check does not
    come."""
    word = re.compile(rf"\.{re.escape(name)}\b|[\"']{re.escape(name)}[\"']")
    folder = source_folder(plugin)
    modules = {inspect.getmodule(base) for base in getattr(plugin, "__mro__", (plugin,))}
    near = {str(getattr(module, "__file__", None)) for module in modules if module is not None}
    package = str(getattr(plugin, "__module__", "")).partition(".")[0]
    for module in list(sys.modules.values()):
        path = str(getattr(module, "__file__", None) or "")
        if folder is not None and getattr(module, "__name__", "").partition(".")[0] == package:
            near.add(path)
    own = [path for path in near if path.endswith(".py") and Path(path).is_file()]
    return any(word.search(Path(path).read_text(encoding="utf-8")) for path in own)


Behaviour = Callable[[Any], Iterable[bytes]]


def check_effects(subject: Subject, behaviour: Behaviour) -> Iterator[Finding]:
    """Other values of each parameter, alone and beside one other parameter that has another value too, must give other
    results somewhere. A value that its range allows must not end in an error that says nothing."""
    fields = [field for field in parameters(params_of(subject.plugin)) if field.range.results]
    values = {field.name: list(others(field, getattr(subject.params, field.name))) for field in fields}
    seen: dict[str, _Pieces] = {}

    def of(params: Any) -> _Pieces:
        return seen.setdefault(repr(params), _Pieces(behaviour(params)))

    if fields and REFUSED in of(subject.params):  # what the check has found to work
        return
    for field in fields:
        found, tried = False, list[str]()
        least = [field.type(field.range.low)] if field.type in (int, float) and field.range.low is not None else []
        for value in least:
            try:
                list(
                    itertools.islice(
                        of(with_change(subject, subject.params, {field.name: value}) or subject.params), FIRST
                    )
                )
            except Exception as error:
                yield _bad_error(subject, field.name, value, error)
                return
        pairs = ((context, value) for context in _contexts(subject, field.name, values) for value in values[field.name])
        for context, value in pairs:
            other = with_change(subject, context, {field.name: value})
            if other is None:
                continue
            tried.append(show(value))
            try:
                found = any(a != b for a, b in zip_longest(of(context), of(other)))
            except Exception as error:
                if context is subject.params:
                    yield _bad_error(subject, field.name, value, error)
                    return
            if found:
                break
        if tried and not found:
            words = ", ".join(list(dict.fromkeys(tried))[:3])
            yield _without_effect(subject, field.name, f"results stay the same with {words}")


REFUSED, FIRST = b"refused", 4  # and how many pieces are asked for where an error is looked for


class _Pieces:
    """What a plugin does, piece by piece, as far as somebody asks; REFUSED where it says that it does not."""

    def __init__(self, pieces: Iterable[bytes]) -> None:
        self._known: list[bytes] = []
        self._rest = iter(pieces)

    def __iter__(self) -> Iterator[bytes]:
        for at in itertools.count():
            if at == len(self._known):
                try:
                    self._known.append(next(self._rest))
                except StopIteration:
                    return
                except Exception as error:
                    if not _refuses(error):
                        raise
                    self._known.append(REFUSED)
            yield self._known[at]


def _bad_error(subject: Subject, name: str, value: Any, error: Exception) -> Finding:
    return subject.finding(
        "bad-error",
        f"with {name} = {show(value)}, which it allows, it raised {in_words(error)}",
        "an error that says what was received and what is expected",
        "narrow the range of the parameter, or raise ValueError('[name] received; expected; fix')",
        error,
    )


def _refuses(error: Exception) -> bool:
    """Whether an error says what was received, what was expected and how to fix it."""
    return isinstance(error, pt.Error) or str(error).startswith("[")


def _contexts(subject: Subject, name: str, values: dict[str, list[Any]]) -> Iterator[Any]:
    yield subject.params
    for other, found in values.items():
        for value in found[:2] if other != name else ():
            made = with_change(subject, subject.params, {other: value})
            if made is not None:
                yield made


def with_change(subject: Subject, params: Any, change: dict[str, Any]) -> Any:
    """Parameters with some changed; None where they do not go together."""
    table = {field.name: getattr(params, field.name) for field in dataclasses.fields(params) if field.init}
    given = {name: value for name, value in {**table, **change}.items() if value is not None}  # None is not written
    made, mistakes = check(type(params), given, subject.name)
    return None if mistakes else made


def others(field: Parameter, value: Any) -> Iterator[Any]:
    """Other values that a recipe may write."""
    shown = {repr(value)}
    for candidate in _candidates(field.type, field.range.choices, value):
        mistakes: list[Mistake] = []
        made = convert(candidate, field.type, field.range, (field.name,), mistakes)
        if not mistakes and repr(made) not in shown:
            shown.add(repr(made))
            yield made


def _candidates(kind: Any, choices: Any, value: Any) -> list[Any]:
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (Union, types.UnionType):
        return [one for option in arguments for one in _candidates(option, choices, value)]
    if origin is Literal or choices is not None:
        return list(choices or arguments)
    if kind is bool:
        return [not value]
    if kind is int:
        size = value if isinstance(value, int) else 4
        return [size // 2, size + 1, 2 * size, 0, 1, 3]
    if kind is float:
        near = float(value) if isinstance(value, (int, float)) else 1.0
        return [near / 2, near * 2, near + 0.1, 0.0, 1.0, 0.3]
    if origin in (tuple, list) and arguments and isinstance(value, (tuple, list)) and value:
        elements = [_candidates(arguments[0], None, one) for one in value]
        rows = [list(row) for row in zip(*elements, strict=False)]
        return [*rows, list(value)[:-1]] if len(value) > 1 else rows
    return []
