"""Signatures as the reference shows them, those of functions in C++ too."""

from __future__ import annotations

import ast
import functools
import inspect
import re
from pathlib import Path
from typing import Any

import powertrain as pt

# How annotations name the types that users know by shorter names.
_SHORTER = re.compile(r"\b(?:typing|collections\.abc|_core|pt|numpy\.typing|powertrain(?:\.\w+)*)\.(?=[A-Z])")


def signature(value: Any, name: str, *, bound: bool = False) -> str:
    """The parameters and the result of a function, or of what makes a class; empty where nobody knows.

    `name` is what the stub of the engine calls it; `bound` leaves out self or cls.
    """
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return _of_core(bound).get(name, "")
    parameters = list(found.parameters.values())
    anything = [one.kind for one in parameters] == [inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD]
    if anything and (known := _of_core(bound).get(name)):
        return known
    if anything and inspect.isclass(value) and (_is_protocol(value) or not inspect.isfunction(value.__init__)):
        return ""  # what Python makes up
    if bound and parameters and parameters[0].name in ("self", "cls"):
        parameters = parameters[1:]
    result = found.return_annotation
    arrow = "" if result is found.empty or inspect.isclass(value) else f" -> {_annotation(result)}"
    return f"({', '.join(_parts(parameters))}){arrow}"


def _is_protocol(cls: type) -> bool:
    return bool(getattr(cls, "_is_protocol", False))


def _parts(parameters: list[inspect.Parameter]) -> list[str]:
    found, named = [], False
    for at, one in enumerate(parameters):
        if one.kind is one.KEYWORD_ONLY and not named:
            found.append("*")
        named = named or one.kind in (one.KEYWORD_ONLY, one.VAR_POSITIONAL)
        found.append(_parameter(one))
        after = parameters[at + 1].kind if at + 1 < len(parameters) else None
        if one.kind is one.POSITIONAL_ONLY and after is not one.POSITIONAL_ONLY:
            found.append("/")
    return found


def _parameter(one: inspect.Parameter) -> str:
    stars = {one.VAR_POSITIONAL: "*", one.VAR_KEYWORD: "**"}.get(one.kind, "")
    kind = "" if one.annotation is one.empty else f": {_annotation(one.annotation)}"
    if one.default is one.empty:
        return f"{stars}{one.name}{kind}"
    equals = " = " if kind else "="
    return f"{stars}{one.name}{kind}{equals}{_default(one.default)}"


def _default(value: Any) -> str:
    text = value.__name__ if inspect.isroutine(value) or inspect.isclass(value) else repr(value)
    return "..." if text.startswith("<") else text


def _annotation(value: Any) -> str:
    text = value if isinstance(value, str) else inspect.formatannotation(value)
    return _SHORTER.sub("", text.strip("'\""))


@functools.cache
def _of_core(bound: bool) -> dict[str, str]:
    """What the stub of the engine says: signatures by name, those of methods by class and name."""
    tree = ast.parse((Path(pt.__file__).parent / "_core.pyi").read_text(encoding="utf-8"))
    found = {node.name: _written(node, bound) for node in tree.body if isinstance(node, ast.FunctionDef)}
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    for name, node in classes.items():
        bases = [classes[ast.unparse(base)] for base in node.bases if ast.unparse(base) in classes]
        for holder in (*bases, node):
            methods = (one for one in holder.body if isinstance(one, ast.FunctionDef))
            found |= {f"{name}.{one.name}": _written(one, bound) for one in methods}
    return found


def _written(node: ast.FunctionDef, bound: bool) -> str:
    given = node.args
    if bound and given.args and given.args[0].arg in ("self", "cls"):
        given.args = given.args[1:]
    result = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    return _SHORTER.sub("", f"({ast.unparse(given)}){result}")
