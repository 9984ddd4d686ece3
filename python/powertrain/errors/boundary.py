"""The boundary between callers and the engine's Python code: an exception that no check foresaw becomes a `pt.Error`.

Checks that name the argument at fault belong where the argument is used. This is the net below them. What Python or
NumPy raise in the engine's own code, given a value that nobody thought of, is raised again with what was received. The
error is also of Python's kind. The first exception is its cause. What a caller's own function raises passes
through. Arguments that a function does not take are an error of `errors/arguments.py`. `cpp/bindings/errors.cpp` does
the same for functions in C++.
"""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import FunctionType, TracebackType
from typing import Any, Final, TypeVar

from powertrain import _core
from powertrain.errors import arguments
from powertrain.errors.arguments import shown
from powertrain.errors.attributes import missing
from powertrain.errors.modules import indexed

F = TypeVar("F", bound=Callable[..., Any])


class MissingModuleError(_core.Error, ImportError):
    """A library that could not be imported."""


# What is raised again, and as what; the first that fits.
_KINDS: Final[tuple[tuple[type[Exception], type[Exception]], ...]] = (
    (MemoryError, _core.OutOfMemoryError),
    (IndexError, _core.IndexError),
    (TypeError, _core.DTypeError),
    (AttributeError, _core.DTypeError),
    (ValueError, _core.ShapeError),
    (LookupError, _core.ShapeError),
    (ArithmeticError, _core.ShapeError),
    (AssertionError, _core.ShapeError),
    (RuntimeError, _core.ShapeError),
    (BufferError, _core.DTypeError),
    (EOFError, _core.ShapeError),
    (NameError, _core.DTypeError),
    (ImportError, MissingModuleError),
)
LEFTOVERS: Final = tuple(raw for raw, _ in _KINDS)
# Whose exceptions are those of the engine that called them, and whose classes of exceptions are Python's.
_CALLED: Final = sys.stdlib_module_names | {"numpy", "scipy", "sklearn", "pandas"}
_RAW: Final = frozenset({"builtins", "numpy"})

# Ops that no public name has: their errors say what was called instead. Filled where ops are given their names.
unknown_ops: set[str] = set()

# Methods by which Python asks an object.
_ASKED: Final = frozenset(
    f"__{name}__"
    for name in (
        "init", "call", "getitem", "setitem", "delitem", "contains", "len", "iter", "setattr", "delattr", "enter",
        "exit", "copy", "deepcopy", "array", "dlpack", "setstate",
    )
)  # fmt: skip


def public(function: F) -> F:
    """The function, whose leftover exceptions are errors of ours. It keeps its name, signature and globals."""

    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except leftovers as error:
            found = translate(error, function, args, kwargs)
            if found is None:
                raise
            raise found from error

    def iterate(*args: Any, **kwargs: Any) -> Any:  # a generator runs after its call has returned
        try:
            return (yield from function(*args, **kwargs))
        except leftovers as error:
            found = translate(error, function, args, kwargs)
            if found is None:
                raise
            raise found from error

    leftovers, translate = LEFTOVERS, translated
    made_of = iterate if inspect.isgeneratorfunction(function) else call
    # With the globals of its module, so that doctest and pickle take it for what stands there.
    made = FunctionType(made_of.__code__, function.__globals__, made_of.__name__, None, made_of.__closure__)
    return functools.update_wrapper(made, function)  # type: ignore[return-value]


def export(module: dict[str, Any], names: Iterable[str] = ()) -> None:
    """Make the functions and classes of a module (its globals) public: those named, of `__all__`, or all of its own."""
    for name in names or module.get("__all__") or _own(module):
        value = module.get(name)
        if isinstance(value, FunctionType) and not is_public(value):
            made = module[name] = public(value)
            home = vars(sys.modules[value.__module__])
            if home.get(name) is value:
                home[name] = made
        elif isinstance(value, type) and not issubclass(value, BaseException):
            for cls in value.__mro__:
                if cls.__module__.startswith("powertrain.") and cls.__module__ != "powertrain._core":
                    _guard(cls)
                    if not hasattr(cls, "__getattr__") and not getattr(cls, "_is_protocol", False):
                        cls.__getattr__ = missing  # type: ignore[attr-defined]
            if not hasattr(value, "__class_getitem__"):
                value.__class_getitem__ = classmethod(indexed)  # type: ignore[attr-defined]


def _own(module: Mapping[str, Any]) -> list[str]:
    home = module["__name__"]
    return [
        name
        for name, value in module.items()
        if not name.startswith("_") and getattr(value, "__module__", None) == home
    ]


