"""What a trace takes from Python as it is: a program is of use as long as these facts hold.

While a function is traced, attributes of modules and optimizers that it reads are noted, by a `__getattribute__` that
is there only then. A change of any attribute moves a counter, and programs compare what they noted where it has moved.
Variables of closures and globals move no counter; every call compares them, most by identity.
"""

from __future__ import annotations

import dataclasses
import dis
import functools
import os
import threading
import types
from collections.abc import Iterator
from typing import Any

from powertrain import _core

Cell = tuple[types.CellType, str]
Entry = tuple[dict[str, Any], str, str]

_PACKAGE = __name__.partition(".")[0]
_DEPTH = 3  # of objects in objects


class MissingAttributeError(_core.Error, AttributeError):
    """An attribute to be deleted that is not there."""


class Watched:
    """An object whose attributes are facts of the programs whose traces read them."""

    def __setattr__(self, name: str, value: Any) -> None:
        before = self.__dict__.get(name, Watched)
        object.__setattr__(self, name, value)
        if self.__dict__.get(name, Watched) is not before:  # a property may keep it elsewhere
            _core.facts_changed(self, name)

    def __delattr__(self, name: str) -> None:
        try:
            object.__delattr__(self, name)
        except AttributeError as error:
            raise MissingAttributeError(
                f"[{type(self).__name__}] cannot delete {name}: {error}; expected an attribute that was assigned; see "
                "vars() of the object"
            ) from None
        _core.facts_changed(self, name)


def _read_and_note(self: Watched, name: str) -> Any:
    if not name.startswith("__"):
        _core.note_fact(self, name)
    return object.__getattribute__(self, name)


class _Own(threading.local):
    traces = 0  # of this thread, that note


_own = _Own()
_busy = threading.Lock()
_traces = 0  # that note, on all threads


def begin_noting() -> None:
    """Note reads of attributes; the core knows for which trace."""
    global _traces
    with _busy:
        _own.traces += 1
        _traces += 1
        if _traces == 1:
            type.__setattr__(Watched, "__getattribute__", _read_and_note)


def end_noting() -> None:
    """As often as `begin_noting`."""
    global _traces
    with _busy:
        _own.traces -= 1
        _traces -= 1
        if _traces == 0:
            type.__delattr__(Watched, "__getattribute__")


def _after_fork() -> None:
    """In a child process there is the forking thread alone: nobody else traces, or holds the lock."""
    global _busy, _traces
    _busy = threading.Lock()
    _traces = _own.traces
    if _traces == 0 and "__getattribute__" in vars(Watched):
        type.__delattr__(Watched, "__getattribute__")


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


# ---------------------------------------------------------------- closures and globals


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    """The code and that of the functions written inside of it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _codes(constant)


@dataclasses.dataclass
class _Names:
    """The names that a function reads and does not assign itself, which would be no facts."""

    variables: list[str]  # of closures
    globals: list[str]
    attributes: list[str]


_KINDS = {"DEREF": "variables", "CLASSDEREF": "variables", "GLOBAL": "globals", "NAME": "globals",
          "ATTR": "attributes", "METHOD": "attributes"}  # fmt: skip


def _names(code: types.CodeType) -> _Names:
    read, assigned = _Names([], [], []), _Names([], [], [])
    for part in _codes(code):
        for instruction in dis.get_instructions(part):
            verb, _, kind = instruction.opname.partition("_")
            if kind in _KINDS and verb in ("LOAD", "STORE", "DELETE"):
                getattr(read if verb == "LOAD" else assigned, _KINDS[kind]).append(str(instruction.argval))
    kept = (
        [name for name in dict.fromkeys(getattr(read, kind)) if name not in getattr(assigned, kind)]
        for kind in ("variables", "globals", "attributes")
    )
    return _Names(*kept)


class _Reach:
    """What a function reaches that nothing watches."""

    def __init__(self) -> None:
        self.cells: list[Cell] = []
        self.entries: list[Entry] = []
        self._seen: set[tuple[int, str]] = set()

    def _is_new(self, value: Any, name: str = "") -> bool:
        key = id(value), name
        new = key not in self._seen
        self._seen.add(key)
        return new

    def visit(self, value: Any, attributes: list[str], depth: int = 0, root: bool = False) -> None:
        """A function is read as code, another object by the attributes of these names."""
        if isinstance(value, (type, types.ModuleType, types.BuiltinFunctionType)):
            return
        if isinstance(value, types.FunctionType):
            self._function(value, root)
        elif isinstance(value, types.MethodType):
            inner = value.__func__
            self.visit(inner, attributes, depth, root)
            named = _names(inner.__code__).attributes if isinstance(inner, types.FunctionType) else attributes
            self.visit(value.__self__, named, depth)
        elif isinstance(value, functools.partial):
            self.visit(value.func, attributes, depth, root)
        elif isinstance(value, _core.CompiledFunction):
            self.visit(value.__wrapped__, attributes, depth)
        elif not isinstance(value, Watched) and depth < _DEPTH:
            self._object(value, attributes, depth)

    def _function(self, function: types.FunctionType, root: bool) -> None:
        # The package's own functions read no globals that change.
        if not root and function.__module__ and function.__module__.partition(".")[0] == _PACKAGE:
            return
        if not self._is_new(function):
            return
        names = _names(function.__code__)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            if name not in names.variables:
                continue
            if self._is_new(cell):
                self.cells.append((cell, name))
            if held := _content(cell):
                self.visit(held[0], names.attributes)
        for name in names.globals:
            value = function.__globals__.get(name, _Reach)
            if value is not _Reach and not isinstance(value, (type, types.ModuleType, types.BuiltinFunctionType)):
                if self._is_new(function.__globals__, name):
                    self.entries.append((function.__globals__, name, ""))
                self.visit(value, names.attributes)

    def _object(self, value: Any, attributes: list[str], depth: int) -> None:
        held = getattr(value, "__dict__", None)
        if type(held) is not dict:
            return
        for name in attributes:
            if name in held:
                if self._is_new(held, name):
                    self.entries.append((held, name, type(value).__name__))
                self.visit(held[name], attributes, depth + 1)


def _content(cell: types.CellType) -> tuple[Any] | None:
    try:
        return (cell.cell_contents,)
    except ValueError:  # nothing was assigned to it
        return None


def reached_by(function: Any, arguments: list[Any]) -> tuple[list[Cell], list[Entry]]:
    """Variables of closures, and names in dicts, that a function reaches; `arguments`: objects that it was given."""
    reach = _Reach()
    reach.visit(function, [], root=True)
    inner = function.__func__ if isinstance(function, types.MethodType) else function
    if isinstance(inner, types.FunctionType):
        for argument in arguments:
            reach.visit(argument, _names(inner.__code__).attributes)
    return reach.cells, reach.entries
