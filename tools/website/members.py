"""The members of a class that its page describes: its own, and those of bases that have no page themselves."""

from __future__ import annotations

import dataclasses
import functools
import inspect
from typing import Any, NamedTuple, NoReturn

from powertrain.ops.functional import documentation
from website.signatures import signature


class Member(NamedTuple):
    """A method, property or field, with what the page shows of it."""

    name: str
    directive: str
    signature: str
    doc: str


def ours(cls: type) -> list[type]:
    """The classes of this project that a class is made of, itself first."""
    return [one for one in cls.__mro__ if one.__module__.startswith("powertrain")]


def described_elsewhere(cls: type, pages: dict[int, str]) -> list[type]:
    """The bases that have a page of their own."""
    return [base for base in ours(cls)[1:] if id(base) in pages]


def members(cls: type, pages: dict[int, str]) -> list[Member]:
    """What the page of a class describes, in the order of the source."""
    elsewhere = described_elsewhere(cls, pages)
    covered = set().union(*map(set, map(ours, elsewhere))) if elsewhere else set()
    told = {name for base in elsewhere for name in dir(base)}
    found: dict[str, Member] = {}
    for base in ours(cls):
        if base in covered:
            continue
        for name, value in vars(base).items():
            if name.startswith("_") or name in found or _only_refuses(value):
                continue
            member = _member(cls, name, value)
            if member is not None and (member.doc or name not in told):
                found[name] = member
    return list(found.values())


def _only_refuses(value: Any) -> bool:
    """Whether a method or property is there to say what to write in its place, as for a name of another library."""
    function = value.fget if isinstance(value, property) else value
    return inspect.isfunction(function) and function.__annotations__.get("return") in (NoReturn, "NoReturn")


def _member(cls: type, name: str, value: Any) -> Member | None:
    doc = documentation(value)
    if isinstance(value, (property, functools.cached_property)):
        return Member(name, "py:property", "", doc)
    if isinstance(value, classmethod | staticmethod):
        kind = "classmethod" if isinstance(value, classmethod) else "staticmethod"
        text = signature(getattr(cls, name), f"{cls.__name__}.{name}", bound=True)
        return Member(name, f"py:{kind}", text, inspect.getdoc(value.__func__) or "")
    if inspect.isroutine(value) or type(value).__name__ in ("instancemethod", "OpFunction", "op_function"):
        return Member(name, "py:method", signature(value, f"{cls.__name__}.{name}", bound=True), doc)
    return None


def fields(cls: type) -> list[tuple[str, str, str]]:
    """The fields of a dataclass or a named tuple: names, types and defaults."""
    if dataclasses.is_dataclass(cls):
        rows = [(one.name, one.type, one.default) for one in dataclasses.fields(cls) if not one.name.startswith("_")]
        missing: Any = dataclasses.MISSING
    elif issubclass(cls, tuple) and hasattr(cls, "_fields"):
        missing = inspect.Parameter.empty
        notes, defaults = inspect.get_annotations(cls), getattr(cls, "_field_defaults", {})
        rows = [(name, notes.get(name, ""), defaults.get(name, missing)) for name in cls._fields]
    else:
        return []
    return [(name, _type(kind), "" if default is missing else repr(default)) for name, kind, default in rows]


def _type(kind: Any) -> str:
    return kind if isinstance(kind, str) else inspect.formatannotation(kind)