def is_public(function: Any) -> bool:
    return getattr(function, "__code__", None) in _CODES


def _guard(cls: type) -> None:
    """The methods of a class that callers call, and the setters of its properties."""
    if getattr(cls, "_is_protocol", False):
        return
    for name, member in list(vars(cls).items()):
        if name == "forward" or f"{cls.__name__}.{name}" == "Module.__call__":
            continue  # by Module.__call__, which translates without a call more
        if name.startswith("_") and name not in _ASKED:
            continue
        kind = type(member)
        if kind is FunctionType and not is_public(member):
            setattr(cls, name, public(member))
        elif kind in (staticmethod, classmethod) and not is_public(member.__func__):
            setattr(cls, name, kind(public(member.__func__)))
        elif kind is property and member.fset is not None and not is_public(member.fset):
            setattr(cls, name, member.setter(public(member.fset)))


def translated(
    error: Exception, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Exception | None:
    """The error of ours for an exception that left `function`; None for one that stays as it is."""
    if isinstance(error, TypeError) and error.__traceback__ is not None and error.__traceback__.tb_next is None:
        return arguments.refused(function, args, kwargs) if _is_engine(function) else None
    if isinstance(error, _core.Error):
        return _named(error, function, args, kwargs)
    if type(error).__module__.partition(".")[0] not in _RAW or not _is_ours(error):
        return None
    kind = next(ours for raw, ours in _KINDS if isinstance(error, raw))
    where = arguments.name_of(function, args)
    asked = function  # of a constructor that calls another one, what the class says
    if arguments.is_method(function):
        found = getattr(args[0] if isinstance(args[0], type) else type(args[0]), function.__name__, function)
        args, asked = args[1:], found if callable(found) else function  # of a setter the class has the property
    said = " ".join(_text(error).split()) or "nothing more is known"
    return kind(
        f"[{where}] received {_received(args, kwargs)}: {type(error).__name__}: {said}; expected {_taken(where, asked)}"
    )


def _named(
    error: _core.Error, function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> _core.Error | None:
    """An error of an op or a function that callers do not know, in the name of what they called; None for any other."""
    said = _text(error)
    inner, closing, _ = said.removeprefix("[").partition("]")
    known = inner not in unknown_ops and (
        inner in vars(sys.modules["powertrain"]) or not inspect.isroutine(getattr(_core, inner, None))
    )
    # One with a constructor of its own, such as a DataError, names what it was told to name.
    if not closing or known or not _is_engine(function) or inspect.isfunction(type(error).__init__):
        return None
    name = arguments.name_of(function, args)
    if f"; expected {inner}(" not in said:
        return type(error)(f"[{name}{str(error)[1 + len(inner) :]}")
    given = args[1:] if arguments.is_method(function) else args
    return type(error)(f"[{name}] received {_received(given, kwargs)}; expected {_taken(name, function)}")


def _received(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
    return (
        ", ".join([*map(shown, args), *(f"{name}={shown(value)}" for name, value in kwargs.items())]) or "no arguments"
    )


def _taken(name: str, function: Callable[..., Any]) -> str:
    return f"{name}{arguments.signature(function)}; check the arguments"


def _is_engine(function: Callable[..., Any]) -> bool:
    return str(function.__globals__.get("__name__")).partition(".")[0] == "powertrain"


def _is_ours(error: Exception) -> bool:
    """Whether the engine's code raised it, itself or in a library that it called; not a caller's function.

    Who asks for an attribute that is not there is at fault, not the `__getattr__` that says so.
    """
    below = error.__traceback__ and error.__traceback__.tb_next  # without the frame that caught it
    for module in reversed([*_modules(below, without="__getattr__")]):
        if module.partition(".")[0] not in _CALLED:
            return module.partition(".")[0] == "powertrain"
    return False


def from_libraries(traceback: TracebackType) -> bool:
    """Whether every frame of an exception that reached the engine's C++ code is of a library that it called."""
    return all(module.partition(".")[0] in _CALLED for module in _modules(traceback))


def _modules(traceback: TracebackType | None, without: str = "") -> Iterator[str]:
    """The modules of the frames, outermost first; not of functions of one name."""
    while traceback is not None:
        if traceback.tb_frame.f_code.co_name != without:
            yield str(traceback.tb_frame.f_globals.get("__name__"))
        traceback = traceback.tb_next


_CODES: Final = (public(lambda: None).__code__, public(lambda: (yield)).__code__)


def _text(error: Exception) -> str:
    try:
        return str(error)[:200]
    except Exception:
        return ""
