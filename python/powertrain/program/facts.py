"""What a trace takes from Python as it is: a program is of use as long as these facts hold.

While a function is traced, attributes of modules and optimizers that it reads are noted, by a `__getattribute__` that
is there only then. A change of any attribute moves a counter, and programs compare what they noted where it has moved.
Variables of closures and globals move no counter; every call compares them, most by identity.
"""

from __future__ import annotations

import dataclasses
import dis
import functools
import gc
import os
import sys
import threading
import types
from collections.abc import Iterator
from typing import Any

from powertrain import _core
from powertrain.io.locks import ModuleLock

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
        _core.note_fact(self, name)  # one that is not there is a fact too
    value = object.__getattribute__(self, name)
    holds = type(value) is dict or type(getattr(value, "__dict__", None)) is dict
    if holds and not isinstance(value, Watched) and not name.startswith("__"):
        _own.held.setdefault(id(value), (type(self), value))
    return value


class _Own(threading.local):
    traces = 0  # of this thread, that note

    def __init__(self) -> None:
        self.held: dict[int, tuple[type, Any]] = {}  # objects and dicts that were read of watched ones, by class


_own = _Own()
_busy = ModuleLock()
_traces = 0  # that note, on all threads


def begin_noting() -> None:
    """Note reads of attributes; the core knows for which trace."""
    global _traces
    with _busy:
        if _own.traces == 0:
            _own.held = {}
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
    """In a child process there is the forking thread alone: nobody else traces."""
    global _traces
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
    keys: list[str]  # texts in square brackets


_KINDS = {"DEREF": "variables", "CLASSDEREF": "variables", "GLOBAL": "globals", "NAME": "globals",
          "ATTR": "attributes", "METHOD": "attributes"}  # fmt: skip


@functools.lru_cache(maxsize=1024)
def _names(*codes: types.CodeType) -> _Names:
    read, assigned = _Names([], [], [], []), _Names([], [], [], [])
    for part in (inner for code in codes for inner in _codes(code)):
        key, again = None, False  # the text on top of the stack, and whether it is used for an assignment too
        for instruction in dis.get_instructions(part):
            verb, _, kind = instruction.opname.partition("_")
            if kind in _KINDS and verb in ("LOAD", "STORE", "DELETE"):
                getattr(read if verb == "LOAD" else assigned, _KINDS[kind]).append(str(instruction.argval))
            reads = instruction.opname == "BINARY_SUBSCR" or instruction.argrepr == "[]"
            if key is not None and (reads or kind == "SUBSCR"):
                (read if reads and not again else assigned).keys.append(key)
            again = key is not None and instruction.opname in ("COPY", "DUP_TOP_TWO")
            if not again:
                is_text = instruction.opname == "LOAD_CONST" and isinstance(instruction.argval, str)
                key = instruction.argval if is_text else None
    kept = (
        [name for name in dict.fromkeys(getattr(read, kind)) if name not in getattr(assigned, kind)]
        for kind in ("variables", "globals", "attributes", "keys")
    )
    return _Names(*kept)


def _of_code(function: Any, others: _Names) -> _Names:
    return _names(function.__code__) if isinstance(function, types.FunctionType) else others


_NONE = _Names([], [], [], [])
# Whose classes and modules change for nobody.
_LIBRARIES = (sys.stdlib_module_names | {_PACKAGE, "numpy"}) - {"__main__"}


def _foreign(value: Any) -> bool:
    """Whether a class or module is of a library, or of C."""
    name = value.__name__ if isinstance(value, types.ModuleType) else value.__module__
    return str(name).partition(".")[0] in _LIBRARIES


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

    def visit(self, value: Any, names: _Names, depth: int = 0, root: bool = False) -> None:
        """A function is read as code, another object by its attributes, or keys, of these names."""
        if isinstance(value, types.FunctionType):
            self._function(value, root)
        elif isinstance(value, types.MethodType):
            inner = value.__func__
            self.visit(inner, names, depth, root)
            self.visit(value.__self__, _of_code(inner, names), depth)
        elif isinstance(value, functools.partial):
            self.visit(value.func, names, depth, root)
            for given in (*value.args, *value.keywords.values()):
                self.visit(given, _of_code(value.func, names), depth)
        elif isinstance(value, _core.CompiledFunction):
            self.visit(value.__wrapped__, names, depth)
        elif isinstance(value, (type, types.ModuleType)):
            if not _foreign(value):
                self._entries(_dict_of(value), names.attributes, value.__name__, names, depth, plain=True)
        elif type(value) is dict:
            self._entries(value, names.keys, "dict", names, depth)
        elif not isinstance(value, (Watched, types.BuiltinFunctionType)) and depth < _DEPTH:
            held = getattr(value, "__dict__", None)
            if type(held) is dict:
                self._entries(held, names.attributes, type(value).__name__, names, depth)
                self._of_class(value, held, names)

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
                self.visit(held[0], names)
        for name in names.globals:
            value = function.__globals__.get(name, _Reach)
            if value is _Reach or isinstance(value, types.BuiltinFunctionType):
                continue
            if not isinstance(value, (type, types.ModuleType)) and self._is_new(function.__globals__, name):
                self.entries.append((function.__globals__, name, ""))
            self.visit(value, names)
        for value in (*(function.__defaults__ or ()), *(function.__kwdefaults__ or {}).values()):
            self.visit(value, names)

    def _entries(
        self, held: dict[str, Any], wanted: list[str], owner: str, names: _Names, depth: int, plain: bool = False
    ) -> None:
        """What stands in a dict by these names; `plain`: numbers, texts and the like alone."""
        for name in wanted:
            if name not in held or (plain and not isinstance(held[name], _PLAIN)):
                continue
            if self._is_new(held, name):
                self.entries.append((held, name, owner))
            if depth < _DEPTH:
                self.visit(held[name], names, depth + 1)

    def _of_class(self, value: Any, held: dict[str, Any], names: _Names) -> None:
        """Attributes that an object has of its class: those of the class, and that it has none of its own."""
        for cls in type(value).__mro__ if names.attributes else ():
            known = {} if _foreign(cls) else _dict_of(cls)
            for name in names.attributes:
                if name in known and name not in held and isinstance(known[name], _PLAIN) and self._is_new(held, name):
                    self.entries += [(held, name, cls.__name__), (known, name, cls.__name__)]


_PLAIN = (int, float, complex, str, bytes, tuple, frozenset, type(None))


def _dict_of(value: Any) -> dict[str, Any]:
    """The dict itself of a class or module, whose `__dict__` shows that of a class by a proxy."""
    if isinstance(value, types.ModuleType):
        return value.__dict__
    found: dict[str, Any] = next((one for one in gc.get_referents(value.__dict__) if type(one) is dict), {})
    return found


def _content(cell: types.CellType) -> tuple[Any] | None:
    try:
        return (cell.cell_contents,)
    except ValueError:  # nothing was assigned to it
        return None


@functools.lru_cache(maxsize=256)
def _read_by(cls: type) -> _Names:
    """The names that are read when an object of a class is called, by its methods that are not of the package."""
    methods: dict[str, types.CodeType] = {}
    for base in reversed(cls.__mro__):
        for name, member in vars(base).items() if not _foreign(base) else ():
            function = member.fget if isinstance(member, property) else member
            if isinstance(function, types.FunctionType):
                methods[name] = function.__code__
    found, wanted = [], ["forward", "__call__", "update"]
    while wanted:
        code = methods.pop(wanted.pop(), None)
        if code is not None:
            found.append(code)
            wanted += _names(code).attributes
    return _names(*found)


def reached_by(function: Any, arguments: list[Any]) -> tuple[list[Cell], list[Entry]]:
    """Variables of closures, and names in dicts, that a function reaches; `arguments`: objects that it was given."""
    reach = _Reach()
    reach.visit(function, _NONE, root=True)
    inner = function.__func__ if isinstance(function, types.MethodType) else function
    if isinstance(inner, types.FunctionType):
        for argument in arguments:
            reach.visit(argument, _names(inner.__code__))
    for owner, value in _own.held.values():
        reach.visit(value, _read_by(owner))
    if _own.traces == 0:
        _own.held = {}
    return reach.cells, reach.entries
